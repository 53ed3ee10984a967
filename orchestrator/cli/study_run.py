"""`orch study run`: run what a study lacks, and print its verdict."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OrchError, UsageError, did_you_mean
from ..wording import counted
from .output import Format, ResultsOption
from .study_options import (
    RetryFailedOption,
    RetryStaleOption,
    SetOption,
    StudyArgument,
    say,
    say_which,
)

if TYPE_CHECKING:
    from ..plan import Plan

SEE_FAILED = "orch sql \"SELECT regime_label, seed, reason FROM trials WHERE status = 'failed'\""
SAID_ABOVE = "why stands above; where there was a result it stays, and this one is in the journal alone"


def run_study(
    study: StudyArgument,
    overrides: SetOption = None,
    retry_failed: RetryFailedOption = False,
    retry_stale: RetryStaleOption = False,
    cpus_per_trial: Annotated[
        float | None,
        typer.Option(
            help="Cores per stack; a stack uses one torch thread per core. One by default, or beside GPUs "
            "an even share.",
            min=0.01,
        ),
    ] = None,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            help="GPUs per stack; fractions let several share one. A third by default, if there is one.",
            min=0.0,
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Address of an existing Ray cluster, which must see the results folder."),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(help="The baseline regime of the verdict at the end.", show_default="clipping"),
    ] = None,
    results: ResultsOption = None,
) -> None:
    """Run what a study lacks, then print the verdict. Ctrl-C stops it; what finished stays, and of
    what was begun the last checkpoint, at most two minutes old.

    Trials that have a result are run again only where that is asked for; runs in one results folder
    divide what is missing. Exit code 130 after an interruption, 1 when trials failed.
    """
    from ..catalogue import results_folder, results_option
    from ..cluster import Placement
    from ..planning import plan_study
    from ..progress import Progress
    from ..retrying import Retry
    from ..runner import run

    folder = results_folder(results)
    sets = "".join(f" --set {shlex.quote(one)}" for one in overrides or ())
    retry = Retry(failed=retry_failed, stale=retry_stale)
    again = f"orch study run {shlex.quote(study)}{sets}{retry.options}{results_option(folder)}"
    plan = plan_study(study, folder, overrides=overrides or (), retry=retry)
    say_which(study)
    regimes = {cell.first.regime_label for cell in plan.cells} | plan.study.regime_names
    if compare is not None and compare != "clipping" and compare not in regimes:
        raise UsageError(f"--compare {compare}: the study has no such regime{did_you_mean(compare, regimes)}")
    failed_before = sum(cell.failed for cell in plan.cells)
    if plan.missing:
        most = "at most " if plan.searches else ""
        say(f"{plan.study.name}: {most}{plan.missing} of {plan.total} trials to run")
    elif plan.further:
        say(f"{plan.study.name}: {plan.further} further seeds to run, {plan.why_further}")
    elif failed_before:
        say(f"{plan.study.name}: nothing to run, {failed_before} of {plan.total} trials failed before "
             "(--retry-failed runs them again)")  # fmt: skip
    else:
        stale = f" ({plan.stale} made by other code: --retry-stale runs them again)" if plan.stale else ""
        say(f"{plan.study.name}: all {plan.total} trials are finished, nothing to run{stale}")
    if plan.missing or plan.further:
        _say_beside(plan, folder)
    placement = Placement(cpus_per_trial=cpus_per_trial, gpus_per_trial=gpus_per_trial, address=address)
    try:
        outcome = run(plan, results=folder, placement=placement, progress=Progress())
    except KeyboardInterrupt:  # before there was anything to stop
        say(f"interrupted: nothing was run; `{again}` goes on from here")
        raise typer.Exit(130) from None
    theirs = sum(outcome.by_others.values())
    see_failed = SAID_ABOVE if retry.stale else f"{SEE_FAILED}{results_option(folder)}"
    failed = outcome.statuses.get("failed", 0) + outcome.by_others.get("failed", 0) + failed_before
    if theirs:
        trials = "1 trial was" if theirs == 1 else f"{theirs} trials were"
        say(f"{trials} run by another run in {folder} meanwhile")
    if outcome.interrupted:
        say(f"interrupted: {_not_run(plan, folder)}; `{again}` goes on from here")
        raise typer.Exit(130)
    if outcome.stopped_because:
        say(f"stopped: {outcome.stopped_because}")
        next_step = see_failed if failed else f"`{again}` goes on from here"
        say(f"{_not_run(plan, folder)}; {next_step}")
        raise typer.Exit(1)
    if failed:
        say(f"{counted(failed, 'trial')} failed: {see_failed}")
    _verdict(plan, folder, compare, regimes)
    if failed:
        raise typer.Exit(1)


def _say_beside(plan: "Plan", folder: Path) -> None:
    from ..provenance import code_of
    from ..running import beside

    study = plan.study.name
    if other := beside(folder, study):
        since = f"{other.started_at.astimezone():%H:%M}"
        say(f"{study} is being run here already, by process {other.pid} on {other.host} since {since}:")
        say("they divide what is missing between them; Ctrl-C stops this one alone")
        ours = code_of(plan.study.representatives())
        if other_code := [name for name in ours if ours[name] != other.code.get(name, ours[name])]:
            say(f"its code is not this one's ({', '.join(other_code)}), and reports do not pool the two")


def _not_run(plan: "Plan", folder: Path) -> str:
    """What the same command would run now: others may have ended some, or workers in their last seconds."""
    from ..planning import plan_of

    left = plan_of(plan.study, folder, retry=plan.retry)
    most = "at most " if left.searches else ""
    return f"{most}{left.missing + left.further} trials are still to be run"


def _verdict(plan: "Plan", folder: Path, baseline: str | None, regimes: set[str]) -> None:
    """Print the report that a run ends with, or why there is none."""
    from ..catalogue import results_option
    from ..question import Question
    from .show import show

    name = plan.study.name
    named = {name: plan.study}
    if baseline is None and plan.study.report != "comparison":
        asked = Question([name], named=named, now=True)
        try:
            show(plan.study.report, folder, asked, form=Format.table, html=True)
        except OrchError as error:
            say(f"no verdict: {error}")
        return
    baseline = baseline or "clipping"
    several = len(plan.study.regimes) + len(plan.study.searched) > 1
    if baseline not in regimes or not several:
        there = ", ".join(sorted(plan.study.regime_names))
        say(f"no verdict: it takes {baseline} and another regime, and the study has {there}")
        return
    try:
        asked = Question([name], baseline=baseline, legend=False, named=named, now=True)
        show("comparison", folder, asked, form=Format.table, html=True)
    except OrchError as error:
        say(f"no verdict: {error}")
        return
    say(f"`orch report {shlex.quote(name)}{results_option(folder)}` says how to read this")

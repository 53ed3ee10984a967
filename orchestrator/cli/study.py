"""`orch study`: list, plan, run and write studies."""

import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OrchError, StudyError, UsageError, did_you_mean
from .output import Format, FormatOption, ResultsOption, print_rows

if TYPE_CHECKING:
    from ..plan import Plan

app = typer.Typer(help="List, plan, run and write studies.", no_args_is_help=True)

StudyArgument = Annotated[
    str, typer.Argument(help="A study by name, or the path of its file.", metavar="STUDY")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Override a key of the study: training.epochs=500. Repeatable.", metavar="KEY=VALUE"
    ),
]
SEE_FAILED = "orch sql \"SELECT regime_label, seed, reason FROM trials WHERE status = 'failed'\""
RetryOption = Annotated[bool, typer.Option("--retry-failed", help="Run trials again that failed.")]


@app.command("list")
def list_studies(form: FormatOption = Format.table) -> None:
    """List the studies that ship with the tool and those in ./studies/."""
    from .. import catalogue
    from ..study import load

    rows: list[list[Any]] = []
    for name, path in catalogue.available().items():
        try:
            study = load(path)
        except StudyError as error:
            rows.append([name, None, None, f"cannot be used: {error.problems[0]}", str(path)])
            continue
        cells = sum(1 for _ in study.cells())
        trials = cells * len(study.seeds)
        for search in study.searches():
            cells += 1
            trials += search.settings.trials * search.settings.seeds_per_trial
        rows.append([name, cells, trials, study.description, str(path)])
    print_rows(["study", "cells", "trials", "description", "file"], rows, form)


@app.command("plan")
def plan_study(
    study: StudyArgument,
    overrides: SetOption = None,
    retry_failed: RetryOption = False,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Print what a run would do, cell by cell, and why. Nothing is run or written."""
    plan = _plan(study, overrides, results, retry_failed)
    blown_up = ("diverged", "unbounded", "failed")
    columns = ["system", "architecture", "regime", "seeds", "done", *blown_up, "stale", "to_run"]
    columns += ["time" if form is Format.table else "seconds", "reason"]
    # Settings that an axis of the study gives are shown where they are needed to tell cells apart.
    names = [(c.first.system, c.first.architecture.name, c.first.regime_label) for c in plan.cells]
    ambiguous = len(set(names)) < len(names)
    columns[3:3] = ["settings"] * ambiguous
    rows = [
        [
            cell.first.system,
            cell.first.architecture.name,
            cell.first.regime_label,
            *[cell.first.context_label] * ambiguous,
            len(cell.seeds),
            cell.done,
            *(cell.counts.get(status, 0) for status in blown_up),
            cell.stale,
            len(cell.missing),
            _time(cell.seconds) if form is Format.table else cell.seconds,
            cell.reason,
        ]
        for cell in plan.cells
    ]
    for planned in plan.searches:
        first = planned.search.first
        ended = Counter(trial.status for trial in planned.knowledge.seen.values())
        rows.append(
            [
                first.system,
                first.architecture.name,
                planned.search.label,
                *[first.context_label] * ambiguous,
                planned.done + planned.missing,
                planned.done,
                *(ended[status] for status in blown_up),
                planned.stale,
                planned.missing,
                _time(planned.seconds) if form is Format.table else planned.seconds,
                planned.reason,
            ]
        )
    print_rows(columns, rows, form)
    cells = len(plan.cells) + len(plan.searches)
    _say(f"{plan.study.name}: {plan.missing} of {plan.total} trials to run, in {cells} cells")
    if plan.further:
        _say(f"{plan.further} further seeds, as intervals are wider than the goal")
    if plan.missing:
        _say(_expectation(plan))


@app.command("run")
def run_study(
    study: StudyArgument,
    overrides: SetOption = None,
    retry_failed: RetryOption = False,
    cpus_per_trial: Annotated[
        float, typer.Option(help="Cores per stack; a stack uses one torch thread per core.", min=0.01)
    ] = 1.0,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            help="GPUs per stack; fractions let several share one. One if there is one by default.", min=0.0
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
    """Run what a study lacks, then print the verdict. Ctrl-C stops it; what finished stays.

    Trials that have a result are never run again. Exit code 130 after an interruption, 1 when trials
    failed.
    """
    from ..catalogue import results_folder
    from ..cluster import Placement
    from ..progress import Progress
    from ..runner import run

    folder = results_folder(results)
    plan = _plan(study, overrides, folder, retry_failed)
    regimes = {cell.first.regime_label for cell in plan.cells} | plan.study.regime_names
    if compare is not None and compare != "clipping" and compare not in regimes:
        raise UsageError(f"--compare {compare}: the study has no such regime{did_you_mean(compare, regimes)}")
    failed_before = sum(cell.counts.get("failed", 0) - len(cell.again) for cell in plan.cells)
    if plan.missing:
        most = "at most " if plan.searches else ""
        _say(f"{plan.study.name}: {most}{plan.missing} of {plan.total} trials to run")
    elif plan.further:
        _say(f"{plan.study.name}: {plan.further} further seeds to run, as intervals are wider than the goal")
    elif failed_before:
        _say(f"{plan.study.name}: nothing to run, {failed_before} of {plan.total} trials failed before "
             "(--retry-failed runs them again)")  # fmt: skip
    else:
        _say(f"{plan.study.name}: all {plan.total} trials are finished, nothing to run")
    placement = Placement(cpus_per_trial=cpus_per_trial, gpus_per_trial=gpus_per_trial, address=address)
    try:
        outcome = run(plan, results=folder, placement=placement, progress=Progress())
    except KeyboardInterrupt:  # before there was anything to stop
        _say(f"interrupted: nothing was run; `orch study run {study}` goes on from here")
        raise typer.Exit(130) from None
    failed = outcome.statuses.get("failed", 0) + failed_before
    if outcome.interrupted:
        _say(
            f"interrupted: {outcome.not_run} trials were not run; `orch study run {study}` goes on from here"
        )
        raise typer.Exit(130)
    if outcome.stopped_because:
        _say(f"stopped: {outcome.stopped_because}")
        next_step = SEE_FAILED if failed else f"`orch study run {study}` goes on from here"
        _say(f"{outcome.not_run} trials were not run; {next_step}")
        raise typer.Exit(1)
    if failed:
        _say(f"{failed} {'trial' if failed == 1 else 'trials'} failed: {SEE_FAILED}")
    _verdict(plan, folder, compare, regimes)
    if failed:
        raise typer.Exit(1)


def _verdict(plan: "Plan", folder: Path, baseline: str | None, regimes: set[str]) -> None:
    """Print the report that a run ends with, or why there is none."""
    from . import report

    name = plan.study.name
    if baseline is None and plan.study.report != "comparison":
        try:
            report.show_other(plan.study.report, folder, studies=[name])
        except OrchError as error:
            _say(f"no verdict: {error}")
        return
    baseline = baseline or "clipping"
    several = len(plan.study.regimes) + len(plan.study.searched) > 1
    if baseline not in regimes or not several:
        there = ", ".join(sorted(plan.study.regime_names))
        _say(f"no verdict: it takes {baseline} and another regime, and the study has {there}")
        return
    # Of this study as it is now: a name can have stood for other settings before.
    contexts = {planned.first.context_id for planned in plan.cells}
    contexts |= {planned.search.first.context_id for planned in plan.searches}
    try:
        compared = report.show(folder, studies=[name], baseline=baseline, contexts=contexts, legend=False)
    except OrchError as error:
        _say(f"no verdict: {error}")
        return
    more = compared - plan.total
    if more > 0 and not plan.searches and plan.study.goal is None:
        _say(f"with {more} trials of earlier runs of {name}, of seeds or regimes that it does not name now")
    _say(f"`orch report {shlex.quote(name)}` says how to read this")


@app.command("export-optuna")
def export_optuna(
    study: StudyArgument,
    out: Annotated[
        Path | None,
        typer.Option(help="SQLite file to write.", show_default="STUDY.db", dir_okay=False),
    ] = None,
    overrides: SetOption = None,
    results: ResultsOption = None,
) -> None:
    """Write the searches of a study as an Optuna storage, which optuna-dashboard opens.

    It is made from the results and is nothing that a search goes on from.
    """
    from ..catalogue import results_folder
    from ..optuna_storage import export

    plan = _plan(study, overrides, results, False)
    target = out or Path(f"{plan.study.name}.db")
    counts = export(plan, results_folder(results), target)
    for name, number in counts.items():
        _say(f"{name}: {number} evaluations")
    print(target)
    _say(f"`optuna-dashboard sqlite:///{target}` opens it")


@app.command("new")
def new_study(
    name: Annotated[str, typer.Argument(help="Name of the study: its file is ./studies/NAME.toml.")],
    system: Annotated[list[str], typer.Option(help="System; repeatable, or separated by commas.")],
    architecture: Annotated[
        list[str], typer.Option(help="Architecture; repeatable, or separated by commas.")
    ],
    tau: Annotated[
        str,
        typer.Option(help="Learning intervals τ of sparse forcing, such as 10,30,100; `lyapunov` searches."),
    ],
    seeds: Annotated[int, typer.Option(help="Number of seeds.")] = 10,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of training; the authors' 3000 by default.")
    ] = None,
    sequence_length: Annotated[
        int | None, typer.Option(help="Steps T of a training sequence; by default 200, or the largest τ.")
    ] = None,
    clipping: Annotated[bool, typer.Option(help="With gradient clipping as a baseline.")] = True,
    zero_reset: Annotated[bool, typer.Option(help="With zero reset at every τ.")] = False,
    description: Annotated[str, typer.Option(help="One line about the study.")] = "",
) -> None:
    """Write a study file into ./studies/."""
    from ..catalogue import new

    searched = tau in ("lyapunov", "uniform")
    taus = [] if searched else _whole_numbers("--tau", tau)
    training: dict[str, Any] = {}
    if epochs is not None:
        training["epochs"] = epochs
    longest = max(taus, default=0)
    if sequence_length is not None or longest > 200:
        training["sequence_length"] = sequence_length if sequence_length is not None else longest
    forcing: Any = {"search": tau} if searched else taus
    regimes: dict[str, Any] = {"sparse_forcing": {"tau": forcing}}
    if clipping:
        regimes["clipping"] = {}
    if zero_reset:
        regimes["zero_reset"] = {"tau": forcing}
    declaration: dict[str, Any] = {
        "description": description,
        "grid": {"system": _words(system), "architecture": _words(architecture)},
        "regimes": regimes,
        "seeds": {"count": seeds},
    }
    if training:
        declaration["training"] = training
    path = new(name, declaration)
    print(path)
    _say(f"`orch study plan {name}` shows what it holds, `orch study run {name}` runs it")


def _plan(study: str, overrides: list[str] | None, results: Any, retry_failed: bool) -> "Plan":
    from ..begun import begun
    from ..catalogue import find, results_folder
    from ..memory import recall, recall_cells, stopped
    from ..plan import make_plan
    from ..provenance import fingerprint
    from ..store import Store
    from ..study import load

    loaded = load(find(study), overrides or [])
    cells = list(loaded.cells())
    folder = results_folder(results)
    searches = list(loaded.searches())
    store = Store(folder)
    finished, durations = store.known([cell.cell_id for cell in cells])
    under_way = begun(folder)
    knowledge = recall(store, loaded.name, searches, retry_failed=retry_failed)
    now = [*cells, *(search.first for search in searches)]
    return make_plan(
        loaded,
        finished,
        retry_failed=retry_failed,
        fingerprints={cell.cell_id: fingerprint(cell) for cell in now} if finished or under_way else None,
        durations=durations,
        begun=under_way,
        knowledge=knowledge,
        stopped=[stopped(store, *known) for known in zip(searches, knowledge, strict=True)],
        seen=recall_cells(store, cells, retry_failed=retry_failed) if loaded.goal is not None else None,
    )


def _time(seconds: float | None) -> str | None:
    from ..durations import in_words

    return None if seconds is None else in_words(seconds)


def _expectation(plan: "Plan") -> str:
    from ..cluster import cpus

    if plan.seconds is None:
        return "how long that takes is not known: an architecture in it never ran here"
    slots = cpus()
    each = f", one stack on each of {slots} cores" if slots > 1 else ", on one core"
    return f"about {_time(plan.seconds / slots)} from what past trials took{each}"


def _words(values: list[str]) -> list[str]:
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


def _whole_numbers(option: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} {text}: expected whole numbers separated by commas") from None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

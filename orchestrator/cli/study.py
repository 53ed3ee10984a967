"""`orch study`: list, plan, run and write studies."""

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import StudyError, UsageError
from ..wording import counted
from .output import Format, FormatOption, ResultsOption, print_rows
from .study_options import RetryFailedOption, RetryStaleOption, SetOption, StudyArgument, say, say_which
from .study_run import run_study

if TYPE_CHECKING:
    from ..plan import Plan

app = typer.Typer(help="List, plan, run and write studies.", no_args_is_help=True)


@app.command("list")
def list_studies(form: FormatOption = Format.table) -> None:
    """List the studies that ship with the tool and those in ./studies/."""
    from .. import catalogue
    from ..study import load

    def shown(path: Path) -> str:
        return "" if form.for_people and path.parent == catalogue.shipped_folder() else str(path)

    rows: list[list[Any]] = []
    for name, path in catalogue.available().items():
        try:
            study = load(path)
        except StudyError as error:
            rows.append([name, None, None, f"cannot be used: {error.problems[0]}", shown(path)])
            continue
        cells = sum(1 for _ in study.cells())
        trials = cells * len(study.seeds)
        for search in study.searches():
            cells += 1
            trials += search.settings.trials * search.settings.seeds_per_trial
        rows.append([name, cells, trials, study.description, shown(path)])
    print_rows(["study", "cells", "trials", "description", "file"], rows, form, spare={"file"})


@app.command("plan")
def show_plan(
    study: StudyArgument,
    overrides: SetOption = None,
    retry_failed: RetryFailedOption = False,
    retry_stale: RetryStaleOption = False,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Print what a run would do, cell by cell, and why. Nothing is run or written."""
    from ..catalogue import results_folder
    from ..planning import plan_study
    from ..retrying import Retry

    retry = Retry(failed=retry_failed, stale=retry_stale)
    plan = plan_study(study, results_folder(results), overrides=overrides or (), retry=retry)
    say_which(study)
    blown_up = ("diverged", "unbounded", "failed")
    columns = ["system", "architecture", "regime", "seeds", "done", *blown_up, "stale", "to_run"]
    columns += ["time" if form.for_people else "seconds", "reason"]
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
            _time(cell.seconds) if form.for_people else cell.seconds,
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
                planned.stale + planned.knowledge.outdated,
                planned.missing,
                _time(planned.seconds) if form.for_people else planned.seconds,
                planned.reason,
            ]
        )
    print_rows(columns, rows, form, spare={"done", *blown_up, "stale", "time"})
    cells = len(plan.cells) + len(plan.searches)
    say(f"{plan.study.name}: {plan.missing} of {plan.total} trials to run, in {counted(cells, 'cell')}")
    if plan.further:
        say(f"{plan.further} further seeds, {plan.why_further}")
    if plan.missing:
        say(_expectation(plan))


app.command("run")(run_study)


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
    from ..planning import plan_study

    folder = results_folder(results)
    plan = plan_study(study, folder, overrides=overrides or ())
    say_which(study)
    target = out or Path(f"{plan.study.name}.db")
    counts = export(plan, folder, target)
    for name, number in counts.items():
        say(f"{name}: {number} evaluations")
    print(target)
    say(f"`optuna-dashboard {shlex.quote(f'sqlite:///{target}')}` opens it")


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
    """Write a study file into ./studies/, to be changed by hand: docs/studies.md says what it may hold."""
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
    say(f"`orch study plan {name}` shows what it holds, `orch study run {name}` runs it")


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
    """Separated by commas, but for those in brackets: lorenz63(rho=40, noise=0.05),roessler."""
    words = (word for value in values for word in re.findall(r"(?:\([^)]*\)?|[^,(])+", value))
    return [word.strip() for word in words if word.strip()]


def _whole_numbers(option: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} {text}: expected whole numbers separated by commas") from None

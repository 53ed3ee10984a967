"""How far studies are, from their plans, what their drivers tell and what stands in checkpoints."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..begun import curves_so_far
from ..durations import in_words
from ..errors import OrchError, StudyError
from ..identity import Trial
from ..plan import Cell, Plan, PlannedSearch
from ..planning import plan_of
from ..running import Run, RunningStack, runs
from ..store import NoResultsError, Store
from ..study import from_declaration

if TYPE_CHECKING:
    from ..reports.figures.learning_curves import Course, Courses
    from ..reports.html.progress import CellProgress, StudyProgress

CONTEXTS = 4
"""Of which curves are drawn, at most."""
CELLS = 8
"""Of one context, likewise."""


def progress_html(results: Path, studies: Sequence[str] = ()) -> str:
    """The part of the page. Without `studies`, of those with a run under way, or of the one recorded last."""
    from ..reports import MEASURES
    from ..reports.html.progress import StudyProgress, progress_part

    under_way = runs(results)
    try:
        recorded = _recorded(results)
    except NoResultsError:
        return progress_part([_sentence(run) for run in under_way], [], [], "")
    chosen = studies or list(dict.fromkeys(run.study for run in under_way)) or list(recorded)[:1]
    lines: list[StudyProgress] = []
    training: list[_Stack] = []
    for name in chosen:
        try:
            plan = plan_of(from_declaration(name, recorded[name], source=name), results)
        except KeyError:
            lines.append(StudyProgress(name, (), "no study of that name was run here"))
        except (StudyError, OrchError) as error:
            said = str(error).splitlines()[0]
            lines.append(StudyProgress(name, (), f"how far it is cannot be told: {said}"))
        else:
            line, stacks = _study(plan, [run for run in under_way if run.study == name])
            lines.append(line)
            training += stacks
    sentences = [_sentence(run) for run in under_way]
    return progress_part(sentences, lines, _courses(results, training), MEASURES["d_stsp"].title)


def _recorded(results: Path) -> dict[str, dict[str, Any]]:
    """Declaration of each study as it was last recorded, the latest first."""
    with Store(results).reading() as (connection, _):
        rows = connection.execute(
            """
            SELECT study, declaration FROM studies
            QUALIFY row_number() OVER (PARTITION BY study ORDER BY recorded_at DESC) = 1
            ORDER BY recorded_at DESC
            """
        ).fetchall()
    return {name: json.loads(declaration) for name, declaration in rows}


def _sentence(run: Run) -> str:
    left = "" if run.seconds_left is None else f", about {in_words(run.seconds_left)} left"
    since = f"{run.started_at.astimezone():%Y-%m-%d %H:%M}"
    return (
        f"A run of {run.study} is under way (process {run.pid} on {run.host}, since {since}): "
        f"{run.done} of {run.total} trials{left}."
    )


@dataclass(frozen=True)
class _Stack:
    """Trials of one cell that are trained together."""

    first: Trial
    seeds: tuple[int, ...]
    epoch: int
    is_running: bool


def _study(plan: Plan, under_way: Iterable[Run]) -> "tuple[StudyProgress, list[_Stack]]":
    from ..reports.html.progress import StudyProgress

    placed: dict[str, list[RunningStack]] = {}
    for run in under_way:
        for stack in run.stacks:
            placed.setdefault(stack.cell_id, []).append(stack)
    cells: list[CellProgress] = []
    training: list[_Stack] = []
    for cell in plan.cells:
        stacks = list(_of_cell(cell, placed.get(cell.first.cell_id, ())))
        training += stacks
        cells.append(
            _line(cell.first, cell.first.regime_label, len(cell.seeds), cell.counts, stacks, cell.seconds)
        )
    for planned in plan.searches:
        stacks = list(_of_search(planned, placed))
        training += stacks
        ended = Counter(trial.status for trial in planned.knowledge.seen.values())
        asked = planned.done + planned.missing
        first, label = planned.search.first, planned.search.label
        cells.append(_line(first, label, asked, ended, stacks, planned.seconds, planned.reason))
    return StudyProgress(plan.study.name, cells), training


def _of_cell(cell: Cell, placed: Iterable[RunningStack]) -> Iterator[_Stack]:
    seen: set[int] = set()
    for stack in placed:
        seen.update(stack.seeds)
        yield _Stack(cell.first, stack.seeds, stack.epoch, True)
    for begun in cell.started:
        if seen.isdisjoint(begun.seeds):
            yield _Stack(cell.first, begun.seeds, begun.epoch, False)


def _of_search(planned: PlannedSearch, placed: Mapping[str, Sequence[RunningStack]]) -> Iterator[_Stack]:
    for cell_id, tau in planned.search.taus.items():
        for stack in placed.get(cell_id, ()):
            yield _Stack(planned.search.cell(tau), stack.seeds, stack.epoch, True)


def _line(
    first: Trial,
    label: str,
    asked: int,
    ended: Mapping[str, int],
    stacks: Iterable[_Stack],
    seconds: float | None,
    note: str = "",
) -> "CellProgress":
    from ..reports.html.parts import Shown
    from ..reports.html.progress import CellProgress, Training

    return CellProgress(
        first.system,
        first.architecture.name,
        label,
        first.context_label,
        asked,
        ended,
        [Training(len(stack.seeds), stack.epoch, stack.is_running) for stack in stacks],
        first.training.epochs,
        Shown(in_words(seconds) if seconds else None, seconds),
        note,
    )


def _courses(results: Path, training: Iterable[_Stack]) -> "list[Courses]":
    """Curves of what is being trained, per context; those that have come furthest first."""
    from ..reports.figures.learning_curves import Courses

    by_cell: dict[str, list[tuple[_Stack, list[list[dict[str, Any]]]]]] = {}
    for stack in training:
        points = curves_so_far(results, stack.first.ids_of(stack.seeds))
        if any(points):
            by_cell.setdefault(stack.first.cell_id, []).append((stack, points))
    by_context: dict[str, list[list[tuple[_Stack, list[list[dict[str, Any]]]]]]] = {}
    for found in sorted(by_cell.values(), key=lambda found: -max(stack.epoch for stack, _ in found)):
        by_context.setdefault(found[0][0].first.context_id, []).append(found)
    courses = []
    for cells in list(by_context.values())[:CONTEXTS]:
        first = cells[0][0][0].first
        label = first.context_label
        title = f"{first.system} × {first.architecture.name}{f' [{label}]' if label else ''}"
        loss, measure = [], []
        for found in cells[:CELLS]:
            members = [member for _, points in found for member in points]
            name = found[0][0].first.regime_label
            loss += _course(name, members, "loss")
            measure += _course(name, members, "d_stsp")
        courses.append(Courses(title, tuple(loss), tuple(measure)))
    return courses


def _course(name: str, members: Sequence[Sequence[dict[str, Any]]], quantity: str) -> "list[Course]":
    """Quartiles over trials; one that has no value at an epoch that others have reached blew up there."""
    from ..reports.figures.learning_curves import Course

    values = [{p["epoch"]: p["value"] for p in member if p["quantity"] == quantity} for member in members]
    # Stacks of a cell are at different epochs: a trial counts as far as its own stack has come.
    reached = [max((p["epoch"] for p in member), default=-1) for member in members]
    rows = []
    for epoch in sorted({epoch for one in values for epoch in one}):
        there = sorted(
            _number(one.get(epoch)) for one, last in zip(values, reached, strict=True) if last >= epoch
        )
        rows.append((epoch, *(there[math.ceil(q * len(there)) - 1] for q in (0.25, 0.5, 0.75))))
    if not rows:
        return []
    epochs, low, middle, high = zip(*rows, strict=True)
    return [Course(name, epochs, low, middle, high)]


def _number(value: float | None) -> float:
    return math.inf if value is None or not math.isfinite(value) else value

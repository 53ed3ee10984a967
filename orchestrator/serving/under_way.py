"""How far studies are, from their plans, what their drivers tell and what stands in checkpoints."""

import json
import math
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..begun import curves_so_far
from ..catalogue import results_option
from ..durations import in_words
from ..errors import OrchError
from ..identity import Trial
from ..plan import Plan
from ..planned import Cell, PlannedSearch
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
UNBOUNDED = "unbounded_step"


def in_focus(results: Path) -> list[str]:
    """The studies with a run under way, or the one recorded last; none where there are no results."""
    under_way = list(dict.fromkeys(run.study for run in runs(results)))
    if under_way:
        return under_way
    try:
        return [study for study, _ in _recorded(results)][:1]
    except NoResultsError:
        return []


def progress_html(results: Path, studies: Sequence[str]) -> str:
    """The part of the page about these studies, and about every run that is under way."""
    from ..reports import MEASURES
    from ..reports.html.progress import StudyProgress, progress_part

    under_way = runs(results)
    sentences = [_sentence(run) for run in under_way]
    try:
        recorded = _recorded(results)
    except NoResultsError:
        return progress_part(sentences, [], [], "")
    lines: list[StudyProgress] = []
    training: list[_Stack] = []
    for name in studies:
        its = [run for run in under_way if run.study == name]
        # One name may have stood for several: what runs now counts, then what was recorded last.
        keys = [(name, run.definition_id) for run in its] + [key for key in recorded if key[0] == name]
        declaration = next((recorded[key] for key in keys if key in recorded), None)
        if declaration is None:
            lines.append(StudyProgress(name, (), "no study of that name was run here"))
            continue
        try:
            plan = plan_of(from_declaration(name, declaration, source=name), results)
        except OrchError as error:
            said = str(error).splitlines()[0]
            lines.append(StudyProgress(name, (), f"how far it is cannot be told: {said}"))
            continue
        line, stacks = _study(plan, its)
        if not its and line.ended < line.asked:
            command = f"orch study run {shlex.quote(name)}{results_option(results)}"
            line = replace(line, note=f"`{command}` goes on where it was.")
        lines.append(line)
        training += stacks
    return progress_part(sentences, lines, _courses(results, training), MEASURES["d_stsp"].title)


def _recorded(results: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Study and definition_id → its declaration, the latest first."""
    with Store(results).reading() as (connection, _):
        connection.execute("SET threads = 1")
        rows = connection.execute(
            """
            SELECT study, definition_id, any_value(declaration), max(recorded_at) AS latest
            FROM studies GROUP BY ALL ORDER BY latest DESC, study
            """
        ).fetchall()
    return {(study, definition): json.loads(declaration) for study, definition, declaration, _ in rows}


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
    name: str
    """Of the stack, which may hold trials of other cells too."""


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
    return StudyProgress(plan.study.name, cells, further=plan.further), training


def _of_cell(cell: Cell, placed: Iterable[RunningStack]) -> Iterator[_Stack]:
    begun = {stack.seeds: (stack.epoch, stack.stack) for stack in cell.started}
    seen: set[int] = set()
    for stack in placed:
        seen.update(stack.seeds)
        # A stack that goes on from its checkpoint has not been heard of at first; one that memory does not
        # hold is run in parts, each with its own.
        known, _ = begun.get(stack.seeds, (0, ""))
        parts = {seeds: of for seeds, of in begun.items() if set(seeds) < set(stack.seeds)}
        for seeds, (epoch, name) in parts.items():
            yield _Stack(cell.first, seeds, epoch, True, name)
        rest = tuple(seed for seed in stack.seeds if not any(seed in seeds for seeds in parts))
        if rest:
            epoch = 0 if parts else max(stack.epoch, known)
            yield _Stack(cell.first, rest, epoch, True, stack.stack)
    for seeds, (epoch, name) in begun.items():
        if seen.isdisjoint(seeds):
            yield _Stack(cell.first, seeds, epoch, False, name)


def _of_search(planned: PlannedSearch, placed: Mapping[str, Sequence[RunningStack]]) -> Iterator[_Stack]:
    for cell_id, tau in planned.search.taus.items():
        for stack in placed.get(cell_id, ()):
            yield _Stack(planned.search.cell(tau), stack.seeds, stack.epoch, True, stack.stack)


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


Points = Sequence[dict[str, Any]]


def _courses(results: Path, training: Iterable[_Stack]) -> "list[Courses]":
    """Curves of what is being trained, per context; those that have come furthest first."""
    from ..reports.figures.learning_curves import Courses

    by_cell: dict[str, list[tuple[_Stack, list[list[dict[str, Any]]]]]] = {}
    for stack in training:
        points = curves_so_far(results, stack.name, stack.first.ids_of(stack.seeds))
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
            stacks = [points for _, points in found]
            name = found[0][0].first.regime_label
            loss += _course(name, stacks, "loss")
            measure += _course(name, stacks, "d_stsp")
        courses.append(Courses(title, tuple(loss), tuple(measure)))
    return courses


def _course(name: str, stacks: Sequence[Sequence[Points]], quantity: str) -> "list[Course]":
    """Quartiles over the trials of stacks, each as far as its own has come.

    One that has no value at an epoch where others of its stack have one has blown up: it counts as worse than
    any other.
    """
    from ..reports.figures.learning_curves import Course

    values: list[tuple[set[int], dict[int, float]]] = []
    for members in stacks:
        of_each = [{p["epoch"]: p["value"] for p in m if p["quantity"] == quantity} for m in members]
        # Where a free run was unbounded its step stands in place of the measure.
        marks = {
            p["epoch"] for m in members for p in m if quantity == "d_stsp" and p["quantity"] == UNBOUNDED
        }
        epochs = marks.union(*of_each)
        values += [(epochs, one) for one in of_each]
    rows = []
    for epoch in sorted(set().union(*(epochs for epochs, _ in values))):
        there = sorted(_number(one.get(epoch)) for epochs, one in values if epoch in epochs)
        rows.append((epoch, *(there[math.ceil(q * len(there)) - 1] for q in (0.25, 0.5, 0.75))))
    if not rows:
        return []
    epochs_of, low, middle, high = zip(*rows, strict=True)
    return [Course(name, epochs_of, low, middle, high)]


def _number(value: float | None) -> float:
    return math.inf if value is None or not math.isfinite(value) else value

"""What is still to run: a study minus what the database has, cell by cell, with the reason."""

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .begun import Begun, joined, stack_id
from .durations import Durations
from .knowledge import Knowledge, Seen
from .planned import Cell, PlannedSearch, Started
from .precision_source import PrecisionSource
from .retrying import NOTHING, Retry
from .stacking import CPU_STACK, Stack, by_cell, packed
from .store import Finished
from .study import Study


@dataclass(frozen=True)
class Plan:
    """A study against the database."""

    study: Study
    cells: tuple[Cell, ...]
    searches: tuple[PlannedSearch, ...] = ()
    begun: tuple[Begun, ...] = ()
    """Stacks that the next run can go on from."""
    seen: Mapping[str, Mapping[int, Seen]] = field(default_factory=dict)
    """Of a study with a precision goal: cell id → seed → what is known."""
    outdated: Mapping[str, Collection[int]] = field(default_factory=dict)
    """Of such a study: cell id → seeds that other code made and that are run again."""
    retry: Retry = NOTHING
    """What has a row and is run again."""

    @cached_property
    def total(self) -> int:
        """Trials in the study; of a search as many as it may run."""
        grid = sum(len(cell.seeds) for cell in self.cells)
        return grid + sum(planned.done + planned.missing for planned in self.searches)

    @cached_property
    def missing(self) -> int:
        """Trials to run; of a search as many as it may run."""
        grid = sum(len(cell.missing) for cell in self.cells)
        return grid + sum(planned.missing for planned in self.searches)

    @cached_property
    def further(self) -> int:
        """Seeds beyond the grid's that a precision goal asks for now: those that are run again, and more
        where all others are done."""
        source = self.precision(limit=CPU_STACK)
        if source is None:
            return 0
        source.next(free=True)
        return source.asked_for

    @property
    def why_further(self) -> str:
        """What for."""
        beyond = any(set(seeds) - set(self.study.seeds) for seeds in self.outdated.values())
        return "made by other code" if beyond else "as intervals are wider than the goal"

    @cached_property
    def stale(self) -> int:
        """Trials that other code made and that are not run again."""
        cells = sum(cell.stale - len(cell.outdated) for cell in self.cells)
        return cells + sum(planned.stale for planned in self.searches)

    def precision(self, *, limit: int, **hooks: Any) -> PrecisionSource | None:
        """Further seeds for the precision goal, if there is one."""
        study = self.study
        if study.goal is None:
            return None
        cells = [cell.first for cell in self.cells]
        return PrecisionSource(
            study.goal, cells, self.seen, sure=study.seeds, outdated=self.outdated, limit=limit, **hooks
        )

    @property
    def seconds(self) -> float | None:
        """Expected time of all that is to run, on one slot; None where that of a cell cannot be told."""
        known = [cell.seconds for cell in self.cells if cell.missing]
        known += [planned.seconds for planned in self.searches if planned.missing]
        return None if None in known else sum(second for second in known if second is not None)

    def stacks(self, *, slots: int, gpu: bool, threads: int = 1, compiled: bool = True) -> list[Stack]:
        """The grid's stacks to run, so that all slots have work and early stops leave a rounded picture.

        Stacks that were begun on such a device stay what they are, to go on from their checkpoints. How the
        rest is cut depends on all seeds and not on which are missing, so a study that was killed goes on with
        the same stacks; what is missing of stacks that are there in part is pooled. Those that are handed out
        last may be cut once more (`agenda`).

        Args:
            slots: stacks that can run at once.
            gpu: whether they run on GPUs, which want all the members they can get.
            threads: of each stack on a CPU.
            compiled: whether there is a compiler: without one stacks on a CPU are larger.

        Returns:
            On a CPU stacks of trials of one cell: the first stack of every cell comes before the second of
            any, so a study that is stopped half-way has some seeds everywhere. On a GPU stacks of trials of
            one context, each with some seeds of all its cells, cell after cell.
        """
        if gpu:
            return packed(self.cells, self.begun, slots)
        return by_cell(self.cells, slots, threads=threads, compiled=compiled)


def make_plan(
    study: Study,
    finished: Mapping[str, Finished],
    *,
    retry: Retry = NOTHING,
    fingerprints: Mapping[str, str] | None = None,
    durations: Durations | None = None,
    begun: Iterable[Begun] = (),
    knowledge: Sequence[Knowledge] = (),
    stopped: Sequence[str | None] = (),
    seen: Mapping[str, Mapping[int, Seen]] | None = None,
    outdated: Mapping[str, Collection[int]] | None = None,
) -> Plan:
    """Compare a study with what is finished.

    Args:
        finished: trial id → what is known, of every trial that has a row.
        retry: which trials that have a row count as missing.
        fingerprints: cell id → fingerprint of the code as it is now; what differs is stale.
        durations: what past trials took.
        begun: stacks with a checkpoint, those furthest on first.
        knowledge: what is known of each search of the study, in their order; nothing where it is not given.
        stopped: of each search why it proposes nothing more, None where it does.
        seen: of a study with a precision goal, cell id → seed → what is known.
        outdated: of such a study, cell id → seeds that other code made and that are run again.
    """
    cells = []
    begun = list(begun)
    for first in study.cells():
        counts: Counter[str] = Counter()
        missing = []
        again, outdated_seeds = set(), set()
        stale = 0
        now = (fingerprints or {}).get(first.cell_id)
        ids = first.ids_of(study.seeds)
        for seed, trial_id in zip(study.seeds, ids, strict=True):
            known = finished.get(trial_id)
            if known is None:
                missing.append(seed)
                continue
            if known.status == "pruned":  # as far as a search wanted it, and no further
                missing.append(seed)
                continue
            counts[known.status] += 1
            is_outdated = retry.is_outdated(known.fingerprint, now)
            if retry.is_open(known.status, known.failure) or (is_outdated and known.status == "failed"):
                again.add(seed)
            else:
                stale += now is not None and known.fingerprint != now
                outdated_seeds |= {seed} if is_outdated else set()
            if seed in again | outdated_seeds:
                missing.append(seed)
        cells.append(
            Cell(
                first,
                study.seeds,
                tuple(missing),
                dict(counts),
                stale=stale,
                again=frozenset(again),
                outdated=frozenset(outdated_seeds),
            )
        )
    kept = _go_on(begun, cells, fingerprints or {}) if begun else ()
    if durations:
        cells = [replace(cell, seconds=_expected(cell, durations)) for cell in cells]
    searches = []
    for search, known_of, why in itertools.zip_longest(study.searches(), knowledge, stopped):
        now = (fingerprints or {}).get(search.first.cell_id)
        known_of = known_of or Knowledge()
        stale = sum(now is not None and trial.fingerprint != now for trial in known_of.seen.values())
        planned = PlannedSearch(search, known_of, why, stale=stale)
        middle = search.cell(max(search.low, min(search.high, round(math.sqrt(search.low * search.high)))))
        each = durations.seconds(middle) if durations and planned.missing else None
        searches.append(replace(planned, seconds=each and each * planned.missing))
    return Plan(study, tuple(cells), tuple(searches), kept, seen or {}, outdated or {}, retry)


def _expected(cell: Cell, durations: Durations) -> float | None:
    """Time that all that is to run takes on one slot; None where it cannot be told."""
    each = durations.seconds(cell.first) if cell.missing else None
    done = sum(len(stack.seeds) * stack.epoch for stack in cell.started) / cell.first.training.epochs
    return each and each * (len(cell.missing) - done)


def _go_on(begun: Iterable[Begun], cells: list[Cell], fingerprints: Mapping[str, str]) -> tuple[Begun, ...]:
    """The begun stacks that a run can go on from: whole, missing, made by the code as it is now.

    Cells are told of their part in them.
    """
    left = {
        trial_id: (place, seed)
        for place, cell in enumerate(cells)
        for seed, trial_id in zip(cell.missing, cell.first.ids_of(cell.missing), strict=True)
    }
    kept = []
    for stack in begun:
        found = [left.get(trial_id) for trial_id in stack.trial_ids]
        places = [one for one in found if one is not None]
        if len(places) < len(found):
            continue
        by_cell: dict[int, list[int]] = {}
        for place, seed in places:
            by_cell.setdefault(place, []).append(seed)
        now = [fingerprints.get(cells[place].first.cell_id) for place in by_cell]
        if None in now or stack.fingerprint != joined(one for one in now if one is not None):
            continue
        kept.append(stack)
        for trial_id in stack.trial_ids:
            del left[trial_id]
        for place, seeds in by_cell.items():
            cell = cells[place]
            started = Started(tuple(seeds), stack.epoch, stack.device, stack_id(stack.trial_ids))
            cells[place] = replace(cell, started=(*cell.started, started))
    return tuple(kept)

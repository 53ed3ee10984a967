"""What is to be run next: the grid's stacks, proposals of searches, seeds for precision.

Each is a source of stacks. All share the machine: whoever has had the smallest share of what it wants
comes next. The stacks of a grid are known beforehand and can wait in line; what a search or a precision
goal asks for depends on what has ended, and is asked for only when there is a free slot."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Protocol

from .identity import Trial
from .precision import Goal, wanted
from .prior import Prior
from .pruning import Rival
from .search import SMALLEST_SCORE, Knowledge, Proposal, Search, Seen, propose, why_stop
from .splitting import split

Note = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """Trials of one cell, to be run together."""

    trials: list[Trial]
    rival: Rival | None = None
    """The best τ so far, for a stack that may turn out to be hopeless beside it."""


class Source(Protocol):
    """Something that wants stacks run."""

    @property
    def share(self) -> float:
        """How much of what it wants was handed out, from 0 to 1."""

    @property
    def left(self) -> int:
        """Trials that it may still ask for; an upper bound."""

    @property
    def over(self) -> bool:
        """Whether it will ask for nothing more."""

    def next(self, *, free: bool) -> Stack | None:
        """The next stack, or None where there is none for now.

        Args:
            free: whether a slot is free.
        """

    def ended(self, trials: Sequence[Trial], seen: Sequence[Seen]) -> None:
        """Take in what became of a stack, its own or another's; trials whose worker was lost are not in
        `seen`."""


class GridSource:
    """Stacks that were planned."""

    def __init__(self, stacks: Sequence[list[Trial]]) -> None:
        self._stacks = stacks
        self._place = 0
        self._left = sum(map(len, stacks))

    @property
    def share(self) -> float:
        return self._place / max(1, len(self._stacks))

    @property
    def left(self) -> int:
        return self._left

    @property
    def over(self) -> bool:
        return self._place >= len(self._stacks)

    def next(self, *, free: bool) -> Stack | None:
        if self.over:
            return None
        trials = self._stacks[self._place]
        self._place += 1
        self._left -= len(trials)
        return Stack(trials)

    def ended(self, trials: Sequence[Trial], seen: Sequence[Seen]) -> None:
        pass


class SearchSource:
    """A search for τ: what was begun first, then what it proposes, until its budget is out or it may stop."""

    def __init__(
        self,
        search: Search,
        prior: Prior,
        knowledge: Knowledge,
        *,
        begun: Sequence[Proposal] = (),
        limit: int,
        note: Note = lambda text: None,
        asked: Callable[[Sequence[Trial]], None] = lambda trials: None,
    ) -> None:
        """
        Args:
            begun: proposals that were begun before, to be finished.
            limit: members of a stack at most.
            note: told in a line when the search ends.
            asked: told which trials belong to the study now.
        """
        self.search, self.prior, self.knowledge = search, prior, knowledge
        self._parts: list[Proposal] = list(begun)
        self._running: dict[str, Proposal] = {}
        """First trial of a stack that was handed out → its part."""
        self._lost = 0
        """Proposals of which no trial came to an end: they count, lest the same be lost for ever."""
        self._limit, self._note, self._asked = limit, note, asked
        self._stopped = False
        self._noted = False
        knowledge.under_way = _merged(begun)

    @property
    def evaluations(self) -> int:
        """That are done or under way."""
        settings = self.search.settings
        known = len(self.knowledge.evaluations(settings.seeds_per_trial))
        return known + len(self.knowledge.under_way) + self._lost

    @property
    def share(self) -> float:
        return min(1.0, self.evaluations / self.search.settings.trials)

    @property
    def left(self) -> int:
        settings = self.search.settings
        waiting = sum(len(part.seeds) for part in self._parts)
        if self._stopped:
            return waiting
        return waiting + max(0, settings.trials - self.evaluations) * settings.seeds_per_trial

    @property
    def over(self) -> bool:
        budget_is_out = self._stopped or self.evaluations >= self.search.settings.trials
        return budget_is_out and not self._parts

    def next(self, *, free: bool) -> Stack | None:
        if not free or self.over:
            return None
        if not self._parts:
            if self._may_stop():
                return None
            proposal = propose(self.search, self.prior, self.knowledge)
            self.knowledge.under_way.append(proposal)
            self._parts = [Proposal(proposal.tau, tuple(s)) for s in split(proposal.seeds, self._limit)]
            self._asked(self.search.trials(proposal))
        part = self._parts.pop(0)
        trials = self.search.trials(part)
        self._running[trials[0].trial_id] = part
        return Stack(trials, self._rival(part))

    def ended(self, trials: Sequence[Trial], seen: Sequence[Seen]) -> None:
        part = self._running.pop(trials[0].trial_id, None)
        if part is None:
            return
        self.knowledge.add(seen)
        known = self.knowledge.seen
        still = [*self._running.values(), *self._parts]
        left = []
        for proposal in self.knowledge.under_way:
            if any(p.tau == proposal.tau and set(p.seeds) & set(proposal.seeds) for p in still):
                left.append(proposal)
            elif not any((proposal.tau, seed) in known for seed in proposal.seeds):
                self._lost += 1
        self.knowledge.under_way = left
        if self.over and not left:
            self._say(f"{self.evaluations} of {self.search.settings.trials} evaluations are done")

    def _may_stop(self) -> bool:
        """Whether what may still be gained is less than the noise of the seeds."""
        evaluations = self.knowledge.evaluations(self.search.settings.seeds_per_trial)
        why = why_stop(self.search, self.prior, evaluations)
        if why is not None:
            self._stopped = True
            self._say(f"stopped, as {why}")
        return self._stopped

    def _say(self, why: str) -> None:
        if self._noted:
            return
        self._noted = True
        best = self.knowledge.best()
        found = f"τ={best[0].tau} is best" if best else "no τ has a score"
        first = self.search.first
        self._note(f"{first.system} · {first.architecture.name} · {self.search.label}: {found}; {why}")

    def _rival(self, part: Proposal) -> Rival | None:
        best = self.knowledge.best()
        if not self.search.settings.prune or not best or best[0].tau == part.tau:
            return None
        courses: dict[int, dict[int, float]] = {}
        for trial in best:
            for epoch, score in trial.course.items():
                courses.setdefault(epoch, {})[trial.seed] = score
        return Rival(self.search.cell(best[0].tau).regime_label, courses)


def _merged(parts: Iterable[Proposal]) -> list[Proposal]:
    """Parts of one τ as one proposal."""
    by_tau: dict[int, tuple[int, ...]] = {}
    for part in parts:
        by_tau[part.tau] = by_tau.get(part.tau, ()) + part.seeds
    return [Proposal(tau, tuple(sorted(seeds))) for tau, seeds in by_tau.items()]


class PrecisionSource:
    """Further seeds for the cells of a grid whose comparison is not precise yet."""

    def __init__(
        self,
        goal: Goal,
        cells: Sequence[Trial],
        seen: Mapping[str, Mapping[int, Seen]],
        *,
        sure: Sequence[int],
        limit: int,
        note: Note = lambda text: None,
        asked: Callable[[Sequence[Trial]], None] = lambda trials: None,
    ) -> None:
        """
        Args:
            cells: of the grid, as trials of the first seed.
            seen: cell id → seed → what is known.
            sure: seeds that the grid runs anyway.
        """
        self._goal, self._limit, self._note, self._asked = goal, limit, note, asked
        self._cells = {cell.cell_id: cell for cell in cells}
        self._seen = {cell_id: dict(seen.get(cell_id, {})) for cell_id in self._cells}
        self._sure = set(sure)
        self._spent = {cell_id: self._sure | set(self._seen[cell_id]) for cell_id in self._cells}
        self._waiting: list[Stack] = []
        self._met = False

    @property
    def share(self) -> float:
        return 1.0  # after everything else, which it depends on

    @property
    def left(self) -> int:
        return sum(len(stack.trials) for stack in self._waiting)

    @property
    def over(self) -> bool:
        return self._met and not self._waiting

    def next(self, *, free: bool) -> Stack | None:
        if not free:
            return None
        if not self._waiting and self._ready:
            self._plan()
        return self._waiting.pop(0) if self._waiting else None

    def ended(self, trials: Sequence[Trial], seen: Sequence[Seen]) -> None:
        cell = trials[0].cell_id
        if cell in self._cells:
            for trial in trials:
                self._seen[cell].setdefault(trial.seed, Seen(0, trial.seed, None, "failed"))
            self._seen[cell].update({trial.seed: trial for trial in seen})

    @property
    def asked_for(self) -> int:
        """Seeds that were asked for beyond those that are known and those of the grid."""
        return sum(
            len(spent - self._sure - self._seen[cell_id].keys()) for cell_id, spent in self._spent.items()
        )

    @property
    def _ready(self) -> bool:
        """Whether everything that was asked for has ended."""
        return all(self._spent[cell_id] <= self._seen[cell_id].keys() for cell_id in self._cells)

    def _plan(self) -> None:
        lacking: dict[str, int] = {}
        contexts: dict[str, list[Trial]] = {}
        for cell in self._cells.values():
            contexts.setdefault(cell.context_id, []).append(cell)
        for cells in contexts.values():
            base: list[Trial | None] = [cell for cell in cells if cell.regime.name == self._goal.baseline]
            others = {c.cell_id: self._logs(c.cell_id) for c in cells if c not in base}
            for baseline in [*base] or [None]:
                logs = None if baseline is None else self._logs(baseline.cell_id)
                for cell_id, number in wanted(self._goal, logs, others).items():
                    name = cell_id or (baseline.cell_id if baseline else "")
                    lacking[name] = max(lacking.get(name, 0), number)
        stacks = []
        for cell_id, number in lacking.items():
            spent = self._spent[cell_id]
            first = self._cells[cell_id].seed
            number = min(number, self._goal.most - len(spent))
            seeds = list(islice((seed for seed in count(first) if seed not in spent), max(0, number)))
            spent.update(seeds)
            trials = [self._cells[cell_id].with_seed(seed) for seed in seeds]
            stacks += [Stack(list(part)) for part in split(trials, self._limit)]
            self._asked(trials)
        self._waiting = stacks
        if stacks:
            total = sum(len(stack.trials) for stack in stacks)
            self._note(
                f"{total} further seeds in {len(lacking)} cells, whose interval is wider than the goal"
            )
        else:
            self._met = True

    def _logs(self, cell_id: str) -> dict[int, float]:
        return {
            seed: math.log(max(trial.score, SMALLEST_SCORE))
            for seed, trial in self._seen[cell_id].items()
            if trial.score is not None
        }


class Agenda:
    """All sources of a run, and what is out."""

    def __init__(self, sources: Sequence[Source], *, slots: int) -> None:
        self._sources = sources
        self._slots = slots
        self._out: dict[str, Stack] = {}

    @property
    def left(self) -> int:
        """Trials that may still be asked for or are out; an upper bound."""
        return sum(source.left for source in self._sources) + sum(len(s.trials) for s in self._out.values())

    @property
    def over(self) -> bool:
        """Whether there is nothing more to run, now or later."""
        return not self._out and self.nothing_comes

    @property
    def nothing_comes(self) -> bool:
        """Whether no source will ask for anything more."""
        return all(source.over for source in self._sources)

    def next(self, name: str) -> Stack | None:
        """The next stack, to be known by a name; None where there is none for now."""
        free = len(self._out) < self._slots
        for source in sorted(self._sources, key=lambda source: source.share):
            stack = source.next(free=free)
            if stack is not None:
                self._out[name] = stack
                return stack
        return None

    def ended(self, name: str, seen: Sequence[Seen]) -> None:
        """Take in what became of a stack, once."""
        stack = self._out.pop(name, None)
        if stack is not None:
            now = time.time()
            told = [trial._replace(at=now) for trial in seen]
            for source in self._sources:
                source.ended(stack.trials, told)

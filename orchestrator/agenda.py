"""What is to be run next: the grid's stacks, proposals of searches, seeds for precision.

Each is a source of stacks. All share the machine: whoever has had the smallest share of what it wants
comes next. The stacks of a grid are known beforehand and can wait in line; what a search or a precision
goal asks for depends on what has ended, and is asked for only when there is a free slot."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .identity import Trial
from .precision import Goal, unmet, wanted
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
        limit: int,
        note: Note = lambda text: None,
        asked: Callable[[Sequence[Trial]], None] = lambda trials: None,
    ) -> None:
        """
        Args:
            knowledge: what is pending in it is run first.
            limit: members of a stack at most.
            note: told in a line when the search ends.
            asked: told which trials belong to the study now, before they are run.
        """
        self.search, self.prior, self.knowledge = search, prior, knowledge
        self._running: dict[str, Proposal] = {}
        """First trial of a stack that was handed out → its part."""
        self._limit, self._note, self._asked = limit, note, asked
        self._stopped = False
        self._noted = False
        left_behind: dict[int, list[int]] = {}
        for tau, seed in sorted(knowledge.pending):
            left_behind.setdefault(tau, []).append(seed)
        self._parts = [
            part
            for tau, seeds in left_behind.items()
            for block in split(seeds, search.settings.seeds_per_trial)
            for part in self._cut(Proposal(tau, tuple(block)))
        ]

    def _cut(self, proposal: Proposal) -> list[Proposal]:
        return [Proposal(proposal.tau, tuple(part)) for part in split(proposal.seeds, self._limit)]

    @property
    def evaluations(self) -> int:
        """That are done or under way."""
        return self.knowledge.count(self.search.settings.seeds_per_trial)

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
            if proposal is None:
                self._stopped = True
                self._say("every τ has had all the seeds that a search spends on one")
                return None
            self._asked(self.search.trials(proposal))
            self.knowledge.pending.update((proposal.tau, seed) for seed in proposal.seeds)
            self._parts = self._cut(proposal)
        part = self._parts.pop(0)
        trials = self.search.trials(part)
        self._running[trials[0].trial_id] = part
        return Stack(trials, self._rival(part))

    def ended(self, trials: Sequence[Trial], seen: Sequence[Seen]) -> None:
        part = self._running.pop(trials[0].trial_id, None)
        if part is None:
            return
        # A seed of which nothing came back failed, for this run: told so, or the same would be asked for
        # again.
        told = {trial.seed: trial for trial in seen}
        now = max((trial.at for trial in seen), default=time.time())
        self.knowledge.add(told.get(seed, Seen(part.tau, seed, None, "failed", now)) for seed in part.seeds)
        if self.over and not self.knowledge.pending:
            self._say(f"{self.evaluations} of {self.search.settings.trials} evaluations are known")

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
        # What other studies ran beyond the most that this one may use has no part in it.
        self._seeds = [*range(sure[0], sure[0] + goal.most)]
        self._seen = {
            cell_id: {seed: trial for seed, trial in seen.get(cell_id, {}).items() if seed in self._seeds}
            for cell_id in self._cells
        }
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
        lacking: dict[str, set[int]] = {}
        unprecise = 0
        for logs, baseline in self._comparisons():
            for cell, seeds in wanted(self._goal, self._seeds, logs, self._spent, baseline=baseline).items():
                lacking.setdefault(cell, set()).update(seeds)
            unprecise += unmet(self._goal, self._seeds, logs, baseline=baseline)
        for cell, seeds in lacking.items():
            self._spent[cell] |= seeds
            trials = [self._cells[cell].with_seed(seed) for seed in sorted(seeds)]
            self._waiting += [Stack(list(part)) for part in split(trials, self._limit)]
            self._asked(trials)
        if lacking:
            total = sum(map(len, lacking.values()))
            self._note(f"{total} further seeds in {len(lacking)} cells, as intervals are wider than the goal")
            return
        self._met = True
        if unprecise:
            self._note(
                f"{unprecise} intervals are wider than the goal with {self._goal.most} seeds, the most"
            )

    def _comparisons(self) -> Iterator[tuple[dict[str, dict[int, float]], str | None]]:
        """The cells of a context that are compared with one another, cell → seed → ln D_stsp, and their
        baseline."""
        contexts: dict[str, list[Trial]] = {}
        for cell in self._cells.values():
            contexts.setdefault(cell.context_id, []).append(cell)
        for cells in contexts.values():
            base = [cell.cell_id for cell in cells if cell.regime.name == self._goal.baseline]
            others = {c.cell_id: self._logs(c.cell_id) for c in cells if c.cell_id not in base}
            for baseline in base:
                yield {**others, baseline: self._logs(baseline)}, baseline
            if not base:
                yield others, None

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

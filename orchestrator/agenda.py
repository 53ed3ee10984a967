"""What is to be run next: the grid's stacks, proposals of searches, seeds for precision.

Each is a source of stacks. All share the machine: whoever has had the smallest share of what it wants
comes next. The stacks of a grid are known beforehand and can wait in line; what a search or a precision
goal asks for depends on what has ended, and is asked for only when there is a free slot.

The last stacks are cut, where their trials may be run apart, so that all slots end at about the same time.

What another run in the same folder has is its own to end; what it has ended needs no running."""

import itertools
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from .identity import Trial
from .knowledge import Seen
from .stacking import Stack, Taken

if TYPE_CHECKING:
    from .sharing import Share


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
        """Take in what became of trials of one cell, its own or another's; those whose worker was lost are
        not in `seen`."""


class GridSource:
    """Stacks that were planned."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._stacks = stacks
        self._place = 0
        self._left = _trials_in(stacks)
        self.largest = max((len(stack.trials) for stack in stacks if stack.apart), default=0)
        """Trials of the largest stack that may be cut."""

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
        stack = self._stacks[self._place]
        self._place += 1
        self._left -= len(stack.trials)
        return stack

    def ended(self, trials: Sequence[Trial], seen: Sequence[Seen]) -> None:
        pass


@dataclass(frozen=True)
class _Out:
    """A stack that was handed out."""

    stack: Stack
    whole: list[Trial]
    """With those that others had ended by then."""
    known: Mapping[str, Seen]
    """What is known of those, by trial id."""


class Agenda:
    """All sources of a run, and what is out."""

    def __init__(self, sources: Sequence[Source], *, slots: int, share: "Share | None" = None) -> None:
        """
        Args:
            share: in what is done in a folder, where others run there too.
        """
        self._sources = sources
        self._slots = slots
        self._share = share
        self.largest = max((s.largest for s in sources if isinstance(s, GridSource)), default=0)
        """Trials of the largest stack that may be cut."""
        self._out: dict[str, _Out] = {}
        self._ready: _Out | None = None
        """What is to be handed out next."""
        self._rest: list[Stack] = []
        """What was cut off of stacks."""
        self._theirs: list[Stack] = []
        """What was asked for and another run had when it was last looked."""
        self.by_others: Counter[str] = Counter()
        """Trials that were asked for and that other runs have ended, by status."""

    @property
    def left(self) -> int:
        """Trials that may still be asked for or are out, here or with another run; an upper bound."""
        here = [out.stack for out in (*self._out.values(), self._ready) if out is not None]
        return _trials_in([*here, *self._theirs]) + self._to_hand_out

    @property
    def _to_hand_out(self) -> int:
        """Trials that may still be handed out, but for those that other runs have; an upper bound."""
        return _trials_in(self._rest) + sum(source.left for source in self._sources)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to run, now or later."""
        return not (self._out or self._ready or self._rest or self._theirs) and self._all_over

    @property
    def _all_over(self) -> bool:
        return all(source.over for source in self._sources)

    @property
    def nothing_comes(self) -> bool:
        """Whether nothing more will be handed out, or nothing before another run ends something."""
        if self._ready or self._rest:
            return False
        return not self._out or (not self._theirs and self._all_over)

    @property
    def waits(self) -> int:
        """Trials that another run has, where there is nothing else to do; 0 where there is."""
        return 0 if self._out or self._ready or self._rest else _trials_in(self._theirs)

    def out(self, name: str) -> Stack | None:
        """The stack that was handed out under a name and has not ended."""
        return self._out[name].stack if name in self._out else None

    def next(self, name: str) -> Stack | None:
        """The next stack, to be known by a name; None where there is none for now."""
        free = len(self._out) < self._slots
        if not self._ready and (free or self._may_wait_in_line):
            self._ready = self._next(free=free)
        if not self._ready:
            return None
        self._out[name], self._ready = self._ready, None
        return self._out[name].stack

    @property
    def _may_wait_in_line(self) -> bool:
        """Whether stacks are handed out before there is a slot for them: not where another run could be
        training them, nor the last ones, which may have to be cut."""
        others = self._share is not None and self._share.met
        return not others and self._to_hand_out > self.largest * self._slots

    def wake(self) -> bool:
        """Whether there is something to hand out, after there was nothing but what other runs had."""
        self._ready = self._ready or self._next(free=True)
        return self._ready is not None

    def _next(self, *, free: bool) -> _Out | None:
        theirs, self._theirs = iter(self._theirs), []
        try:
            for stack in itertools.chain(theirs, self._asked_for(free)):
                self._theirs.append(stack)  # until it is known otherwise: Ctrl-C may come
                taken = self._share.take(stack) if self._share else Taken()
                self._theirs[-1:] = [stack.of(taken.theirs)] if taken.theirs else []
                self.by_others.update(seen.status for seen in taken.known.values())
                mine = stack.without({*taken.theirs, *taken.known})
                if mine.trials:
                    now = self._part(mine)
                    return _Out(now, stack.of({*taken.known, *now.trial_ids}).trials, taken.known)
                self._tell(stack.of(taken.known).trials, taken.known)
        finally:
            self._theirs += theirs
        return None

    def _part(self, mine: Stack) -> Stack:
        """As much as is to be run now of a stack that this run has claimed: what another run had begun, which
        stays together, or what leaves as much for every slot."""
        if not mine.apart:
            return mine
        each = math.ceil((self._to_hand_out + len(mine.trials)) / self._slots)
        begun = self._share.begun(mine) if self._share else None
        now = begun or replace(mine, trials=mine.trials[:each])
        rest = mine.without(now.trial_ids)
        if rest.trials:
            self._rest.append(rest)
            if self._share:
                self._share.give_back(rest.trial_ids)
        return now

    def _asked_for(self, free: bool) -> Iterator[Stack]:
        """What was cut off, and what the sources ask for, one by one, whoever has had least first."""
        while True:
            in_turn = sorted(self._sources, key=lambda source: source.share)
            asked = (stack for source in in_turn if (stack := source.next(free=free)) is not None)
            stack = self._rest.pop() if self._rest else next(asked, None)
            if stack is None:
                return
            yield stack

    def ended(self, name: str, seen: Sequence[Seen]) -> None:
        """Take in what became of a stack, once."""
        out = self._out.pop(name, None)
        if out is not None:
            trials, now = out.stack.trials, time.time()
            told = [trial._replace(at=now) for trial in seen]
            if len(told) == len(trials):
                known = {trial.trial_id: one for trial, one in zip(trials, told, strict=True)}
            else:  # of one cell; of several nothing at all came back
                by_seed = {trial.seed: trial.trial_id for trial in trials}
                known = {by_seed[one.seed]: one for one in told if one.seed in by_seed}
            if self._share:
                self._share.give_back(out.stack.trial_ids)
            self._tell(out.whole, {**out.known, **known})

    def _tell(self, trials: Sequence[Trial], known: Mapping[str, Seen]) -> None:
        """Tell all sources what became of trials, cell by cell."""
        cells: dict[str, list[Trial]] = {}
        for trial in trials:
            cells.setdefault(trial.cell_id, []).append(trial)
        for of_cell in cells.values():
            seen = [known[trial.trial_id] for trial in of_cell if trial.trial_id in known]
            for source in self._sources:
                source.ended(of_cell, seen)


def _trials_in(stacks: Sequence[Stack]) -> int:
    return sum(len(stack.trials) for stack in stacks)

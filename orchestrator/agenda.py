"""What is to be run next: the grid's stacks, proposals of searches, seeds for precision.

Each is a source of stacks. All share the machine: whoever has had the smallest share of what it wants
comes next. The stacks of a grid are known beforehand and can wait in line; what a search or a precision
goal asks for depends on what has ended, and is asked for only when there is a free slot."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .identity import Trial
from .knowledge import Seen
from .pruning import Rival


@dataclass(frozen=True)
class Stack:
    """Trials to be run together: of one cell, or, of a grid on a GPU, of several cells of one context."""

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
        """Take in what became of trials of one cell, its own or another's; those whose worker was lost are
        not in `seen`."""


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

    def out(self, name: str) -> Stack | None:
        """The stack that was handed out under a name and has not ended."""
        return self._out.get(name)

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
            for trials, of_cell in _by_cell(stack.trials, told):
                for source in self._sources:
                    source.ended(trials, of_cell)


def _by_cell(trials: Sequence[Trial], seen: Sequence[Seen]) -> list[tuple[list[Trial], list[Seen]]]:
    """A stack's trials by cell, with what became of each, where something did."""
    cells: dict[str, tuple[list[Trial], list[Seen]]] = {}
    known: Sequence[Seen | None] = seen if len(seen) == len(trials) else [None] * len(trials)
    for trial, one in zip(trials, known, strict=True):
        of_cell = cells.setdefault(trial.cell_id, ([], []))
        of_cell[0].append(trial)
        if one is not None:
            of_cell[1].append(one)
    if len(cells) == 1:  # whatever came back is of it
        return [(list(trials), list(seen))]
    return list(cells.values())

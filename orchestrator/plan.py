"""What is still to run: a study minus what the database has, cell by cell, with the reason."""

import itertools
import math
from collections import Counter
from dataclasses import dataclass

from .identity import Trial
from .study import Study

CPU_STACK = 5
"""Members of a stack on a CPU at most: beyond that a stack's states leave the cache."""

GPU_STACK = 256
"""Members of a stack on a GPU at most."""


@dataclass(frozen=True)
class Cell:
    """One cell of a plan."""

    first: Trial
    seeds: tuple[int, ...]
    missing: tuple[int, ...]
    """Seeds to run."""
    counts: dict[str, int]
    """Finished trials by status."""

    @property
    def reason(self) -> str:
        """Why there is something to run, or why not."""
        failed = self.counts.get("failed", 0)
        new = len(self.seeds) - self.done
        parts = []
        if new:
            parts.append(
                "never run" if new == len(self.seeds) else f"{new} of {len(self.seeds)} seeds missing"
            )
        if failed and len(self.missing) > new:
            parts.append(f"{failed} failed, to be tried again")
        if not self.missing:
            parts.append("finished")
        if failed and len(self.missing) == new:
            parts.append(f"{failed} failed (--retry-failed runs them again)")
        return ", ".join(parts)

    @property
    def done(self) -> int:
        """Seeds with a row, whatever became of them."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Plan:
    """A study against the database."""

    study: Study
    cells: tuple[Cell, ...]

    @property
    def total(self) -> int:
        """Trials in the study."""
        return sum(len(cell.seeds) for cell in self.cells)

    @property
    def missing(self) -> int:
        """Trials to run."""
        return sum(len(cell.missing) for cell in self.cells)

    def stacks(self, *, slots: int, gpu: bool) -> list[list[Trial]]:
        """The stacks to run, so that all slots have work and early stops leave a rounded picture.

        Args:
            slots: stacks that can run at once.
            gpu: whether they run on GPUs, which want all the members they can get.

        Returns:
            Stacks of trials of one cell. The first stack of every cell comes before the second of
            any, so a study that is stopped half-way has some seeds everywhere.
        """
        limit = GPU_STACK if gpu else CPU_STACK
        size = max(1, min(limit, math.ceil(self.missing / max(1, slots))))
        rounds: list[list[list[Trial]]] = []
        for cell in self.cells:
            for position, seeds in enumerate(_split(cell.missing, size)):
                while len(rounds) <= position:
                    rounds.append([])
                rounds[position].append([cell.first.with_seed(seed) for seed in seeds])
        return [stack for stacks in rounds for stack in stacks]


def _split(seeds: tuple[int, ...], size: int) -> list[tuple[int, ...]]:
    """Even parts of at most `size`: 8 seeds by 5 are 4 and 4, not 5 and 3."""
    if not seeds:
        return []
    parts = math.ceil(len(seeds) / size)
    bounds = [round(len(seeds) * i / parts) for i in range(parts + 1)]
    return [seeds[a:b] for a, b in itertools.pairwise(bounds)]


def make_plan(study: Study, finished: dict[str, str], *, retry_failed: bool = False) -> Plan:
    """Compare a study with what is finished.

    Args:
        finished: trial id → status, of every trial that has a row.
        retry_failed: whether failed trials count as missing.
    """
    cells = []
    for first in study.cells():
        counts: Counter[str] = Counter()
        missing = []
        for seed in study.seeds:
            status = finished.get(first.with_seed(seed).trial_id)
            if status is not None:
                counts[status] += 1
            if status is None or (retry_failed and status == "failed"):
                missing.append(seed)
        cells.append(Cell(first, study.seeds, tuple(missing), dict(counts)))
    return Plan(study, tuple(cells))

"""How what is still to run is cut into stacks: trials that are trained together, in one worker."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .begun import Begun
from .identity import Trial
from .splitting import in_parts, split

if TYPE_CHECKING:
    from .plan import Cell

CPU_STACK = 5
"""Members of a stack on a CPU at most: beyond that a stack's states leave the cache."""

GPU_STACK = 512
"""Members of a stack on a GPU at most, of as many cells as it takes; memory may hold fewer (`gpu`)."""


def stack_limit(*, gpu: bool) -> int:
    """Members of a stack at most."""
    return GPU_STACK if gpu else CPU_STACK


def by_cell(cells: "Sequence[Cell]", slots: int) -> list[list[Trial]]:
    """Stacks of one cell each, for a CPU; what they are is said in `Plan.stacks`."""
    seeds = sum(len(cell.seeds) for cell in cells)
    size = max(1, min(CPU_STACK, math.ceil(seeds / max(1, slots))))
    rounds: list[list[list[Trial]]] = []
    for cell in cells:
        begun = [s.seeds for s in cell.started if s.device == "cpu" and len(s.seeds) <= CPU_STACK]
        missing = set(cell.missing).difference(*begun)
        parts = [(part, [seed for seed in part if seed in missing]) for part in split(cell.seeds, size)]
        whole = [part for part, left in parts if len(left) == len(part)]
        pooled = tuple(seed for part, left in parts if len(left) < len(part) for seed in left)
        for position, stack in enumerate([*begun, *whole, *split(pooled, size)]):
            while len(rounds) <= position:
                rounds.append([])
            rounds[position].append([cell.first.with_seed(seed) for seed in stack])
    return [stack for stacks in rounds for stack in stacks]


def packed(cells: "Sequence[Cell]", begun: Iterable[Begun], slots: int) -> list[list[Trial]]:
    """Stacks of one context each, for a GPU; likewise."""
    trial_of = {
        trial_id: cell.first.with_seed(seed)
        for cell in cells
        for seed, trial_id in zip(cell.missing, cell.first.ids_of(cell.missing), strict=True)
    }
    stacks = [[trial_of.pop(trial_id) for trial_id in b.trial_ids] for b in begun if b.device == "cuda"]
    contexts: dict[tuple[str, bool], list[Cell]] = {}
    for cell in cells:
        contexts.setdefault((cell.first.context_id, cell.first.regime.trains), []).append(cell)
    left = {(trial.cell_id, trial.seed) for trial in trial_of.values()}
    unfinished = sum(any(cell.missing for cell in those) for those in contexts.values())
    for those in contexts.values():
        # The first seed of every cell, then the second: each part has some of as many cells as it can.
        places = sorted(
            (rank, place, seed) for place, cell in enumerate(those) for rank, seed in enumerate(cell.seeds)
        )
        count = max(math.ceil(len(places) / GPU_STACK), math.ceil(slots / max(1, unfinished)))
        for part in in_parts(places, min(count, len(places))):
            members = sorted((place, seed) for _, place, seed in part)  # cell after cell
            firsts = [(those[place].first, seed) for place, seed in members]
            stacks.append([first.with_seed(seed) for first, seed in firsts if (first.cell_id, seed) in left])
    return [stack for stack in stacks if stack]

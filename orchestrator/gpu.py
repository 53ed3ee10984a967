"""How many networks a GPU holds: measured on a few of them, before a stack is trained.

Of a network's memory nearly all is what its minibatch leaves behind on the way to the gradient, which grows
with the members of a stack and with nothing else. What is found here may still be too much, as others use the
GPU too: a stack that runs out of memory is cut in two (`trial`).
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from .identity import Trial
from .models.training import Stack
from .systems.dataset import load

MARGIN = 0.85
"""Share of the free memory that a stack may take."""

MOST_TRIED = 32
"""Networks that memory is measured with, at most."""


def parts(trials: Sequence[Trial], *, results: Path, device: str) -> int:
    """In how many parts a stack is to be trained so that each fits; 1 on a CPU, which is not looked at."""
    if not device.startswith("cuda"):
        return 1
    return parts_of(len(trials), each=_each(_tried(trials), results, device), free=_free())


def parts_of(members: int, *, each: int, free: int) -> int:
    """In how many parts so many members fit, `each` of which takes so many bytes of those that are free."""
    fit = max(1, int(free * MARGIN) // max(1, each))
    return min(members, math.ceil(members / fit))


def _tried(trials: Sequence[Trial]) -> list[Trial]:
    """One of each cell."""
    return list({trial.cell_id: trial for trial in trials}.values())[:MOST_TRIED]


def _each(trials: Sequence[Trial], results: Path, device: str) -> int:
    """Bytes that a network takes in training, the mean of these, one after the other: members with windows of
    another length keep what is theirs while the others have theirs.
    """
    first = trials[0]
    series = load(first.system, cache=results / "systems").train
    taken = 0
    for trial in trials:
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        stack = Stack(
            first.architecture,
            trial.regime,
            settings=first.training,
            series=series,
            seeds=[trial.seed],
            device=device,
        )
        stack.losses_and_gradients(stack.positions(1)[0])
        torch.cuda.synchronize()
        taken += torch.cuda.max_memory_allocated() - before
        del stack
    torch.cuda.empty_cache()
    return math.ceil(taken / len(trials))


def _free() -> int:
    """Bytes that this process may still take, of its share of the GPU."""
    free, total = torch.cuda.mem_get_info()
    share = int(torch.cuda.memory.get_per_process_memory_fraction() * total)
    return min(free, share - torch.cuda.memory_reserved())

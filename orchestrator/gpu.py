"""How many networks a GPU holds: measured on a few of them, before a stack is trained.

Of a network's memory on a GPU nearly all is what its minibatch leaves behind on the way to the gradient,
which grows with the members of a stack and with nothing else; of the machine's, its free run. What is found
here may still be too much, as others use the GPU too: a stack that runs out of memory is cut in two
(`trial`).
"""

import math
import os
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


COPIES = 2
"""Of free runs, while it is looked whether they are finite."""


def parts(trials: Sequence[Trial], *, results: Path, device: str) -> int:
    """In how many parts a stack is to be trained so that each fits; 1 on a CPU, which is not looked at."""
    if not device.startswith("cuda"):
        return 1
    on_gpu = parts_of(len(trials), each=_each(_tried(trials), results, device), free=_free())
    return max(on_gpu, parts_of(len(trials), each=_evaluated(trials[0], results), free=_of_the_machine()))


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
    data = load(first.system, cache=results / "systems")
    taken = []
    for trial in [first, *trials]:
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        stack = Stack(
            first.architecture,
            trial.regime,
            settings=first.training,
            series=data.train,
            starts=data.starts(first.training.sequence_length),
            seeds=[trial.seed],
            device=device,
        )
        stack.update(stack.positions(1)[0])
        torch.cuda.synchronize()
        taken.append(torch.cuda.max_memory_allocated() - before)
        del stack
    torch.cuda.empty_cache()
    # The first time libraries took what they keep.
    return math.ceil(sum(taken[1:]) / len(trials))


def _evaluated(trial: Trial, results: Path) -> int:
    """Bytes of the machine's memory that a network's free runs take: all are there while one is evaluated."""
    observed = load(trial.system, cache=results / "systems").scored_test.shape[1]
    runs = 1 if trial.evaluation.restart_every is None else 2
    return COPIES * runs * trial.evaluation.steps * int(observed) * 8


def _of_the_machine() -> int:
    """Bytes of its memory for this process, as much of half of them as it has of a GPU."""
    share = torch.cuda.memory.get_per_process_memory_fraction()
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * share / 2)


def _free() -> int:
    """Bytes that this process may still take, of its share of the GPU."""
    free, total = torch.cuda.mem_get_info()
    share = int(torch.cuda.memory.get_per_process_memory_fraction() * total)
    return min(free, share - torch.cuda.memory_reserved())

"""How what is still to run is cut into stacks: trials that are trained together, in one worker."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from . import systems
from .begun import Begun
from .identity import Trial
from .knowledge import Seen
from .models.kernels.networks import why_none
from .pruning import Rival
from .splitting import in_parts, split

if TYPE_CHECKING:
    from .planned import Cell

CPU_STACK = 5
"""Members of a stack on a CPU at most, where kernels compute: more would gain next to nothing."""

LARGER_STACK = 20
"""The same by tensor operations, which take longer to begin than to do on few windows."""

LARGER_STEP, LARGER_WEIGHTS, LARGER_SEQUENCES, LARGER_RUNS = 270_000, 100_000, 10_000_000, 2_000_000
"""At most, in a stack of more than CPU_STACK: numbers of a state of all members and windows, and of weights,
which leave the cache else; of all states of a minibatch, which memory has to hold; steps of all free runs,
between which there is no checkpoint."""

ROUNDS = 3
"""Stacks of more than CPU_STACK that there are for each slot at least."""

GPU_STACK = 512
"""Members of a stack on a GPU at most, of as many cells as it takes; memory may hold fewer (`gpu`)."""


@dataclass(frozen=True)
class Stack:
    """Trials to be run together: of one cell, or, of a grid on a GPU, of several cells of one context."""

    trials: list[Trial]
    rival: Rival | None = None
    """The best τ so far, for a stack that may turn out to be hopeless beside it."""
    searched: bool = False
    """Whether it was asked for by a search, which takes a pruned trial for a result."""
    apart: bool = False
    """Whether its trials may as well be run apart: of a grid, with one thread of a CPU, and not begun. By the
    kernel that changes no digit; by tensor operations last ones of what is measured, on some processors
    (`models.aligned`)."""

    @property
    def trial_ids(self) -> list[str]:
        return [trial.trial_id for trial in self.trials]

    def of(self, trial_ids: Collection[str]) -> "Stack":
        """These of its trials."""
        return replace(self, trials=[trial for trial in self.trials if trial.trial_id in trial_ids])

    def without(self, trial_ids: Collection[str]) -> "Stack":
        """All of its trials but these."""
        return replace(self, trials=[trial for trial in self.trials if trial.trial_id not in trial_ids])


@dataclass(frozen=True)
class Taken:
    """What became of a run's wish to have a stack."""

    known: Mapping[str, Seen] = field(default_factory=dict)
    """Trial id → what is known of it, for those that another run has ended."""
    theirs: frozenset[str] = frozenset()
    """Ids of trials that other runs have now, or of all where another has one of those that are to be run
    together. What is in neither is the run's own."""


def stack_limit(*, gpu: bool) -> int:
    """Members at most of a stack that is asked for when others have ended."""
    return GPU_STACK if gpu else CPU_STACK


def cpu_stack(trial: Trial, *, compiled: bool) -> int:
    """Members of a stack of such trials on a CPU at most.

    Args:
        compiled: whether there is a compiler, so that kernels compute what there are kernels for.
    """
    architecture, rows = trial.architecture, trial.training.batch_size
    latent, length = architecture.latent_dim, trial.training.sequence_length
    if compiled and why_none(architecture.name, latent, systems.get(trial.system).dimension) is None:
        return CPU_STACK
    windows = math.ceil(length / min(trial.regime.window(length), length))
    bounds = (
        LARGER_STEP // (windows * rows * latent),
        LARGER_WEIGHTS // sum(map(math.prod, architecture.shapes().values())),
        LARGER_SEQUENCES // (length * rows * latent),
        LARGER_RUNS // trial.evaluation.steps,
    )
    return max(CPU_STACK, min(LARGER_STACK, *bounds))


def by_cell(cells: "Sequence[Cell]", slots: int, *, threads: int, compiled: bool) -> list[Stack]:
    """Stacks of one cell each, for a CPU; what they are is said in `Plan.stacks`."""
    each = math.ceil(sum(len(cell.seeds) for cell in cells) / max(1, slots))
    # Slots are not equally fast: what is larger than need be leaves several stacks for each of them.
    each = min(each, max(CPU_STACK, each // ROUNDS))
    rounds: list[list[Stack]] = []
    for cell in cells:
        # Of a study that is stopped half-way each cell has some seeds.
        half = max(CPU_STACK, math.ceil(len(cell.seeds) / 2))
        size = max(1, min(cpu_stack(cell.first, compiled=compiled), each, half))
        begun = [started.seeds for started in cell.started if started.device == "cpu"]
        missing = set(cell.missing).difference(*begun)
        parts = [(part, [seed for seed in part if seed in missing]) for part in split(cell.seeds, size)]
        whole = [part for part, left in parts if len(left) == len(part)]
        pooled = tuple(seed for part, left in parts if len(left) < len(part) for seed in left)
        for position, stack in enumerate([*begun, *whole, *split(pooled, size)]):
            while len(rounds) <= position:
                rounds.append([])
            trials = [cell.first.with_seed(seed) for seed in stack]
            rounds[position].append(Stack(trials, apart=threads == 1 and position >= len(begun)))
    return [stack for stacks in rounds for stack in stacks]


def packed(cells: "Sequence[Cell]", begun: Iterable[Begun], slots: int) -> list[Stack]:
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
    return [Stack(trials) for trials in stacks if trials]

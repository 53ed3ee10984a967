"""An epoch of training, per network: a stack of windows against the plain loop, timed in turn."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import OrchError
from ..models import ARCHITECTURES
from ..models.regimes import SparseForcing
from ..models.settings import TrainingSettings
from ..models.training import Stack
from .ceiling import Ceilings, Work, work
from .plain_loop import PlainLoop


@dataclass(frozen=True)
class Timed:
    """Seconds of an epoch of one network, round by round."""

    architecture: str
    tau: int
    textbook: NDArray[np.float64]
    """The plain loop, as it stands in the paper."""
    tuned: NDArray[np.float64]
    """The plain loop with products and biases fused by hand."""
    stack: NDArray[np.float64]
    """Ours, divided by the members of the stack."""
    work: Work | None
    """Of an epoch of one network, where it is known."""
    computed_by: str

    @property
    def ratios(self) -> NDArray[np.float64]:
        """The textbook loop over ours, round by round."""
        return self.textbook / self.stack

    def share(self, ceilings: Ceilings) -> float | None:
        """What the processor needs at the least, over what ours takes."""
        return None if self.work is None else float(ceilings.floor(self.work) / np.median(self.stack))


def side_by_side(
    architectures: Sequence[str], taus: Sequence[int], *, members: int, length: int, rounds: int
) -> Iterator[Timed]:
    """Each architecture at each τ: same initial weights, minibatches and optimiser on all sides, one thread.

    Raises:
        OrchError: the sides do not compute the same.
    """
    for name in architectures:
        for tau in taus:
            yield _compare(name, tau, members=members, length=length, rounds=rounds)


def _compare(name: str, tau: int, *, members: int, length: int, rounds: int) -> Timed:
    settings = TrainingSettings(sequence_length=length)
    series = made_up_series(max(20_000, 2 * length))
    stack = Stack(
        ARCHITECTURES[name](), SparseForcing(tau=tau), settings=settings, series=series, seeds=range(members)
    )
    first = {key: value[0] for key, value in stack.parameters().items()}
    loops = [
        PlainLoop(name, first, tau=tau, learning_rate=settings.learning_rate, tuned=tuned)
        for tuned in (False, True)
    ]
    data = torch.from_numpy(series).float()

    def batches(epoch: int) -> list[torch.Tensor]:
        return [
            torch.stack([data[start : start + length + 1] for start in positions[0]])
            for positions in stack.positions(epoch)
        ]

    ours = stack.losses_and_gradients(stack.positions(1)[0])[0][0].item()
    for loop in loops:
        theirs = loop.loss(batches(1)[0]).item()
        if abs(ours - theirs) > 1e-5 * abs(theirs):
            raise OrchError(f"{name}: the sides do not compute the same: {ours} and {theirs}")
    rows = []
    for _ in range(rounds + 1):
        prepared = batches(stack.epoch + 1)
        row = [
            _seconds(lambda loop=loop, prepared=prepared: [loop.update(b) for b in prepared])  # type: ignore[misc]
            for loop in loops
        ]
        rows.append([*row, _seconds(stack.train_epoch) / members])
    textbook, tuned, stacked = np.array(rows[1:]).T  # the first round warms up
    sequences = settings.batches_per_epoch * settings.batch_size
    least = work(
        name,
        latent_dim=stack.architecture.latent_dim,
        observed_dim=3,
        steps=sequences * length,
        windows=sequences * math.ceil(length / stack.groups[0].windows.window),
    )
    return Timed(name, tau, textbook, tuned, stacked, least, stack.computed_by)


def made_up_series(length: int = 20_000) -> NDArray[np.float64]:
    """(length, 3), a random walk: how fast it is does not hang on the data."""
    series = np.cumsum(np.random.default_rng(0).standard_normal((length, 3)), axis=0)
    whole: NDArray[np.float64] = (series - series.mean(axis=0)) / series.std(axis=0)
    return whole


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began

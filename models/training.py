"""Stacked training: E networks, each with its own weights, minibatches and fate, in one loop.

Two facts carry this file (proved in tests/models/):

1. Windows are independent. A state that was set from outside depends on B and x alone, so the windows
   of a sequence run side by side: ceil(T/τ) windows × R rows at once, τ sequential steps and not T.
2. Seeds stack. Every parameter has a leading member dimension, so one loop trains E networks.

Members are strangers: own initial weights, own minibatches, own gradient norm, own divergence. A
member whose loss or parameters are no longer finite is frozen at its last finite parameters and the
epoch is noted; the others go on untouched.
"""

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .adam import Adam
from .architecture import Architecture, Parameters
from .initial import stack_initial
from .kernels.losses import Kernel, kernel_for
from .regimes.regime import Regime
from .replay import Replayed, abreast
from .settings import TrainingSettings
from .streams import stream
from .windows import Windows, predict

DTYPES = {"float32": torch.float32, "float64": torch.float64}


VECTOR = 64
"""Numbers that the widest processors take in one step of an unrolled loop."""


def gradient_norm(gradient: Tensor) -> Tensor:
    """Norm of each member's gradient, (E, P) → (E,), in float64: exploding and vanishing gradients of
    float32 have squares that float32 does not hold."""
    norm: Tensor = torch.linalg.vector_norm(gradient, dim=1, dtype=torch.float64)
    return norm


@dataclass(frozen=True, eq=False)
class Group:
    """Members of one regime, next to each other in their stack."""

    regime: Regime
    members: slice
    windows: Windows


class Stack:
    """E networks in training, of one architecture on one series, each under a regime of its own.

    The parameters of a member are one row of a flat (E, P) tensor: the optimiser, the gradient norm
    and the freezing of a member are then single operations.
    """

    def __init__(
        self,
        architecture: Architecture,
        regime: Regime | Sequence[Regime],
        *,
        settings: TrainingSettings,
        series: NDArray[np.float64],
        seeds: Sequence[int],
        starts: NDArray[np.int64] | None = None,
        device: str = "cpu",
    ) -> None:
        """
        Args:
            regime: of all members, or one for each; equal ones next to each other train side by side.
            series: (L, N) training series, standardised, L > T.
            seeds: one per member; a member's result depends on its own seed alone.
            starts: where training sequences may begin, rising; everywhere where left out. Of a series with
                breaks these are some of its places (`systems.parts`).

        Raises:
            ValueError: the series is shorter than a training sequence, or wider than the latent state.
        """
        length, observed_dim = series.shape
        needed = settings.sequence_length + 1
        if length < needed or (starts is not None and not len(starts)):
            raise ValueError(f"the series has {length} points, a training sequence needs {needed} in a row")
        if observed_dim > architecture.latent_dim:
            raise ValueError(
                f"{observed_dim} observed dimensions need latent_dim ≥ {observed_dim}, "
                f"not {architecture.latent_dim}"
            )
        self.architecture = architecture
        self.regimes = [regime] * len(seeds) if isinstance(regime, Regime) else list(regime)
        self.settings = settings
        self.seeds = list(seeds)
        self.device = torch.device(device)
        dtype = DTYPES[settings.precision]
        self._starts, self._everywhere = starts, length - settings.sequence_length
        self.series = torch.from_numpy(np.ascontiguousarray(series.T)).to(self.device, dtype)
        self.groups: list[Group] = []
        for one, members in itertools.groupby(range(len(self.regimes)), key=self.regimes.__getitem__):
            places = list(members)
            self.groups.append(Group(one, slice(places[0], places[-1] + 1), self._windows(one)))
        kernel = kernel_for(
            architecture.name,
            latent_dim=architecture.latent_dim,
            observed_dim=observed_dim,
            dtype=dtype,
            device=self.device,
        )
        self.kernel = kernel if isinstance(kernel, Kernel) else None
        """What computes losses and gradients; without one they come from tensor operations."""
        self._computed_by = kernel.name if isinstance(kernel, Kernel) else f"torch ({kernel})"
        self._rows = self.series.T.contiguous() if self.kernel else self.series
        initial = stack_initial(
            architecture, observed_dim, seeds=self.seeds, dtype=dtype, regimes=self.regimes
        )
        self._shapes = {name: tuple(value.shape[1:]) for name, value in initial.items()}
        self._sizes = [value[0].numel() for value in initial.values()]
        ends = itertools.accumulate(self._sizes)
        self._offsets = {name: end - size for name, size, end in zip(initial, self._sizes, ends, strict=True)}
        # A processor works on vectors and then, one by one and rounded otherwise, on what is left over.
        # Rows of a whole number of vectors leave nothing over, so no number depends on who else is in
        # the stack. (In the states it takes rows × units that make whole vectors, as by default.) The
        # padding has gradient zero and stays zero.
        padding = initial["B"].new_zeros(len(self.seeds), -sum(self._sizes) % VECTOR)
        flat = torch.cat([*(value.flatten(1) for value in initial.values()), padding], dim=1)
        self.flat = flat.to(self.device).requires_grad_()
        self.optimiser = Adam(self.flat.detach(), rate=settings.learning_rate)
        self.alive = torch.ones(len(self.seeds), dtype=torch.bool, device=self.device)
        self._replayed: Replayed[tuple[Tensor, Tensor]] = Replayed(self.device)
        self._was_replayed = False
        self._drawn: tuple[int, Tensor] | None = None
        self.epoch = 0
        self.diverged_epoch: list[int | None] = [None] * len(self.seeds)

    def _windows(self, regime: Regime) -> Windows:
        length = self.settings.sequence_length
        return Windows(
            sequence_length=length,
            window=min(regime.window(length), length),
            rows=self.settings.batch_size,
            device=self.device,
        )

    @property
    def computed_by(self) -> str:
        """What losses and gradients came from."""
        if self._replayed.refused is not None:
            return f"{self._computed_by}, not replayed: {self._replayed.refused}"
        replayed = self._was_replayed or self._replayed.recorded
        return f"{self._computed_by}, replayed" if replayed else self._computed_by

    @property
    def size(self) -> int:
        """Members E."""
        return len(self.seeds)

    def parameters(self) -> Parameters:
        """The parameters by name, as views of the flat tensor: name → (E, ...)."""
        return self._named(self.flat)

    def _named(self, rows: Tensor) -> Parameters:
        """Some members' parameters by name, as views of their rows."""
        parts = torch.split(rows[:, : sum(self._sizes)], self._sizes, dim=1)
        return {
            name: part.view(len(rows), *shape)
            for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)
        }

    def member_parameters(self, member: int) -> dict[str, NDArray[np.float32 | np.float64]]:
        """A copy of one member's parameters, on the CPU."""
        return {
            name: value[member].detach().cpu().numpy().copy() for name, value in self.parameters().items()
        }

    def positions(self, epoch: int) -> Tensor:
        """First indices of every minibatch of an epoch: (batches, E, R).

        A position is a uniform number scaled to the admissible range, so the same seed draws the same
        places of the series, whatever the regime, τ or stack.
        """
        shape = (self.settings.batches_per_epoch, self.settings.batch_size)
        places = len(self._starts) if self._starts is not None else self._everywhere
        drawn = np.stack([stream(seed, "minibatches", epoch).random(shape) for seed in self.seeds], axis=1)
        found = (drawn * places).astype(np.int64)
        return torch.from_numpy(found if self._starts is None else self._starts[found]).to(self.device)

    def losses_and_gradients(self, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean squared one-step prediction error of each member on its minibatch, (E,), its gradient, (E, P),
        and the gradient's norm, (E,)."""
        tasks = [functools.partial(self._losses_and_gradients_of, group, positions) for group in self.groups]
        found = abreast(tasks, device=self.device)
        if len(found) == 1:
            return found[0]
        losses, gradients, norms = (torch.cat(parts) for parts in zip(*found, strict=True))
        return losses, gradients, norms

    def _losses_and_gradients_of(self, group: Group, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows = self.flat.detach()[group.members]
        if self.kernel is not None:
            return self.kernel.losses_and_gradients(
                rows,
                self._offsets,
                series=self._rows,
                positions=positions[group.members],
                steps=self.settings.sequence_length,
                window=group.windows.window,
                from_data=group.regime.starts_from_data,
            )
        predictions, targets = predict(
            self.architecture,
            self._named(rows.requires_grad_()),
            group.windows,
            series=self.series,
            positions=positions[group.members],
            from_data=group.regime.starts_from_data,
        )
        errors = predictions.detach() - targets
        losses = errors.square().mean(dim=(1, 2))
        # What a mean of squares owes its terms is known. Members share no parameter: each one's is its own.
        (gradient,) = torch.autograd.grad(predictions, rows, errors * (2 / errors[0].numel()))
        return losses, gradient, gradient_norm(gradient)

    def update(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """One optimiser step on one minibatch; returns each member's loss and raw gradient norm.

        A frozen member goes through the motions (shapes stay fixed) and keeps its parameters.
        """
        losses, gradient, norms = self.losses_and_gradients(positions)
        with torch.no_grad():
            transformed = [
                group.regime.transform_gradient(gradient[group.members], norms[group.members])
                for group in self.groups
            ]
            self.optimiser.update(
                self.flat.detach(),
                transformed[0] if len(transformed) == 1 else torch.cat(transformed),
                alive=self.alive,
                losses=losses,
                norms=norms,
                kernel=self.kernel,
            )
        return losses, norms

    def train_epoch(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Train one epoch.

        Returns:
            Mean loss and mean raw gradient norm over the minibatches, per member (E,), NaN for a
            member that is frozen.
        """
        self.epoch += 1
        drawn, batches = self._drawn or (0, None)
        if batches is None or drawn != self.epoch:
            batches = self.positions(self.epoch)
        # One transfer to the host per epoch, not per minibatch: a GPU must not wait for Python.
        history = []
        for positions in batches:
            loss, norm = self._replayed(positions, self.update, rehearse=self.losses_and_gradients)
            history.append(torch.stack([loss.double(), norm]))
        if self.device.type == "cuda":  # while it works
            self._drawn = self.epoch + 1, self.positions(self.epoch + 1)
        means = torch.stack(history).mean(dim=0).cpu().numpy()
        alive = self.alive.cpu().numpy()
        for member in np.flatnonzero(~alive):
            if self.diverged_epoch[member] is None:
                self.diverged_epoch[member] = self.epoch
        means[:, ~alive] = np.nan
        return means[0], means[1]

    def release(self) -> None:
        """Let go of what only training needs, which is made again when it goes on."""
        if self._replayed.recorded:
            self._replayed, self._was_replayed = Replayed(self.device), True

    def tensors(self) -> dict[str, Tensor]:
        """What `restore` needs to go on exactly, beside `epoch` and `diverged_epoch`."""
        adam = {f"adam.{name}": value for name, value in self.optimiser.tensors().items()}
        return {"parameters": self.flat.detach(), "alive": self.alive, **adam}

    def restore(
        self, tensors: Mapping[str, Tensor], *, epoch: int, diverged_epoch: Sequence[int | None]
    ) -> None:
        """Go on where another stack of the same members was."""
        held = {name: value.to(self.device) for name, value in tensors.items()}
        with torch.no_grad():
            self.flat.copy_(held.pop("parameters"))
        self.alive.copy_(held.pop("alive"))
        self.optimiser.restore({name.removeprefix("adam."): value for name, value in held.items()})
        self.epoch = epoch
        self.diverged_epoch = list(diverged_epoch)

    @property
    def all_diverged(self) -> bool:
        """Whether no member is left in training."""
        return all(epoch is not None for epoch in self.diverged_epoch)

"""What every recurrent architecture offers: a stack of E networks as one batched map z ← F(z).

A stack holds E independent networks ("members") of one architecture. Every parameter carries a
leading member dimension and every operation is batched over it, so that one Python loop drives them
all. Shapes used throughout `models/`:

    E members of the stack     R rows (sequences × windows)     M latent     N observed     T steps

A latent state is a tuple of tensors (E, M, R). Its first entry is what the linear read-out sees; an
architecture with further memory (the LSTM's cell state) appends it. Rows come last because then the
gates of an LSTM are contiguous blocks, biases broadcast along memory, and batched products with an
M × M matrix run faster than with rows first (measured: 36 against 62 µs at E 5, M 30, R 224).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from .aligned import largest_singular_value
from .streams import stream

if TYPE_CHECKING:
    # To declare and plan studies takes no torch, which alone takes longer to import than a plan to make.
    from torch import Tensor

State: TypeAlias = "tuple[Tensor, ...]"
Parameters: TypeAlias = "dict[str, Tensor]"


def spectral_norm(matrices: Tensor) -> Tensor:
    """Largest singular value of each of (E, K, L) matrices: (E,), ∞ for one that is not finite."""
    import torch

    finite = matrices.isfinite().all(dim=2).all(dim=1)
    norm = largest_singular_value(torch.where(finite[:, None, None], matrices, 0.0))
    return torch.where(finite, norm, torch.inf)


class Architecture(BaseModel, ABC):
    """A recurrent latent model with its hyperparameters; the weights live outside, stacked.

    The pydantic fields are the hyperparameters that a study may set and that enter a trial's
    identity. Fields at their default are left out of the identity, so new options may be added.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: ClassVar[str]

    latent_dim: int = Field(default=30, ge=1, le=10_000, description="latent units M")

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one member's recurrent parameters, without the read-out."""

    def unroll(self, parameters: Parameters, hidden: Tensor, *, widths: Sequence[int]) -> Tensor:
        """The read-out of a run from `start(hidden)`, differentiable: what training calls.

        This one follows `step` and lets autograd do the rest, and so serves any architecture. Ours
        override it with the derivatives worked out by hand, at half the time (tests hold both equal).

        Args:
            hidden: (E, M, R), the read-out part of the first state.
            widths: for each step how many of the leading rows take part, never growing.

        Returns:
            (E, N, sum of widths): x̂ = B z after every step, step after step.
        """
        import torch

        from .readout import read_out

        bound = self.bind(parameters)
        state = self.start(hidden)
        outputs: list[Tensor] = []
        for width in widths:
            state = self.step(bound, tuple(part[:, :, :width] for part in state))
            outputs.append(state[0])
        return read_out(parameters["B"], torch.cat(outputs, dim=2))

    @abstractmethod
    def bind(self, parameters: Parameters) -> Parameters:
        """Derive, once per run, what `step` needs at every time step."""

    @abstractmethod
    def step(self, bound: Parameters, state: State) -> State:
        """One step z ← F(z) for every member and row; `bound` comes from `bind`."""

    def tangent_step(self, bound: Parameters, state: State, vectors: Tensor) -> tuple[State, Tensor]:
        """One step, and with it K tangent vectors of every row: z ← F(z), v ← J(z) v.

        This one lets autograd differentiate `step`, and so serves any architecture. Ours override it
        with their Jacobian worked out by hand (tests hold both equal).

        Args:
            vectors: (E, D, R, K), D the components of the whole state, part after part: an LSTM's are those
                of h and then those of c.
        """
        import torch

        with torch.enable_grad():
            before = [part.detach().clone().requires_grad_() for part in state]
            after = self.step(bound, tuple(before))
            # Rows do not mix, so the gradient of a component's sum over rows is that of each row.
            components = [row.sum() for part in after for row in part.unbind(dim=1)]
            gradients = [
                torch.autograd.grad(component, before, retain_graph=True, materialize_grads=True)
                for component in components
            ]
        jacobian = torch.stack([torch.cat(parts, dim=1) for parts in gradients], dim=1)  # (E, D, D, R)
        return tuple(part.detach() for part in after), torch.einsum("eijr,ejrk->eirk", jacobian, vectors)

    def jacobian(self, bound: Parameters, state: State) -> Tensor:
        """∂F/∂z of the whole state for every member and row: (E, R, D, D), entry [i, j] = ∂F_i/∂z_j."""
        import torch

        whole = torch.cat(state, dim=1)
        identity = torch.eye(whole.shape[1]).to(whole)
        vectors = identity[None, :, None, :].expand(len(whole), -1, whole.shape[2], -1)
        return self.tangent_step(bound, state, vectors)[1].permute(0, 2, 1, 3)

    def jacobian_bound(self, parameters: Parameters) -> Tensor:
        """(E,): a number that ‖∂F/∂z‖₂ exceeds at no state, or ∞ where none is known, as for an LSTM.

        A network for which it is at most 1 cannot be chaotic (the paper's Corollary 1).
        """
        import torch

        return parameters["B"].new_full((len(parameters["B"]),), torch.inf)

    def start(self, hidden: Tensor) -> State:
        """The latent state whose read-out part is `hidden` (E, M, R); further memory starts at zero."""
        return (hidden,)

    def initial(self, observed_dim: int, seed: int) -> dict[str, NDArray[np.float64]]:
        """Initial weights of one member: uniform on ±1/√M, read-out included (the authors' setting).

        Each parameter has a stream of its own, so a seed means the same weights under every regime
        and τ, and a parameter added later leaves the others as they were.
        """
        bound = 1.0 / math.sqrt(self.latent_dim)
        return {
            name: stream(seed, f"initial/{self.name}/{name}").uniform(-bound, bound, size=shape)
            for name, shape in self.parameter_shapes(observed_dim).items()
        }

    def parameter_shapes(self, observed_dim: int) -> dict[str, tuple[int, ...]]:
        """Shapes of all of one member's parameters: the recurrent ones and the read-out B (N, M)."""
        return {**self.shapes(), "B": (observed_dim, self.latent_dim)}

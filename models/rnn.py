"""Vanilla RNN with tanh activation (Mikhaeil, Monfared & Durstewitz, section 4.2).

    z_t = tanh(W z_{t-1} + h)        W (M, M), h (M)

There is no input weight: the series enters through forcing alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from .architecture import Architecture, spectral_norm

if TYPE_CHECKING:
    from torch import Tensor

    from .architecture import Parameters, State


class RNN(Architecture):
    """tanh RNN, autonomous."""

    name: ClassVar[str] = "rnn"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        m = self.latent_dim
        return {"W": (m, m), "h": (m,)}

    def bind(self, parameters: Parameters) -> Parameters:
        return {"W": parameters["W"], "h": parameters["h"].unsqueeze(2)}

    def step(self, bound: Parameters, state: State) -> State:
        return (bound["h"].baddbmm(bound["W"], state[0]).tanh(),)

    def tangent_step(self, bound: Parameters, state: State, vectors: Tensor) -> tuple[State, Tensor]:
        """J = diag(1 − z_t²) W."""
        (z,) = self.step(bound, state)
        pushed = (bound["W"] @ vectors.flatten(2)).view(vectors.shape)
        return (z,), (1 - z * z).unsqueeze(3) * pushed

    def jacobian_bound(self, parameters: Parameters) -> Tensor:
        """‖W‖: the derivative of tanh is at most 1 (the paper's Remark 6)."""
        return spectral_norm(parameters["W"])

    def unroll(self, parameters: Parameters, hidden: Tensor, *, widths: Sequence[int]) -> Tensor:
        from .unrolling.rnn import unroll

        return unroll(parameters, hidden, widths)

"""Piecewise-linear RNN (Koppe et al. 2019; the paper's eq. 27, autonomous and without noise).

    z_t = A z_{t-1} + W max(z_{t-1}, 0) + h        A diagonal (M), W (M, M), h (M)

As in the authors' code, A and W are the diagonal and the off-diagonal part of one matrix `AW`, so the
diagonal of W is zero: a unit's coupling to itself is linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from .architecture import Architecture, spectral_norm

if TYPE_CHECKING:
    from torch import Tensor

    from .architecture import Parameters, State


class PLRNN(Architecture):
    """Piecewise-linear RNN, autonomous."""

    name: ClassVar[str] = "plrnn"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        m = self.latent_dim
        return {"AW": (m, m), "h": (m,)}

    def bind(self, parameters: Parameters) -> Parameters:
        diagonal = parameters["AW"].diagonal(dim1=1, dim2=2)
        off_diagonal = parameters["AW"] - diagonal.diag_embed()
        return {"A": diagonal.unsqueeze(2), "W": off_diagonal, "h": parameters["h"].unsqueeze(2)}

    def step(self, bound: Parameters, state: State) -> State:
        (z,) = state
        return (bound["h"].addcmul(bound["A"], z).baddbmm(bound["W"], z.relu()),)

    def tangent_step(self, bound: Parameters, state: State, vectors: Tensor) -> tuple[State, Tensor]:
        """J = A + W diag(z_{t-1} > 0), the paper's eq. 29; at 0 itself that of the side below."""
        through = (state[0] > 0).unsqueeze(3) * vectors
        pushed = (bound["W"] @ through.flatten(2)).view(vectors.shape)
        return self.step(bound, state), pushed + bound["A"].unsqueeze(3) * vectors

    def jacobian_bound(self, parameters: Parameters) -> Tensor:
        """‖A‖ + ‖W‖ (after the paper's eq. 29)."""
        bound = self.bind(parameters)
        return bound["A"].abs().amax(dim=(1, 2)) + spectral_norm(bound["W"])

    def unroll(self, parameters: Parameters, hidden: Tensor, *, widths: Sequence[int]) -> Tensor:
        from .unrolling.plrnn import unroll

        return unroll(self.bind(parameters), parameters, hidden, widths)

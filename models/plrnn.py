"""Piecewise-linear RNN (Koppe et al. 2019; the paper's eq. 27, autonomous and without noise).

    z_t = A z_{t-1} + W max(z_{t-1}, 0) + h        A diagonal (M), W (M, M), h (M)

As in the authors' code, A and W are the diagonal and the off-diagonal part of one matrix `AW`, so the
diagonal of W is zero: a unit's coupling to itself is linear.
"""

from typing import ClassVar

import torch

from .architecture import Architecture, Parameters, State


class PLRNN(Architecture):
    """Piecewise-linear RNN, autonomous."""

    name: ClassVar[str] = "plrnn"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        m = self.latent_dim
        return {"AW": (m, m), "h": (m,)}

    def bind(self, parameters: Parameters) -> Parameters:
        diagonal = parameters["AW"].diagonal(dim1=1, dim2=2)
        off_diagonal = parameters["AW"] - torch.diag_embed(diagonal)
        return {
            "A": diagonal.unsqueeze(2),
            "W": off_diagonal,
            "h": parameters["h"].unsqueeze(2),
        }

    def step(self, bound: Parameters, state: State) -> State:
        (z,) = state
        return (torch.baddbmm(torch.addcmul(bound["h"], bound["A"], z), bound["W"], z.relu()),)

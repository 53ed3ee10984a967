"""Vanilla RNN with tanh activation (Mikhaeil, Monfared & Durstewitz, section 4.2).

    z_t = tanh(W z_{t-1} + h)        W (M, M), h (M)

There is no input weight: the series enters through forcing alone.
"""

from typing import ClassVar

import torch

from .activations import tanh
from .architecture import Architecture, Parameters, State


class RNN(Architecture):
    """tanh RNN, autonomous."""

    name: ClassVar[str] = "rnn"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        m = self.latent_dim
        return {"W": (m, m), "h": (m,)}

    def bind(self, parameters: Parameters) -> Parameters:
        return {"W": parameters["W"], "h": parameters["h"].unsqueeze(2)}

    def step(self, bound: Parameters, state: State) -> State:
        return (tanh(torch.baddbmm(bound["h"], bound["W"], state[0])),)

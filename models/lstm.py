"""Long short-term memory (Hochreiter & Schmidhuber 1997; the paper's eq. 31 and 32, no input).

    i, f, o = σ(W_{i,f,o} h_{t-1} + b)      g = tanh(W_g h_{t-1} + b_g)
    c_t = f ⊙ c_{t-1} + i ⊙ g               h_t = o ⊙ tanh(c_t)

The latent state is (h, c); the read-out sees h. A forcing sets h = ẑ and c = 0, as the authors do.
W (4M, M) and b (4M) have the rows of i, f, o and g in turn. One bias per gate: the second one of the usual
libraries is redundant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from .architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor

    from .architecture import Parameters, State


class LSTM(Architecture):
    """LSTM, autonomous; gate order in the stacked weights is i, f, o, g."""

    name: ClassVar[str] = "lstm"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        m = self.latent_dim
        return {"W": (4 * m, m), "b": (4 * m,)}

    def start(self, hidden: Tensor) -> State:
        return (hidden, hidden.new_zeros(hidden.shape))

    def bind(self, parameters: Parameters) -> Parameters:
        return {"W": parameters["W"], "b": parameters["b"].unsqueeze(2)}

    def step(self, bound: Parameters, state: State) -> State:
        h, c = state
        m = self.latent_dim
        gates = bound["b"].baddbmm(bound["W"], h)
        i, f, o = gates[:, : 3 * m].sigmoid().chunk(3, dim=1)
        c = (i * gates[:, 3 * m :].tanh()).addcmul(f, c)
        return (o * c.tanh(), c)

    def tangent_step(self, bound: Parameters, state: State, vectors: Tensor) -> tuple[State, Tensor]:
        """Of h and c together; in blocks, with G' the derivative of gate G by its argument and t = tanh(c_t):

        ∂c_t/∂c_{t-1} = diag(f)    ∂c_t/∂h_{t-1} = diag(c_{t-1} f') W_f + diag(g i') W_i + diag(i g') W_g
        ∂h_t/∂·       = diag(o (1 − t²)) ∂c_t/∂·  (+ diag(t o') W_o for h_{t-1})
        """
        import torch

        h, c = state
        m = self.latent_dim
        gates = bound["b"].baddbmm(bound["W"], h)
        i, f, o = gates[:, : 3 * m].sigmoid().unsqueeze(3).chunk(3, dim=1)
        g = gates[:, 3 * m :].tanh().unsqueeze(3)
        pushed = (bound["W"] @ vectors[:, :m].flatten(2)).view(len(h), -1, *vectors.shape[2:])
        d_i, d_f, d_o, d_g = pushed.chunk(4, dim=1)
        before = c.unsqueeze(3)
        after = f * before + i * g
        t = after.tanh()
        d_c = f * vectors[:, m:] + f * (1 - f) * before * d_f + i * (1 - i) * g * d_i + i * (1 - g * g) * d_g
        d_h = o * (1 - t * t) * d_c + o * (1 - o) * t * d_o
        return ((o * t).squeeze(3), after.squeeze(3)), torch.cat([d_h, d_c], dim=1)

    def unroll(self, parameters: Parameters, hidden: Tensor, *, widths: Sequence[int]) -> Tensor:
        from .unrolling.lstm import unroll

        return unroll(parameters, hidden, widths)

"""Long short-term memory (Hochreiter & Schmidhuber 1997; the paper's eq. 31 and 32, no input).

    i, f, o = σ(W_{i,f,o} h_{t-1} + b)      g = tanh(W_g h_{t-1} + b_g)
    c_t = f ⊙ c_{t-1} + i ⊙ g               h_t = o ⊙ tanh(c_t)

The latent state is (h, c); the read-out sees h. A forcing sets h = ẑ and c = 0, as the authors do.
One bias per gate: the second one of the usual libraries is redundant.
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

    def unroll(self, parameters: Parameters, hidden: Tensor, *, widths: Sequence[int]) -> Tensor:
        from .unrolling.lstm import unroll

        return unroll(parameters, hidden, widths)

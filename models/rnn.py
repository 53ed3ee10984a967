"""Vanilla RNN with tanh activation (Mikhaeil, Monfared & Durstewitz, section 4.2).

    z_t = tanh(W z_{t-1} + h)        W (M, M), h (M)

There is no input weight: the series enters through forcing alone.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from .architecture import Architecture, Parameters, State
from .tape import Span, backward_weight, lay_tape, tanh_, tanh_backward, with_bias


class RNN(Architecture):
    """tanh RNN, autonomous."""

    name: ClassVar[str] = "rnn"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        m = self.latent_dim
        return {"W": (m, m), "h": (m,)}

    def bind(self, parameters: Parameters) -> Parameters:
        return {"W": parameters["W"], "h": parameters["h"].unsqueeze(2)}

    def step(self, bound: Parameters, state: State) -> State:
        return (torch.baddbmm(bound["h"], bound["W"], state[0]).tanh(),)

    def unroll(self, parameters: Parameters, hidden: Tensor, *, widths: Sequence[int]) -> Tensor:
        W, h, B = parameters["W"], parameters["h"], parameters["B"]
        predictions: Tensor = _Unroll.apply(W, h, B, hidden, widths)  # type: ignore[no-untyped-call]
        return predictions


class _Unroll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, W: Tensor, h: Tensor, B: Tensor, hidden: Tensor, widths: Sequence[int]) -> Tensor:
        latent, rows = hidden.shape[1:]
        weight = with_bias(W, h)
        tape, spans = lay_tape(hidden, widths)
        for source, target, _ in spans:
            tape[:, :latent, target] = tanh_(torch.bmm(weight, tape[:, :, source]))
        ctx.save_for_backward(weight, B, tape)
        ctx.spans = spans
        return torch.bmm(B, tape[:, :latent, rows:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        (d_x,) = gradients
        weight, B, tape = ctx.saved_tensors
        spans: list[Span] = ctx.spans
        latent, rows = weight.shape[1], spans[0].width
        back = backward_weight(weight, B)
        both = d_x.new_zeros(len(weight), latent + B.shape[1], rows)
        d_weight = torch.zeros_like(weight)
        for source, target, width in reversed(spans):
            both[:, latent:, :width] = d_x[:, :, target.start - rows : target.stop - rows]
            d_z = torch.bmm(back, both[:, :, :width])
            d_pre = both[:, :latent, :width]
            tanh_backward.grad_input(d_z, tape[:, :latent, target], grad_input=d_pre)
            d_weight.baddbmm_(d_pre, tape[:, :, source].transpose(1, 2))
        d_hidden = torch.bmm(back[:, :, :latent], both[:, :latent])
        d_B = torch.bmm(d_x, tape[:, :latent, rows:].transpose(1, 2))
        return d_weight[:, :, :latent], d_weight[:, :, latent], d_B, d_hidden, None

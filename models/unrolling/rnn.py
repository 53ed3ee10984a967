"""A run of the RNN with its derivatives through time by hand (`models/rnn.py` has the equations)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..architecture import Parameters
from .tape import Span, backward_weight, lay_tape, sigmoid_backward, with_bias


def unroll(parameters: Parameters, hidden: Tensor, widths: Sequence[int]) -> Tensor:
    """What `Architecture.unroll` promises."""
    W, h, B = parameters["W"], parameters["h"], parameters["B"]
    predictions: Tensor = _Unroll.apply(W, h, B, hidden, widths)  # type: ignore[no-untyped-call]
    return predictions


class _Unroll(torch.autograd.Function):
    """The run in terms of s = σ(2x), where z = tanh(x) = 2s − 1.

    With W' = 4W and h' = 2(h − W 1) the map is s ← σ(W' s + h'), and x̂ = 2B s − B 1: a step is one
    product and one sigmoid. In float32 z comes out to 2e-7, absolute, as from PyTorch's tanh.
    """

    @staticmethod
    def forward(ctx: Any, W: Tensor, h: Tensor, B: Tensor, hidden: Tensor, widths: Sequence[int]) -> Tensor:
        latent, rows = hidden.shape[1:]
        weight = with_bias(4 * W, 2 * (h - W.sum(dim=2)))
        read_out = with_bias(2 * B, -B.sum(dim=2))
        tape, spans = lay_tape((hidden + 1) / 2, widths)
        for source, target, _ in spans:
            torch.sigmoid(torch.bmm(weight, tape[:, :, source]), out=tape[:, :latent, target])
        ctx.save_for_backward(weight, read_out, tape)
        ctx.spans = spans
        return torch.bmm(read_out, tape[:, :, rows:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        (d_x,) = gradients
        weight, read_out, tape = ctx.saved_tensors
        spans: list[Span] = ctx.spans
        latent, rows = weight.shape[1], spans[0].width
        back = backward_weight(weight, read_out[:, :, :-1])
        both = d_x.new_zeros(len(weight), latent + d_x.shape[1], rows)
        d_weight = torch.zeros_like(weight)
        for source, target, width in reversed(spans):
            both[:, latent:, :width] = d_x[:, :, target.start - rows : target.stop - rows]
            d_s = torch.bmm(back, both[:, :, :width])
            d_pre = both[:, :latent, :width]
            sigmoid_backward.grad_input(d_s, tape[:, :latent, target], grad_input=d_pre)
            d_weight.baddbmm_(d_pre, tape[:, :, source].transpose(1, 2))
        d_hidden = torch.bmm(back[:, :, :latent], both[:, :latent]) / 2
        d_read_out = torch.bmm(d_x, tape[:, :, rows:].transpose(1, 2))
        d_h = 2 * d_weight[:, :, latent]
        d_W = 4 * d_weight[:, :, :latent] - d_h.unsqueeze(2)
        d_B = 2 * d_read_out[:, :, :latent] - d_read_out[:, :, latent:]
        return d_W, d_h, d_B, d_hidden, None

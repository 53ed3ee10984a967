"""A run of the RNN with its derivatives through time by hand (`models/rnn.py` has the equations)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..architecture import Parameters
from .tape import Tape, backward_weight, lay_states, owing, sigmoid_backward, with_bias


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
        latent = hidden.shape[1]
        weight = with_bias(4 * W, 2 * (h - W.sum(dim=2)))
        read_out = with_bias(2 * B, -B.sum(dim=2))
        tape = lay_states(hidden, widths)
        states = tape.rows(0, latent)
        torch.add(hidden.new_full((), 0.5), hidden, alpha=0.5, out=states.states()[0])
        for before, after in zip(tape.before(), states.after(), strict=True):
            torch.sigmoid(torch.bmm(weight, before), out=after)
        ctx.save_for_backward(weight, read_out, *tape.parts)
        ctx.widths = widths
        return tape.through(read_out)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        (d_x,) = gradients
        weight, read_out, *parts = ctx.saved_tensors
        tape, latent = Tape(parts), weight.shape[1]
        back = backward_weight(weight, read_out[:, :, :-1])
        owed = owing(d_x, latent, ctx.widths)
        gradient = weight.new_zeros(len(weight), latent + d_x.shape[1], latent + 1)
        first, *others = tape.transposed()
        for after, turned, (both, into) in zip(
            reversed(tape.rows(0, latent).after()), reversed(others), owed, strict=False
        ):
            gradient.baddbmm_(both, turned)
            sigmoid_backward.grad_input(torch.bmm(back, both), after, grad_input=into)
        both, _ = next(owed)
        gradient.baddbmm_(both, first)
        d_weight, d_read_out = gradient[:, :latent], gradient[:, latent:]
        d_h = 2 * d_weight[:, :, latent]
        d_W = 4 * d_weight[:, :, :latent] - d_h.unsqueeze(2)
        d_B = 2 * d_read_out[:, :, :latent] - d_read_out[:, :, latent:]
        return d_W, d_h, d_B, torch.bmm(back / 2, both), None

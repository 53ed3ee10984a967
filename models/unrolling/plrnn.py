"""A run of the PLRNN with its derivatives through time by hand (`models/plrnn.py` has the equations)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..architecture import Parameters
from .tape import Tape, lay_states, narrow, relu_backward, with_bias


def unroll(bound: Parameters, parameters: Parameters, hidden: Tensor, widths: Sequence[int]) -> Tensor:
    """What `Architecture.unroll` promises; `bound` splits AW into A and W."""
    A, W, h, B = bound["A"], bound["W"], parameters["h"], parameters["B"]
    predictions: Tensor = _Unroll.apply(A, W, h, B, hidden, widths)  # type: ignore[no-untyped-call]
    return predictions


class _Unroll(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, A: Tensor, W: Tensor, h: Tensor, B: Tensor, hidden: Tensor, widths: Sequence[int]
    ) -> Tensor:
        latent = hidden.shape[1]
        weight = with_bias(W, h)
        states = Tape.blank(hidden, latent, widths)
        states.parts[0][0] = hidden
        inputs = lay_states(hidden.relu(), widths)  # what W is multiplied by
        rectified = inputs.rows(0, latent)
        steps = zip(states.before(), states.after(), inputs.before(), rectified.after(), strict=True)
        for before, after, source, target in steps:
            torch.mul(A, before, out=after).baddbmm_(weight, source)
            torch.clamp_min(after, 0, out=target)
        ctx.save_for_backward(A, weight, B, *states.parts, *inputs.parts)
        ctx.widths = widths
        return states.through(B)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, None]:
        (d_x,) = gradients
        A, weight, B, *parts = ctx.saved_tensors
        states, inputs = Tape(parts[: len(parts) // 2]), Tape(parts[len(parts) // 2 :])
        latent = weight.shape[1]
        W_back, B_back = weight[:, :, :latent].transpose(1, 2), B.transpose(1, 2)
        d_weight, d_B = torch.zeros_like(weight), torch.zeros_like(B)
        d_A = torch.zeros_like(parts[0][0])  # over columns; summed at the end
        steps = zip(
            reversed(states.before()), reversed(inputs.before()), reversed(states.transposed()[1:]),
            reversed(torch.split(d_x, list(ctx.widths), dim=2)), strict=True,
        )  # fmt: skip
        carry = d_x.new_zeros(len(A), latent, ctx.widths[-1])
        for before, source, turned, error in steps:
            d_B.baddbmm_(error, turned)
            width = error.shape[2]
            if carry.shape[2] < width:  # columns that were done sooner: nothing comes from beyond
                carry = pad(carry, (0, width - carry.shape[2]))
            owed = carry.baddbmm_(B_back, error)
            d_weight.baddbmm_(owed, source.transpose(1, 2))
            narrow(d_A, width).addcmul_(owed, before)
            carry = relu_backward(torch.bmm(W_back, owed), before, 0).addcmul_(A, owed)
        d_W, d_h = d_weight[:, :, :latent], d_weight[:, :, latent]
        return d_A.sum(dim=2, keepdim=True), d_W, d_h, d_B, carry, None

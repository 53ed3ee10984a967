"""A run of the PLRNN with its derivatives through time by hand (`models/plrnn.py` has the equations)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..architecture import Parameters
from .tape import relu_backward, with_bias


def unroll(bound: Parameters, parameters: Parameters, hidden: Tensor, widths: Sequence[int]) -> Tensor:
    """What `Architecture.unroll` promises; `bound` splits AW into A and W."""
    A, W, h, B = bound["A"], bound["W"], parameters["h"], parameters["B"]
    predictions: Tensor = _Unroll.apply(A, W, h, B, hidden, widths)  # type: ignore[no-untyped-call]
    return predictions


def _rectified(z: Tensor, out: Tensor) -> Tensor:
    """max(z, 0) above a row of ones, which `out` (E, M + 1, R) has already."""
    part = out[:, :, : z.shape[2]]
    torch.clamp_min(z, 0, out=part[:, :-1])
    return part


def _ones_below(hidden: Tensor) -> Tensor:
    members, latent, rows = hidden.shape
    return hidden.new_ones(members, latent + 1, rows)


class _Unroll(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, A: Tensor, W: Tensor, h: Tensor, B: Tensor, hidden: Tensor, widths: Sequence[int]
    ) -> Tensor:
        weight = with_bias(W, h)
        rectified = _ones_below(hidden)
        states = [hidden]
        for width in widths:
            z = states[-1][:, :, :width]
            states.append((A * z).baddbmm_(weight, _rectified(z, rectified)))
        ctx.save_for_backward(A, weight, B, *states)
        ctx.widths = widths
        return torch.cat([torch.bmm(B, state) for state in states[1:]], dim=2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, None]:
        (d_x,) = gradients
        A, weight, B, *states = ctx.saved_tensors
        latent = weight.shape[1]
        W_back, B_back = weight[:, :, :latent].transpose(1, 2), B.transpose(1, 2)
        rectified = _ones_below(states[0])
        d_weight, d_B = torch.zeros_like(weight), torch.zeros_like(B)
        d_A = torch.zeros_like(states[0])  # over rows; summed at the end
        carry = torch.zeros_like(states[0])
        end = d_x.shape[2]
        for step in reversed(range(len(ctx.widths))):
            width = ctx.widths[step]
            d_prediction = d_x[:, :, end - width : end]
            end -= width
            z = states[step][:, :, :width]
            d_B.baddbmm_(d_prediction, states[step + 1].transpose(1, 2))
            d_next = carry[:, :, :width].contiguous().baddbmm_(B_back, d_prediction)
            d_weight.baddbmm_(d_next, _rectified(z, rectified).transpose(1, 2))
            d_A[:, :, :width].addcmul_(d_next, z)
            through_relu = relu_backward(torch.bmm(W_back, d_next), z, 0)
            torch.addcmul(through_relu, A, d_next, out=carry[:, :, :width])
        d_W, d_h = d_weight[:, :, :latent], d_weight[:, :, latent]
        return d_A.sum(dim=2, keepdim=True), d_W, d_h, d_B, carry, None

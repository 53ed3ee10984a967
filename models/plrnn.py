"""Piecewise-linear RNN (Koppe et al. 2019; the paper's eq. 27, autonomous and without noise).

    z_t = A z_{t-1} + W max(z_{t-1}, 0) + h        A diagonal (M), W (M, M), h (M)

As in the authors' code, A and W are the diagonal and the off-diagonal part of one matrix `AW`, so the
diagonal of W is zero: a unit's coupling to itself is linear.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from .architecture import Architecture, Parameters, State
from .tape import relu_backward, with_bias


class PLRNN(Architecture):
    """Piecewise-linear RNN, autonomous."""

    name: ClassVar[str] = "plrnn"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        m = self.latent_dim
        return {"AW": (m, m), "h": (m,)}

    def bind(self, parameters: Parameters) -> Parameters:
        diagonal = parameters["AW"].diagonal(dim1=1, dim2=2)
        off_diagonal = parameters["AW"] - torch.diag_embed(diagonal)
        return {"A": diagonal.unsqueeze(2), "W": off_diagonal, "h": parameters["h"].unsqueeze(2)}

    def step(self, bound: Parameters, state: State) -> State:
        (z,) = state
        return (torch.baddbmm(torch.addcmul(bound["h"], bound["A"], z), bound["W"], z.relu()),)

    def unroll(self, parameters: Parameters, hidden: Tensor, *, widths: Sequence[int]) -> Tensor:
        bound = self.bind(parameters)
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

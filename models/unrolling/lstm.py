"""A run of the LSTM with its derivatives through time by hand (`models/lstm.py` has the equations)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..architecture import Parameters
from .tape import Span, backward_weight, lay_tape, sigmoid_backward, tanh_backward, with_bias


def unroll(parameters: Parameters, hidden: Tensor, widths: Sequence[int]) -> Tensor:
    """What `Architecture.unroll` promises."""
    W, b, B = parameters["W"], parameters["b"], parameters["B"]
    predictions: Tensor = _Unroll.apply(W, b, B, hidden, widths)  # type: ignore[no-untyped-call]
    return predictions


class _Unroll(torch.autograd.Function):
    """The run with doubled cells C = 2c, of which tanh(c) = 2σ(C) − 1 takes one sigmoid and one sum."""

    @staticmethod
    def forward(ctx: Any, W: Tensor, b: Tensor, B: Tensor, hidden: Tensor, widths: Sequence[int]) -> Tensor:
        latent, rows = hidden.shape[1:]
        weight = with_bias(W, b)
        # tanh(x) = 2σ(2x) − 1: with the rows of g doubled, one sigmoid serves all four gates.
        doubled = weight.clone()
        doubled[:, 3 * latent :].mul_(2)
        tape, spans = lay_tape(hidden, widths)
        cells = [torch.zeros_like(hidden)]
        gates, squashed_cells = [], []
        minus_one = hidden.new_full((), -1.0)  # made where it is needed: nothing is copied there
        for source, target, width in spans:
            gate = torch.bmm(doubled, tape[:, :, source]).sigmoid_()
            i, f, o, g = gate.chunk(4, dim=1)
            torch.add(minus_one, g, alpha=2, out=g)
            c = (f * cells[-1][:, :, :width]).addcmul_(i, g, value=2)
            t = c.sigmoid()
            torch.add(minus_one, t, alpha=2, out=t)
            torch.mul(o, t, out=tape[:, :latent, target])
            gates.append(gate)
            cells.append(c)
            squashed_cells.append(t)
        ctx.save_for_backward(weight, B, tape, *gates, *cells[:-1], *squashed_cells)
        ctx.spans = spans
        return torch.bmm(B, tape[:, :latent, rows:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        (d_x,) = gradients
        weight, B, tape, *saved = ctx.saved_tensors
        spans: list[Span] = ctx.spans
        steps, latent, rows = len(spans), weight.shape[2] - 1, spans[0].width
        gates, cells, squashed = saved[:steps], saved[steps : 2 * steps], saved[2 * steps :]
        back = backward_weight(weight, B)
        both = d_x.new_zeros(len(weight), 4 * latent + B.shape[1], rows)
        d_weight = torch.zeros_like(weight)
        d_cell = torch.zeros_like(tape[:, :latent, :rows])
        zero = d_x.new_zeros(())
        for (source, target, width), gate, cell, t in zip(
            reversed(spans), reversed(gates), reversed(cells), reversed(squashed), strict=True
        ):
            both[:, 4 * latent :, :width] = d_x[:, :, target.start - rows : target.stop - rows]
            d_h = torch.bmm(back, both[:, :, :width])
            i, f, o, g = gate.chunk(4, dim=1)
            d_gate = both[:, : 4 * latent, :width]
            d_i, d_f, d_o, d_g = d_gate.chunk(4, dim=1)
            d_c = d_cell[:, :, :width]
            d_c += tanh_backward(d_h * o, t)
            torch.mul(d_c, g, out=d_i)
            torch.addcmul(zero, d_c, cell[:, :, :width], value=0.5, out=d_f)  # the cell is doubled
            torch.mul(d_h, t, out=d_o)
            torch.mul(d_c, i, out=d_g)
            sigmoids, squashes = slice(0, 3 * latent), slice(3 * latent, 4 * latent)
            sigmoid_backward.grad_input(
                d_gate[:, sigmoids], gate[:, sigmoids], grad_input=d_gate[:, sigmoids]
            )
            tanh_backward.grad_input(d_g, gate[:, squashes], grad_input=d_gate[:, squashes])
            d_weight.baddbmm_(d_gate, tape[:, :, source].transpose(1, 2))
            d_c *= f
        d_hidden = torch.bmm(back[:, :, : 4 * latent], both[:, : 4 * latent])
        d_B = torch.bmm(d_x, tape[:, :latent, rows:].transpose(1, 2))
        return d_weight[:, :, :latent], d_weight[:, :, latent], d_B, d_hidden, None

"""A run of the LSTM with its derivatives through time by hand (`models/lstm.py` has the equations)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..architecture import Parameters
from .tape import (
    Tape,
    backward_weight,
    lay_states,
    narrow,
    owing,
    sigmoid_backward,
    tanh_backward,
    with_bias,
)


def unroll(parameters: Parameters, hidden: Tensor, widths: Sequence[int]) -> Tensor:
    """What `Architecture.unroll` promises."""
    W, b, B = parameters["W"], parameters["b"], parameters["B"]
    predictions: Tensor = _Unroll.apply(W, b, B, hidden, widths)  # type: ignore[no-untyped-call]
    return predictions


class _Unroll(torch.autograd.Function):
    """The run with doubled cells C = 2c, of which tanh(c) = 2σ(C) − 1 takes one sigmoid and one sum."""

    @staticmethod
    def forward(ctx: Any, W: Tensor, b: Tensor, B: Tensor, hidden: Tensor, widths: Sequence[int]) -> Tensor:
        latent = hidden.shape[1]
        weight = with_bias(W, b)
        # With the rows of g doubled, one sigmoid serves all four gates.
        doubled = weight.clone()
        doubled[:, 3 * latent :].mul_(2)
        tape = lay_states(hidden, widths)
        states = tape.rows(0, latent)
        # A row lies between members: numbers that touch are taken in vectors, from one member into the next,
        # and what is left over is rounded otherwise.
        gates = Tape.blank(hidden, 4 * latent + 1, widths).rows(0, 4 * latent)
        squashed_cells = Tape.blank(hidden, latent + 1, widths).rows(0, latent)
        cells = [torch.zeros_like(hidden)]
        minus_one = hidden.new_full((), -1.0)  # made where it is needed: nothing is copied there
        steps = zip(tape.before(), states.after(), gates.after(), squashed_cells.after(), strict=True)
        for before, after, gate, squashed in steps:
            torch.sigmoid(torch.bmm(doubled, before), out=gate)
            i, f, o, g = gate.chunk(4, dim=1)
            torch.add(minus_one, g, alpha=2, out=g)
            cells.append((f * narrow(cells[-1], after.shape[2])).addcmul_(i, g, value=2))
            torch.sigmoid(cells[-1], out=squashed)
            torch.add(minus_one, squashed, alpha=2, out=squashed)
            torch.mul(o, squashed, out=after)
        ctx.save_for_backward(weight, B, *tape.parts, *gates.parts, *squashed_cells.parts, *cells[:-1])
        ctx.widths = widths
        return states.through(B)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        (d_x,) = gradients
        weight, B, *saved = ctx.saved_tensors
        latent = weight.shape[2] - 1
        parts, cells = saved[: -len(ctx.widths)], saved[-len(ctx.widths) :]
        each = len(parts) // 3
        tape, gates, squashed = (Tape(parts[place : place + each]) for place in (0, each, 2 * each))
        back = backward_weight(weight, B)
        owed = owing(d_x, 4 * latent, ctx.widths)
        gradient = weight.new_zeros(len(weight), 4 * latent + B.shape[1], latent + 1)
        first, *others = tape.transposed()
        d_cells = torch.zeros_like(cells[0])
        zero = d_x.new_zeros(())
        steps = zip(
            reversed(gates.after()), reversed(cells), reversed(squashed.after()), reversed(others), owed,
            strict=False,
        )  # fmt: skip
        for gate, cell, t, turned, (both, into) in steps:
            gradient.baddbmm_(both, turned)
            d_h = torch.bmm(back, both)
            i, f, o, g = gate.chunk(4, dim=1)
            d_i, d_f, d_o, d_g = into.chunk(4, dim=1)
            d_c = narrow(d_cells, t.shape[2])
            d_c.addcmul_(d_h, tanh_backward(o, t))
            torch.mul(d_c, g, out=d_i)
            torch.addcmul(zero, d_c, narrow(cell, t.shape[2]), value=0.5, out=d_f)  # the cell is doubled
            torch.mul(d_h, t, out=d_o)
            torch.mul(d_c, i, out=d_g)
            d_sigmoids = into[:, : 3 * latent]
            sigmoid_backward.grad_input(d_sigmoids, gate[:, : 3 * latent], grad_input=d_sigmoids)
            tanh_backward.grad_input(d_g, g, grad_input=d_g)
            d_c *= f
        both, _ = next(owed)
        gradient.baddbmm_(both, first)
        d_weight, d_B = gradient[:, : 4 * latent], gradient[:, 4 * latent :, :latent]
        return d_weight[:, :, :latent], d_weight[:, :, latent], d_B, torch.bmm(back, both), None

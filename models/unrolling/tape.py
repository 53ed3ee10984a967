"""What hand-written unrolling shares: the tape of a run.

Backward through time, the gradient at a latent state comes from two sides: from the next step's
pre-activations through W, and from the prediction's error through B. Both stand in one buffer, the
pre-activations' gradient above and the error below, so that one product with [Wᵀ Bᵀ] adds them up.
Columns that a shorter last window left are zero in the upper part: nothing comes from beyond.

PyTorch's tanh on a CPU takes three times as long as its sigmoid (140 against 40 µs for 33,600 numbers), so
unrolling writes tanh(x) as 2σ(2x) − 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

tanh_backward = torch.ops.aten.tanh_backward
"""(gradient, tanh(x)) → gradient · (1 − tanh²(x))"""
sigmoid_backward = torch.ops.aten.sigmoid_backward
"""(gradient, σ(x)) → gradient · σ(x) (1 − σ(x))"""
relu_backward = torch.ops.aten.threshold_backward
"""(gradient, x, 0) → gradient where x > 0"""


class Span(NamedTuple):
    """Where a step's input and output stand on the tape."""

    source: slice
    target: slice
    width: int


def lay_tape(hidden: Tensor, widths: Sequence[int]) -> tuple[Tensor, list[Span]]:
    """A tape for all states of a run, and where each step reads and writes.

    The tape has a row of ones below the M latent rows, so that a bias is one more column of the weight
    matrix: forward it costs nothing, backward its gradient falls out of the weights' own product.

    Returns:
        The tape (E, M + 1, R + sum of widths), the first state in its first R columns, the rest to be
        written, and a span per step.
    """
    members, latent, rows = hidden.shape
    tape = hidden.new_empty(members, latent + 1, rows + sum(widths))
    tape[:, latent] = 1
    tape[:, :latent, :rows] = hidden
    spans = []
    source, target = 0, rows
    for width in widths:
        spans.append(Span(slice(source, source + width), slice(target, target + width), width))
        source, target = target, target + width
    return tape, spans


def with_bias(weight: Tensor, bias: Tensor) -> Tensor:
    """The weights with the bias as a last column: (E, K, M), (E, K) → (E, K, M + 1)."""
    return torch.cat([weight, bias.unsqueeze(2)], dim=2)


def backward_weight(weight: Tensor, B: Tensor) -> Tensor:
    """[Wᵀ Bᵀ], (E, M, K + N): one product takes a gradient back through a step and the read-out.

    Args:
        weight: (E, K, M + 1), weights with their bias column, which has no part in this.
        B: (E, N, M).
    """
    return torch.cat([weight[:, :, :-1], B], dim=1).transpose(1, 2)

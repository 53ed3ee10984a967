"""What hand-written unrolling shares: the tape of a run, and what each of its states owes.

Backward through time, the gradient at a latent state comes from two sides: from the next step's
pre-activations through W, and from the prediction's error through B. Both stand in one buffer, the
pre-activations' gradient above and the error below: one product with [Wᵀ Bᵀ] adds them up, and one with the
state itself gives what W, the biases and B owe. Columns that a shorter last window left are zero in the upper
part: nothing comes from beyond.

A step is a few operations on a few thousand numbers, and what they take is mostly the asking. To cut a piece
out of a tensor takes half as long as to multiply it, so all pieces are cut at once. A step's numbers stand
side by side: rows that lie far apart, each on a page of memory of its own, take up to three times as long.
And what a step owes is summed up right there: one product after the last step fetches all from memory again.

tanh(x) is written as 2σ(2x) − 1: PyTorch's tanh rounds otherwise in long vectors than in short ones, so that
a member's numbers would depend on how many there are; its sigmoid does not, where vectors are whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

tanh_backward = torch.ops.aten.tanh_backward
"""(gradient, tanh(x)) → gradient · (1 − tanh²(x))"""
sigmoid_backward = torch.ops.aten.sigmoid_backward
"""(gradient, σ(x)) → gradient · σ(x) (1 − σ(x))"""
relu_backward = torch.ops.aten.threshold_backward
"""(gradient, x, 0) → gradient where x > 0"""


class Tape:
    """K numbers of each member in each column of every state: of the one that windows start from, and then,
    step by step, of the one after each.

    Args:
        parts: (states, E, K, columns) each, of states that follow each other: their columns become fewer
            where the last windows end.
    """

    def __init__(self, parts: Sequence[Tensor]) -> None:
        self.parts = list(parts)

    @classmethod
    def blank(cls, like: Tensor, height: int, widths: Sequence[int]) -> Tape:
        """One to be written, of as many members as `like` (E, ...) and K = `height`.

        Args:
            widths: columns that take part in each step.
        """
        columns = itertools.groupby([widths[0], *widths])
        return cls([like.new_empty(len(list(same)), len(like), height, width) for width, same in columns])

    def rows(self, first: int, last: int) -> Tape:
        """Some of the K, as views."""
        return Tape([part[:, :, first:last] for part in self.parts])

    def states(self) -> list[Tensor]:
        """(E, K, columns) of each state."""
        return [state for part in self.parts for state in part.unbind()]

    def before(self) -> list[Tensor]:
        """(E, K, width) of each step: the state that it starts from, in the columns that take part in it."""
        states = self.states()
        return [narrow(state, after.shape[2]) for state, after in itertools.pairwise(states)]

    def after(self) -> list[Tensor]:
        """(E, K, width) of each step: the state after it."""
        return self.states()[1:]

    def through(self, weight: Tensor) -> Tensor:
        """Products of (E, N, K) with all states but the first: (E, N, sum of widths), step by step."""
        first, *others = self.parts
        products = [torch.matmul(weight, part) for part in (first[1:], *others)]
        return torch.cat([product.permute(1, 2, 0, 3).flatten(2) for product in products], dim=2)

    def transposed(self) -> list[Tensor]:
        """(E, columns, K) of each state."""
        return [state for part in self.parts for state in part.transpose(2, 3).unbind()]


def narrow(tensor: Tensor, columns: int) -> Tensor:
    """The first columns of (E, K, columns or more)."""
    return tensor if tensor.shape[2] == columns else tensor[:, :, :columns]


def lay_states(hidden: Tensor, widths: Sequence[int]) -> Tape:
    """A tape of states (K = M + 1) with the first in its place, (E, M, R), and the rest to be written.

    It has a row of ones below the M latent rows, so that a bias is one more column of the weight matrix:
    forward it costs nothing, backward its gradient falls out of the weights' own product.
    """
    latent = hidden.shape[1]
    tape = Tape.blank(hidden, latent + 1, widths)
    for part in tape.parts:
        part[:, :, latent] = 1
    tape.parts[0][0, :, :latent] = hidden
    return tape


def owing(errors: Tensor, height: int, widths: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """What is owed at each state, from the last to the first.

    Args:
        errors: (E, N, sum of widths), gradients by the predictions.
        height: numbers K of a step's pre-activations.

    Yields:
        The buffer (E, K + N, columns) of the state, and the place (E, K, columns) in that of the state before
        where the gradient by the pre-activations of the step in between is to be written before going on.
    """
    members, observed, _ = errors.shape
    columns = [widths[0], *widths]
    at = torch.split(errors, list(widths), dim=2)
    both = errors.new_zeros(members, height + observed, columns[-1])
    above, below = both[:, :height], both[:, height:]
    for state in range(len(widths), 0, -1):
        below.copy_(at[state - 1])
        if columns[state - 1] == columns[state]:
            yield both, above
        else:
            wider = errors.new_zeros(members, height + observed, columns[state - 1])
            yield both, wider[:, :height, : columns[state]]
            both, above, below = wider, wider[:, :height], wider[:, height:]
    below.zero_()
    yield both, above


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

"""Matrices of a stack that begin alike in memory.

BLAS and LAPACK may round by where a matrix begins within 16 bytes (MKL was seen to, on a processor without
AVX-512). In a stack one lies behind the other, and no digit may depend on a member's place: rows or columns
of zeros make their sizes multiples of 16 bytes, from where a whole stack begins, which PyTorch allocates so.

Where there is no kernel, products of tensor operations are not looked after: last digits may depend on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, dtype

BYTES = 16


def further(sizes: Callable[[int], Sequence[int]], of: dtype) -> int:
    """How many rows (columns) to add, the least for which matrices are multiples of 16 bytes.

    Args:
        sizes: how many numbers each matrix has, with so many more rows (columns).
    """
    numbers = BYTES // of.itemsize
    return next(more for more in itertools.count() if all(size % numbers == 0 for size in sizes(more)))


def largest_singular_value(matrices: Tensor) -> Tensor:
    """Of matrices (..., K, L), all finite: (...)."""
    import torch

    *_, rows, columns = matrices.shape
    more = further(lambda more: [rows * (columns + more)], matrices.dtype)
    norm: Tensor = torch.linalg.matrix_norm(torch.nn.functional.pad(matrices, (0, more)), ord=2)
    return norm


def orthogonalised(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Q (..., K, L) and R (..., L, L) of matrices (..., K, L), K ≥ L."""
    import torch

    *_, rows, columns = matrices.shape
    more = further(lambda more: [(rows + more) * columns], matrices.dtype)
    orthogonal, upper = torch.linalg.qr(torch.nn.functional.pad(matrices, (0, 0, 0, more)))
    return orthogonal[..., :rows, :], upper

"""The linear read-out x̂ = B z and its right inverse, for a stack of networks."""

import torch
from torch import Tensor
from torch.nn import functional

from .aligned import further

SMALL = (3, 32)
"""Rows and columns: what is no larger is rounded alike wherever it begins (`aligned`)."""


def right_inverse(B: Tensor) -> Tensor:
    """B⁺ = Bᵀ (B Bᵀ)⁻¹ of each member, so that B B⁺ = 1.

    With N ≤ M this is the Moore-Penrose inverse. It takes an N × N solve, not an SVD, and gradients
    flow through it into B (the paper's eq. 15 in the form that its code uses).

    Args:
        B: (E, N, M), N ≤ M.

    Returns:
        (E, M, N). A member whose B is singular or not finite gets non-finite entries; nothing is
        raised, because one member must not stop the others of its stack.
    """
    if B.device.type != "cpu":
        return eliminated(B @ B.transpose(1, 2), B).transpose(1, 2)
    _, observed_dim, latent_dim = B.shape
    more = 0
    if observed_dim > SMALL[0] or latent_dim > SMALL[1]:
        more = further(lambda k: [(observed_dim + k) * latent_dim, (observed_dim + k) ** 2], B.dtype)
    rows = functional.pad(B, (0, 0, 0, more)) if more else B
    gram = rows @ rows.transpose(1, 2)
    if more:
        gram = gram + functional.pad(torch.ones(more).to(B), (observed_dim, 0)).diag()
    solution, _ = torch.linalg.solve_ex(gram, rows, check_errors=False)
    inverse: Tensor = solution[:, :observed_dim].transpose(1, 2)
    return inverse


def eliminated(gram: Tensor, B: Tensor) -> Tensor:
    """gram⁻¹ B by Gauss and Jordan, for gram (E, N, N) symmetric and positive, which takes no pivots.

    On a GPU libraries' solvers wait for the host, and what waits cannot be replayed.
    """
    rows = torch.cat([gram, B], dim=2)
    for column in range(gram.shape[1]):
        pivot = rows[:, column : column + 1] / rows[:, column : column + 1, column : column + 1]
        cleared = rows - rows[:, :, column : column + 1] * pivot
        rows = torch.cat([cleared[:, :column], pivot, cleared[:, column + 1 :]], dim=1)
    return rows[:, :, gram.shape[2] :]


def control(B: Tensor, x: Tensor) -> Tensor:
    """The control series ẑ = B⁺ x: x (E, N, R) → (E, M, R)."""
    return right_inverse(B) @ x


def read_out(B: Tensor, hidden: Tensor) -> Tensor:
    """x̂ = B z: hidden (E, M, R) → (E, N, R)."""
    return B @ hidden

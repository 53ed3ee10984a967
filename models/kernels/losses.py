"""The kernel of training: losses, gradients and steps of the optimiser, for a stack."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor

from .building import NUMBER, PLACE, WHOLE, Workspaces, build, kernel_or_why, over_members
from .networks import WEIGHTS


@dataclass(frozen=True, eq=False)
class Kernel:
    """What was compiled for stacks of one architecture."""

    name: str
    """The compiler, and what it compiled for."""
    code: ctypes.CDLL
    weights: tuple[str, str, str]
    workspaces: Workspaces = field(default_factory=Workspaces)

    def losses_and_gradients(
        self,
        flat: Tensor,
        offsets: Mapping[str, int],
        *,
        series: Tensor,
        positions: Tensor,
        steps: int,
        window: int,
        from_data: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What `Stack.losses_and_gradients` returns.

        Args:
            flat: (E, P), the parameters of a member in a row; `offsets` are where each begins.
            series: (L, N), contiguous.
            positions: (E, R), first indices of each member's subsequences, at most L − steps − 1.

        Raises:
            MemoryError: there is not enough for the states of one block of windows.
        """
        members, batch = positions.shape
        positions = positions.contiguous()
        gradient = torch.zeros_like(flat)
        losses, norms = torch.empty(2, members, dtype=torch.float64)
        given = (
            series.data_ptr(), steps, window, batch, from_data, positions.data_ptr(), flat.data_ptr(),
            flat.shape[1], (ctypes.c_int64 * 3)(*(offsets[name] for name in self.weights)),
            losses.data_ptr(), gradient.data_ptr(), norms.data_ptr(),
        )  # fmt: skip

        def some(first: int, last: int) -> int:
            with self.workspaces.of(int(self.code.workspace_bytes(window))) as workspace:
                self.code.losses_and_gradients(first, last, workspace, *given)
            return 0

        over_members(members, some)
        return losses, gradient, norms

    def adam(
        self,
        flat: Tensor,
        gradient: Tensor,
        *,
        mean: Tensor,
        square: Tensor,
        alive: Tensor,
        losses: Tensor,
        norms: Tensor,
        settings: tuple[float, float, float, float],
        step: int,
    ) -> None:
        """What `Adam.update` does, in place; `settings` are its rate, β₁, β₂ and ε."""
        self.code.adam(
            *flat.shape, flat.data_ptr(), gradient.data_ptr(), mean.data_ptr(), square.data_ptr(),
            alive.data_ptr(), losses.data_ptr(), norms.data_ptr(), *settings, step,
        )  # fmt: skip


def kernel_for(
    architecture: str, *, latent_dim: int, observed_dim: int, dtype: torch.dtype, device: torch.device
) -> Kernel | str:
    """The kernel of such a stack, or why there is none."""
    return kernel_or_why(
        lambda: _kernel(architecture, latent_dim, observed_dim, dtype),
        architecture, latent_dim, observed_dim, device=device,
    )  # fmt: skip


@cache
def _kernel(architecture: str, latent_dim: int, observed_dim: int, dtype: torch.dtype) -> Kernel:
    code, name = build("losses.c", architecture=architecture, dtype=dtype, M=latent_dim, N=observed_dim)
    code.losses_and_gradients.argtypes = [
        WHOLE, WHOLE, PLACE, PLACE, *[WHOLE] * 4, PLACE, PLACE, WHOLE, *[PLACE] * 4,
    ]  # fmt: skip
    code.losses_and_gradients.restype = None
    code.workspace_bytes.argtypes, code.workspace_bytes.restype = [WHOLE], WHOLE
    code.adam.argtypes = [WHOLE, WHOLE, *[PLACE] * 7, *[NUMBER] * 4, WHOLE]
    code.adam.restype = None
    return Kernel(name, code, WEIGHTS[architecture])

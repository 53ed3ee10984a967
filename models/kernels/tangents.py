"""The kernel of tangent vectors that go along free runs."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .building import PLACE, WHOLE, build, kernel_or_why, over_members
from .networks import WEIGHTS

if TYPE_CHECKING:
    from ..architecture import Parameters


@dataclass(frozen=True, eq=False)
class TangentKernel:
    """What was compiled for networks of one architecture, in double precision."""

    code: ctypes.CDLL
    weights: tuple[str, str, str]

    def __call__(
        self,
        parameters: Parameters,
        states: Tensor,
        vectors: Tensor,
        *,
        steps: int,
        scales: Tensor | None,
        path: Tensor | None,
    ) -> None:
        """Take states (E, R, D) and vectors (E, R, D, K) further, in place.

        Args:
            parameters: name → (E, ...), contiguous.
            scales: (E, R), to which is added what vectors are divided by after every step.
            path: (E, steps, D), for the states of each member's last run.

        Raises:
            MemoryError: there is not enough for a network.
        """
        W, bias = (parameters[name] for name in self.weights[:2])
        members, runs, _, count = vectors.shape

        def some(begin: int, end: int) -> int:
            return int(self.code.run_tangents(
                end - begin, runs, steps, count, W[begin].data_ptr(), bias[begin].data_ptr(),
                states[begin].data_ptr(), vectors[begin].data_ptr(),
                None if scales is None else scales[begin].data_ptr(),
                None if path is None else path[begin].data_ptr(),
            ))  # fmt: skip

        over_members(members, some)


def tangent_kernel_for(architecture: str, *, latent_dim: int, device: torch.device) -> TangentKernel | str:
    """The kernel of such networks, or why there is none."""
    return kernel_or_why(lambda: _kernel(architecture, latent_dim), architecture, latent_dim, device=device)


@cache
def _kernel(architecture: str, latent_dim: int) -> TangentKernel:
    code, _ = build("network.h", "tangents.c", architecture=architecture, dtype=torch.float64, M=latent_dim)
    code.run_tangents.argtypes = [*[WHOLE] * 4, *[PLACE] * 6]
    code.run_tangents.restype = ctypes.c_int
    return TangentKernel(code, WEIGHTS[architecture])

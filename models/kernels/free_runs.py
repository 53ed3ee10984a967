"""The kernel of free runs: each network for itself, its units side by side."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .building import PLACE, WHOLE, build, kernel_or_why, over_members
from .networks import WEIGHTS

if TYPE_CHECKING:
    from ..architecture import Parameters


@dataclass(frozen=True, eq=False)
class RunKernel:
    """What was compiled for networks of one architecture."""

    name: str
    """The compiler, and what it compiled for."""
    code: ctypes.CDLL
    weights: tuple[str, str, str]

    def __call__(
        self, parameters: Parameters, *, shown: Tensor, start: Tensor, steps: int, landmarks: Sequence[int]
    ) -> tuple[NDArray[np.float64], Tensor]:
        """Every member's runs.

        Args:
            parameters: name → (E, ...).
            shown: (E, K, M), a read-out.
            start: whole states (E, D, R).
            landmarks: steps, rising, at which whole states are kept.

        Returns:
            Read-outs (E, R, steps, K), and whole states (E, D, landmarks · R), step after step; NaN from
            where a run is not finite.

        Raises:
            MemoryError: there is not enough for a network.
        """
        W, bias = (parameters[name].detach().contiguous() for name in self.weights[:2])
        shown = shown.contiguous()
        members, columns, _ = shown.shape
        runs, size = start.shape[2], start.shape[1]
        first = start.transpose(1, 2).contiguous()
        series = np.empty((members, runs, steps, columns))
        marks = np.asarray(landmarks, dtype=np.int64)
        states = shown.new_empty(members, len(marks), runs, size)

        def some(begin: int, end: int) -> int:
            return int(self.code.free_runs(
                end - begin, runs, steps, columns, W[begin].data_ptr(), bias[begin].data_ptr(),
                shown[begin].data_ptr(), first[begin].data_ptr(), series[begin].ctypes.data, len(marks),
                marks.ctypes.data, states[begin].data_ptr(),
            ))  # fmt: skip

        over_members(members, some)
        return series, states.permute(0, 3, 1, 2).reshape(members, size, -1)


def run_kernel_for(
    architecture: str, *, latent_dim: int, dtype: torch.dtype, device: torch.device
) -> RunKernel | str:
    """The kernel of such networks, or why there is none."""
    return kernel_or_why(
        lambda: _kernel(architecture, latent_dim, dtype), architecture, latent_dim, device=device
    )


@cache
def _kernel(architecture: str, latent_dim: int, dtype: torch.dtype) -> RunKernel:
    code, name = build("network.h", "free_runs.c", architecture=architecture, dtype=dtype, M=latent_dim)
    code.free_runs.argtypes = [*[WHOLE] * 4, *[PLACE] * 5, WHOLE, PLACE, PLACE]
    code.free_runs.restype = ctypes.c_int
    return RunKernel(name, code, WEIGHTS[architecture])

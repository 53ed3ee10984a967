"""What the networks of a stack begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from .architecture import Architecture, Parameters
    from .regimes.regime import Regime


def stack_initial(
    architecture: Architecture,
    observed_dim: int,
    *,
    seeds: list[int],
    dtype: torch.dtype,
    regimes: Sequence[Regime] | None = None,
) -> Parameters:
    """Initial parameters of a stack, one member per seed, each under its regime: name → (E, ...)."""
    if regimes is None:
        members = [architecture.initial(observed_dim, seed) for seed in seeds]
    else:
        members = [
            regime.initial(architecture, observed_dim, seed)
            for regime, seed in zip(regimes, seeds, strict=True)
        ]
    return {
        name: torch.from_numpy(np.stack([member[name] for member in members])).to(dtype)
        for name in members[0]
    }

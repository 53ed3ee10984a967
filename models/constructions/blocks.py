"""Matrices that more than one construction is made of."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Weights = dict[str, FloatArray]
Maker = Callable[[int, np.random.Generator], Weights]
"""Latent units, a source of chance → weights without the read-out."""


def contraction(units: int, rng: np.random.Generator) -> FloatArray:
    """A random matrix of spectral norm 0.3 to 0.9."""
    W = rng.standard_normal((units, units))
    norm = float(np.linalg.norm(W, 2))
    return W * (rng.uniform(0.3, 0.9) / norm)


def with_followers(block: FloatArray, latent_dim: int, rng: np.random.Generator) -> FloatArray:
    """`block` in the corner, the other units driven by it and contracting."""
    size = len(block)
    W = np.zeros((latent_dim, latent_dim))
    W[:size, :size] = block
    W[size:, size:] = contraction(latent_dim - size, rng)
    W[size:, :size] = rng.uniform(-0.5, 0.5, (latent_dim - size, size))
    return W


def rotation(angle: float) -> FloatArray:
    """Of the plane, by `angle` in radians."""
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def irrational_angle(rng: np.random.Generator) -> float:
    """An irrational share of the circle, in steps so small that the run looks like a flow."""
    return 2 * math.pi * float(rng.uniform(0.02, 0.12)) * (math.sqrt(5) - 1) / 2

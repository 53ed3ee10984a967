"""What every measure of generated against true trajectories has in common.

A measure is a frozen dataclass of settings, its *definition*: whatever changes the number is a field.
Bound to a true trajectory (`bind`) it becomes a `Bound`, which has precomputed what depends on the truth
alone and scores any number of generated trajectories. Trajectories are (T, N) arrays of floats,
standardised as the truth is.

What is not a number has no score: a generated trajectory with non-finite values is NaN in every measure,
one that stands still is NaN in the spectral ones. No exception and no warning: divergence is an outcome of
training. Raises ValueError for a truth that is not a finite, varying (T, N) array and for generated data
of another N.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


class Bound(Protocol):
    """A measure bound to a true trajectory."""

    def score(self, generated: FloatArray) -> float:
        """The measure for a generated trajectory (T', N); NaN where it has none."""

    def ceiling(self, steps: int | None = None) -> float:
        """The value of the worst outcome: near it a run has failed, and differences mean nothing."""


class Definition(Protocol):
    """Settings of a measure."""

    def bind(self, truth: FloatArray) -> Bound:
        """Precompute for this truth (T, N)."""

    def as_dict(self) -> dict[str, Any]:
        """All settings as plain JSON types, with the measure's name and version."""


def check_truth(truth: ArrayLike) -> FloatArray:
    """The truth as a float64 (T, N) array; ValueError unless finite and varying in each dimension."""
    array = np.asarray(truth, dtype=np.float64)
    if array.ndim != 2 or len(array) < 2 or array.shape[1] < 1:
        raise ValueError(f"truth must be (T >= 2, N >= 1), not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("truth holds values that are not finite")
    if not (np.ptp(array, axis=0) > 0).all():
        raise ValueError("truth is constant in at least one dimension")
    return array


def check_generated(generated: ArrayLike, dimension: int) -> FloatArray:
    """The generated trajectory as a float64 (T', N) array; ValueError unless it has `dimension` columns."""
    array = np.asarray(generated, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != dimension:
        raise ValueError(f"generated must be (T, {dimension}) like the truth, not {array.shape}")
    return array


def far_corner(truth: FloatArray) -> FloatArray:
    """Of the corners of the truth's range that which is furthest from its mean: (N,)."""
    low, high, mean = truth.min(axis=0), truth.max(axis=0), truth.mean(axis=0)
    corner: FloatArray = np.where(high - mean >= mean - low, high, low)
    return corner

"""Sliced Wasserstein distance between where a true and a generated trajectory dwell, in SDs of the truth.

    SW₁ = (1/L) Σ_θ ∫₀¹ |F_θ⁻¹(u) − G_θ⁻¹(u)| du,   F_θ, G_θ: distributions of θ · x, of true and generated x

The mean over L directions θ, |θ| = 1, of the distance by which probability has to be moved along θ. N.
Bonneel et al., J. Math. Imaging Vis. 51, 22 (2015); as a measure of reconstruction N. A. Göring et al., ICML
(2024), with 1,000 directions. Unlike D_stsp it knows no bins: it says how far off a trajectory is where bins
say only that it is elsewhere. A shift by v costs the mean of |v · θ|, in three dimensions about |v| / 2.
Blind to the order in time.

Nothing is random: the same directions for all data of one N. The integral is the mean over `levels` equal
steps of u, of which each lets one sorted value stand for its neighbours, so that lengths may differ. Values
are sorted in single precision. 0 for the truth against itself.

Shapes: truth (T, N), generated (T', N). NaN for a trajectory that is not finite in single precision.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import FloatArray, check_generated, check_truth, far_corner
from .order_statistics import order_statistics


@dataclass(frozen=True, kw_only=True)
class SlicedWasserstein:
    """Definition of a sliced Wasserstein-1 distance."""

    projections: int = 100
    """L: directions, of which there is but one where N = 1."""
    seed: int = 0
    """Of numpy's `default_rng`: directions are normalised draws from N(0, I)."""
    levels: int = 10_000
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return {"measure": "sliced_wasserstein", "order": 1, **asdict(self)}

    def bind(self, truth: FloatArray) -> _BoundWasserstein:
        return _BoundWasserstein(check_truth(truth), self)

    def directions(self, dimension: int) -> FloatArray:
        """θ: (L, N), rows of length 1."""
        if dimension == 1:
            return np.ones((1, 1))
        drawn = np.random.default_rng(self.seed).standard_normal((self.projections, dimension))
        directions: FloatArray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return directions


class _BoundWasserstein:
    def __init__(self, truth: FloatArray, definition: SlicedWasserstein) -> None:
        self._levels = definition.levels
        self._dimension = truth.shape[1]
        self._directions = definition.directions(self._dimension)
        self._true = [self._quantiles(truth, direction) for direction in self._directions]
        self._corner = far_corner(truth)

    def _quantiles(self, points: FloatArray, direction: FloatArray) -> NDArray[np.float32]:
        """θ · x at the middles of `levels` equal steps of probability, (levels,)."""
        middles = (2 * np.arange(self._levels) + 1) * len(points) // (2 * self._levels)
        return order_statistics((points @ direction).astype(np.float32), middles)

    def score(self, generated: FloatArray) -> float:
        points = check_generated(generated, self._dimension)
        if not len(points) or not np.isfinite(points).all():
            return math.nan
        total = 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # beyond single precision: caught below
            for direction, true in zip(self._directions, self._true, strict=True):
                distance = np.abs(self._quantiles(points, direction) - true)
                total += float(distance.mean(dtype=np.float64))
        return total / len(self._directions) if math.isfinite(total) else math.nan

    def ceiling(self, steps: int | None = None) -> float:
        """A trajectory that stands still in the corner of the truth's range that is furthest from its mean.

        There is no worst value, but who is further off than this has left the attractor. Who stands still in
        its middle scores less: about 0.8.
        """
        return self.score(self._corner[None])


def sliced_wasserstein(
    truth: FloatArray, generated: FloatArray, *, definition: SlicedWasserstein | None = None
) -> float:
    """SW₁ of `generated` (T', N) against `truth` (T, N); the definition defaults to that of `orch`."""
    return (definition or SlicedWasserstein()).bind(truth).score(generated)

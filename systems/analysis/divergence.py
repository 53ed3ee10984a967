"""λ_max from a series: the mean log distance of neighbours in state space against time.

Rosenstein, Collins & De Luca, Physica D 65, 117 (1993). Neighbours are sought with a k-d tree, and not among
the `theiler` steps before and after a point (J. Theiler, Phys. Rev. A 34, 2427 (1986)), which are near only
because little time has passed. The slope of the curve's straight part is λ_max.

A slope by itself says little: smoothed noise has one too, and it moves with the part that is called straight.
So what is returned is the curve, and a slope comes with its window and an error over blocks of the series.

Shapes: points (T, N) of state space, embedded where need be. Times in steps, slopes per step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BLOCKS = 10
"""Parts of the series, in time, over which the error of a slope is taken."""


@dataclass(frozen=True)
class Slope:
    """The slope of a part of a divergence curve, per step."""

    value: float
    standard_error: float
    window: tuple[int, int]
    """First and last step of the fit, both included."""


@dataclass(frozen=True, eq=False)
class DivergenceCurve:
    """Mean log distance of neighbours 0, 1, … steps after they were neighbours."""

    log_distance: FloatArray
    """(steps + 1,)"""
    by_block: FloatArray
    """The same of each of BLOCKS parts of the series, (BLOCKS, steps + 1); NaN where a part has no pairs."""
    pairs: int
    method: str

    def slope(self, window: tuple[int, int]) -> Slope:
        """Least squares over a window of steps, with the standard error over the blocks' own slopes.

        Raises:
            ValueError: the window holds fewer than two steps of the curve.
        """
        first, last = window
        if not 0 <= first < last < len(self.log_distance):
            raise ValueError(
                f"a window of {first} to {last} steps does not lie within a curve of "
                f"{len(self.log_distance) - 1}"
            )
        steps = np.arange(first, last + 1, dtype=np.float64)
        centred = steps - steps.mean()
        weights = centred / (centred @ centred)
        slopes = self.by_block[:, first : last + 1] @ weights
        slopes = slopes[np.isfinite(slopes)]
        error = float(slopes.std(ddof=1) / math.sqrt(len(slopes))) if len(slopes) > 1 else math.nan
        return Slope(float(self.log_distance[first : last + 1] @ weights), error, window)

    def straight_part(self) -> tuple[int, int]:
        """A window for the slope: the curve's rise between a tenth and six tenths of the way to its plateau.

        The start of the curve, where distances turn into the direction that grows, and its end, where they
        reach the size of the attractor, are left out. A first suggestion, to be looked at beside the curve.
        """
        curve = self.log_distance
        low, high = float(curve.min()), float(np.median(curve[-max(1, len(curve) // 10) :]))
        above = np.flatnonzero(curve >= low + 0.1 * (high - low))
        first = int(above[0]) if len(above) else 0
        beyond = np.flatnonzero(curve[first:] >= low + 0.6 * (high - low))
        last = first + int(beyond[0]) if len(beyond) else len(curve) - 1
        return first, max(last, first + 1)


def nearest_neighbours(points: FloatArray, *, theiler: int, last: int | None = None) -> IntArray:
    """The nearest neighbour of each of the first `last` points among these, more than `theiler` steps away.

    Returns:
        (last,) indices; −1 where there is none.
    """
    points = points[:last]
    count = len(points)
    tree = cKDTree(points)
    found = np.full(count, -1, dtype=np.int64)
    missing = np.arange(count)
    k = 4
    while len(missing):
        k = min(k, count)
        _, near = tree.query(points[missing], k=k, workers=1)
        near = near.reshape(len(missing), k)
        allowed = np.abs(near - missing[:, None]) > theiler
        has = allowed.any(axis=1)
        found[missing[has]] = near[has, allowed[has].argmax(axis=1)]
        missing = missing[~has]
        if k == count or k > 2 * theiler + 1:
            break
        k *= 4
    return found


def rosenstein(points: FloatArray, *, steps: int, theiler: int) -> DivergenceCurve:
    """The divergence curve of nearest neighbours (Rosenstein et al. 1993).

    Args:
        points: (T, N), finite.
        steps: how far neighbours are followed.
        theiler: steps before and after a point that are no neighbours of it; about a mean period.

    Raises:
        ValueError: the series is too short for this, or holds values that are not finite.
    """
    last = _checked(points, steps, theiler)
    partner = nearest_neighbours(points, theiler=theiler, last=last)
    reference = np.flatnonzero(partner >= 0)
    return _follow(points, reference, partner[reference], steps, f"Rosenstein, Theiler window {theiler}")


def _checked(points: FloatArray, steps: int, theiler: int) -> int:
    """How many points can be followed for so many steps."""
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError("points must be a finite array (T, N)")
    last = len(points) - steps
    if steps < 1 or theiler < 0 or last < 2 * (theiler + 1):
        raise ValueError(
            f"{len(points)} points are too few for neighbours more than {theiler} steps apart, "
            f"followed for {steps} steps"
        )
    return last


def _follow(
    points: FloatArray, reference: IntArray, partner: IntArray, steps: int, method: str
) -> DivergenceCurve:
    """Mean log distances of pairs that are all followed to the end; pairs that coincide do not count."""
    block = reference * BLOCKS // (len(points) - steps)
    by_block = np.full((BLOCKS, steps + 1), np.nan)
    curve = np.empty(steps + 1)
    for k in range(steps + 1):
        squared = ((points[reference + k] - points[partner + k]) ** 2).sum(axis=1)
        apart = squared > 0
        logs = 0.5 * np.log(squared[apart])
        curve[k] = logs.mean() if len(logs) else np.nan
        sums = np.bincount(block[apart], weights=logs, minlength=BLOCKS)
        counts = np.bincount(block[apart], minlength=BLOCKS)
        by_block[counts > 0, k] = sums[counts > 0] / counts[counts > 0]
    return DivergenceCurve(curve, by_block, len(reference), method)

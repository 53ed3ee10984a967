"""Nearest neighbours in state space that are not near in time only.

Neighbours are sought with a k-d tree, and not among the `theiler` steps before and after a point (J. Theiler,
Phys. Rev. A 34, 2427 (1986)), which are near because little time has passed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import FloatArray

IntArray = NDArray[np.int64]


def check_points(points: FloatArray, *, steps: int, theiler: int) -> int:
    """How many of the points (T, N) can be followed for so many steps.

    Raises:
        ValueError: too few, or not finite, or not (T, N).
    """
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError("points must be a finite array (T, N)")
    last = len(points) - steps
    if steps < 0 or theiler < 0 or last < 2 * (theiler + 1):
        raise ValueError(
            f"{len(points)} points are too few for neighbours more than {theiler} steps apart, "
            f"followed for {steps} steps"
        )
    return last


def nearest_neighbours(
    points: FloatArray,
    *,
    theiler: int,
    last: int | None = None,
    of: IntArray | None = None,
    norm: float = 2.0,
) -> IntArray:
    """The nearest neighbour of each of the first `last` points among these, more than `theiler` steps away.

    Args:
        of: indices of those whose neighbours are wanted; all by default.
        norm: of Minkowski: 2 is Euclid's, infinity the greatest difference.

    Returns:
        (last,) indices, or as many as `of`; −1 where there is none.
    """
    from scipy.spatial import cKDTree  # here: plans are made without scipy, which takes a while to import

    points = points[:last]
    count = len(points)
    tree = cKDTree(points)
    asked = np.arange(count) if of is None else of
    found = np.full(len(asked), -1, dtype=np.int64)
    missing = np.arange(len(asked))
    k = 4
    while len(missing):
        k = min(k, count)
        _, near = tree.query(points[asked[missing]], k=k, p=norm, workers=1)
        near = near.reshape(len(missing), k)
        allowed = np.abs(near - asked[missing, None]) > theiler
        has = allowed.any(axis=1)
        found[missing[has]] = near[has, allowed[has].argmax(axis=1)]
        missing = missing[~has]
        if k == count or k > 2 * theiler + 1:
            break
        k *= 4
    return found

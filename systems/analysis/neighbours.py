"""Nearest neighbours in state space that are not near in time only.

Neighbours are sought with a k-d tree, and not among the `theiler` steps before and after a point (J. Theiler,
Phys. Rev. A 34, 2427 (1986)), which are near because little time has passed.
"""

from __future__ import annotations

import numpy as np

from ..base import FloatArray
from ..parts import IntArray, Parts


def check_points(points: FloatArray, *, steps: int, theiler: int, parts: Parts | None = None) -> IntArray:
    """Which of the points (T, N) can be followed for so many steps.

    Raises:
        ValueError: too few, or not finite, or not (T, N).
    """
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError("points must be a finite array (T, N)")
    can = (parts or Parts.of(points)).starts(max(steps, 0))
    if steps < 0 or theiler < 0 or len(can) < 2 * (theiler + 1):
        raise ValueError(
            f"{len(points)} points are too few for neighbours more than {theiler} steps apart, "
            f"followed for {steps} steps"
        )
    return can


def nearest_neighbours(
    points: FloatArray,
    *,
    theiler: int,
    among: IntArray | None = None,
    of: IntArray | None = None,
    norm: float = 2.0,
) -> IntArray:
    """The nearest neighbour of each point, more than `theiler` steps away.

    Args:
        among: indices, rising, of those that can be neighbours; all by default.
        of: indices of those whose neighbours are wanted; by default those that can be neighbours.
        norm: of Minkowski: 2 is Euclid's, infinity the greatest difference.

    Returns:
        As many indices as `of`; −1 where there is none.
    """
    from scipy.spatial import cKDTree  # here: plans are made without scipy, which takes a while to import

    can = np.arange(len(points)) if among is None else among
    count = len(can)
    tree = cKDTree(points if among is None else points[among])
    asked = can if of is None else of
    found = np.full(len(asked), -1, dtype=np.int64)
    missing = np.arange(len(asked))
    k = 4
    while len(missing):
        k = min(k, count)
        _, near = tree.query(points[asked[missing]], k=k, p=norm, workers=1)
        near = can[near.reshape(len(missing), k)]
        allowed = np.abs(near - asked[missing, None]) > theiler
        has = allowed.any(axis=1)
        found[missing[has]] = near[has, allowed[has].argmax(axis=1)]
        missing = missing[~has]
        if k == count or k > 2 * theiler + 1:
            break
        k *= 4
    return found

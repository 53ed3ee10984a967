"""How many pairs of points are near, for many radii at once, in the maximum norm.

Compiled where there is a compiler, which takes a tenth of the time, else by k-d trees: both count the same.
"""

from __future__ import annotations

import ctypes

import numpy as np

from ...compiler import compiled
from ..base import FloatArray
from ..parts import IntArray

FEWEST_BITS, MOST_BITS = 16, 32
"""Leading bits of a distance (sign, exponent and some of the mantissa) that tell two radii apart."""
LARGEST = 2**20
"""Entries of a table by leading bits, at most: radii that are nearer to one another are for trees."""
APART = 4
"""Counts that `near_pairs.c` keeps side by side."""


def near_pairs(points: FloatArray, references: IntArray, radii: FloatArray, *, theiler: int) -> FloatArray:
    """Pairs of a reference point and any more than `theiler` steps away that are at most each radius apart.

    Args:
        points: (T, N), finite.
        references: indices of points.
        radii: (K,), positive, rising.

    Returns:
        (K,) whole numbers.
    """
    radii = np.ascontiguousarray(radii, dtype=np.float64)
    code = _code()
    shift = 64 - _telling_bits(radii)
    leading = radii.view(np.int64) >> shift
    base, last = int(leading[0]), int(leading[-1] - leading[0]) + 1
    if code is None or last > LARGEST or (np.diff(leading) < 1).any():
        return _by_trees(points, references, radii, theiler=theiler)
    first = np.searchsorted(leading - base, np.arange(last + 1)).astype(np.int32)
    limits = np.append(radii, np.inf)
    columns = np.ascontiguousarray(points.T)
    counts = np.empty((APART, len(limits)), dtype=np.int64)
    references = np.ascontiguousarray(references, dtype=np.int64)
    code.near_pairs(
        columns.ctypes.data, *columns.shape, references.ctypes.data, len(references), theiler,
        limits.ctypes.data, len(radii), first.ctypes.data, shift, base, last, counts.ctypes.data,
    )  # fmt: skip
    near: FloatArray = counts[0, :-1].cumsum().astype(np.float64)
    return near


def _telling_bits(radii: FloatArray) -> int:
    for bits in range(FEWEST_BITS, MOST_BITS + 1):
        if (np.diff(radii.view(np.int64) >> (64 - bits)) > 0).all():
            return bits
    return MOST_BITS


def _code() -> ctypes.CDLL | None:
    code = compiled(__package__, "near_pairs.c")
    if code is not None:
        place, whole = ctypes.c_void_p, ctypes.c_int64
        code.near_pairs.argtypes = [
            place, whole, whole, place, whole, whole, place, whole, place, whole, whole, whole, place,
        ]  # fmt: skip
        code.near_pairs.restype = None
    return code


def _by_trees(points: FloatArray, references: IntArray, radii: FloatArray, *, theiler: int) -> FloatArray:
    from scipy.spatial import cKDTree  # here: plans are made without scipy, which takes a while to import

    near: FloatArray = (
        cKDTree(points).count_neighbors(cKDTree(points[references]), radii, p=np.inf).astype(np.float64)
    )
    for lag in range(-theiler, theiler + 1):  # what is near only because little time has passed
        inside = references[(references + lag >= 0) & (references + lag < len(points))]
        distance = np.sort(np.abs(points[inside] - points[inside + lag]).max(axis=1))
        near -= np.searchsorted(distance, radii, side="right")
    return near

"""A box around the true attractor, cut into equal bins: shared by the state-space measures.

Two rules for the box, in SDs s of each dimension of the truth: `truth_range`: [min − margin·s, max +
margin·s]; `zero_centred`: [−half_width·s, +half_width·s] about 0, whatever the mean of the truth. Bins are
numbered 0 … bins − 1 per dimension and raveled to one int64 index per point.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoxRule = Literal["truth_range", "zero_centred"]


class Box:
    """Edges from the truth (T, N), with `width` the margin or half width of the rule, in SDs of the truth."""

    def __init__(self, truth: FloatArray, *, rule: BoxRule, width: float) -> None:
        sd = truth.std(axis=0)
        if rule == "truth_range":
            self.low, self.high = truth.min(axis=0) - width * sd, truth.max(axis=0) + width * sd
        elif rule == "zero_centred":
            self.low, self.high = -width * sd, width * sd
        else:
            raise ValueError(f"box rule must be 'truth_range' or 'zero_centred', not {rule!r}")

    def inside(self, points: FloatArray) -> NDArray[np.bool_]:
        """Which points (T, N) lie in the box, both edges included."""
        result: NDArray[np.bool_] = ((points >= self.low) & (points <= self.high)).all(axis=1)
        return result

    def bin_indices(self, points: FloatArray, bins: int, *, drop_first: bool = False) -> NDArray[np.int64]:
        """Raveled bin of each point inside, in order; points outside are left out.

        `drop_first` also leaves out every point that lies in bin 0 of any dimension or on the upper edge,
        which is what truncating to an integer and asking for 0 < coordinate < bins does.
        """
        kept = points[self.inside(points)]
        # Converted only now: a value far outside would overflow the integer.
        coordinates = ((kept - self.low) * (bins / (self.high - self.low))).astype(np.int64)
        if drop_first:
            coordinates = coordinates[((coordinates > 0) & (coordinates < bins)).all(axis=1)]
        else:
            np.minimum(coordinates, bins - 1, out=coordinates)
        index = np.zeros(len(coordinates), dtype=np.int64)
        for column in coordinates.T:
            index = index * bins + column
        return index

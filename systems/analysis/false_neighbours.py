"""How many delays unfold a series: the share of neighbours that are so only because a dimension is missing.

A neighbour in m dimensions is false if the next delay takes it away by more than `ratio` times its distance.
M. B. Kennel, R. Brown & H. D. I. Abarbanel, Phys. Rev. A 45, 3403 (1992); as in the TISEAN package
(`false_nearest`), pairs whose distance is above σ/ratio are not asked, as they could not go that far apart.
Shapes: series (T,).
"""

from __future__ import annotations

import numpy as np

from ..base import FloatArray
from ..embedding import embed
from .neighbours import nearest_neighbours

RATIO = 10.0


def false_neighbours(
    series: FloatArray, *, delay: int, max_dimension: int, theiler: int, ratio: float = RATIO
) -> FloatArray:
    """The share of false neighbours in 1, 2, …, `max_dimension` dimensions; NaN where no pair can be asked.

    Raises:
        ValueError: the series is too short for the embedding, or does not vary.
    """
    if not np.isfinite(series).all() or not np.ptp(series) > 0:
        raise ValueError("the series must be finite and vary")
    near_enough = series.std() / ratio
    share = np.full(max_dimension, np.nan)
    for m in range(1, max_dimension + 1):
        unfolded = embed(series, dimension=m + 1, delay=delay)
        # The newest value is what m delays further in the past do not show.
        points, further = np.ascontiguousarray(unfolded[:, 1:]), unfolded[:, 0]
        partner = nearest_neighbours(points, theiler=theiler, norm=np.inf)
        index = np.flatnonzero(partner >= 0)
        distance = np.abs(points[index] - points[partner[index]]).max(axis=1)
        asked = (distance > 0) & (distance <= near_enough)
        if asked.any():
            index, distance = index[asked], distance[asked]
            gap = np.abs(further[index] - further[partner[index]])
            share[m - 1] = (gap > ratio * distance).mean()
    return share


def unfolding_dimension(share: FloatArray, *, below: float = 0.01) -> int | None:
    """The first dimension with a share of false neighbours below this; None where no dimension has."""
    found = np.flatnonzero(share < below)
    return int(found[0]) + 1 if len(found) else None

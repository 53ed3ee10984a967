"""The correlation dimension: how the number of near pairs grows with what is called near.

    C(ε) = share of pairs with |x_i − x_j| < ε, |i − j| > theiler,      D₂ = d ln C / d ln ε

P. Grassberger & I. Procaccia, Physica D 9, 189 (1983), in the maximum norm. D₂ is read off where the local
slope does not change with ε: the plateau, whose range is part of the answer. Without one there is no D₂.
Pairs are of a number of reference points with all points, counted one by one. Shapes: points (T, N).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..base import FloatArray
from .near_pairs import near_pairs
from .neighbours import check_points

BLOCKS = 10
"""Parts of the series, in time, whose reference points give errors."""


@dataclass(frozen=True)
class Plateau:
    """Where the local slope hardly changes."""

    dimension: float
    """D₂: the mean slope there."""
    standard_error: float
    """Over blocks of reference points."""
    radii: tuple[float, float]
    steepest_less_flattest: float
    """Greatest less least local slope within: a plateau that is none has a large one."""


@dataclass(frozen=True, eq=False)
class CorrelationSum:
    """C(ε) on a grid of radii."""

    radii: FloatArray
    """(K,), rising, equal steps of the log."""
    share: FloatArray
    """C(ε), (K,)"""
    by_block: FloatArray
    """The same of the reference points of each part of the series, (BLOCKS, K)."""
    pairs: int
    """Pairs at all, near or not."""

    def slopes(self, *, half_width: int = 2) -> FloatArray:
        """Local slopes (K,), each over `half_width` radii on either side; NaN at the ends."""
        return self._slopes(self.share, half_width)

    def plateau(
        self,
        *,
        within: float = 0.05,
        at_least: float = 1.0,
        min_pairs: int = 1000,
        below: float = 0.1,
        half_width: int = 2,
    ) -> Plateau | None:
        """The longest range of radii over which no local slope is further than `within` times their mean
        from it; of equally long ones that of the smallest radii.

        Args:
            at_least: its length, in ln ε, in which slopes of fractals oscillate.
            min_pairs: radii with fewer near pairs than this are not looked at,
            below: nor those where C(ε) is above this, where the attractor's size is felt.

        Returns:
            None where no range is that long.
        """
        slopes = self.slopes(half_width=half_width)
        usable = np.isfinite(slopes) & (self.share * self.pairs >= min_pairs) & (self.share <= below)
        step = math.log(self.radii[1] / self.radii[0])
        shortest = max(3, round(at_least / step) + 1)
        found = None
        for first in range(len(slopes)):
            for last in range(first + shortest, len(slopes) + 1):
                part = slopes[first:last]
                if not usable[first:last].all():
                    break
                steady = np.abs(part - part.mean()).max() <= within * abs(part.mean())
                if steady and (found is None or last - first > found.stop - found.start):
                    found = slice(first, last)
        if found is None:
            return None
        window = found
        blocks = np.array([self._slopes(share, half_width)[window].mean() for share in self.by_block])
        blocks = blocks[np.isfinite(blocks)]
        error = float(blocks.std(ddof=1) / math.sqrt(len(blocks))) if len(blocks) > 1 else math.nan
        radii = (float(self.radii[window][0]), float(self.radii[window][-1]))
        return Plateau(float(slopes[window].mean()), error, radii, float(np.ptp(slopes[window])))

    def _slopes(self, share: FloatArray, half_width: int) -> FloatArray:
        slopes = np.full(len(share), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(share)
            wide = 2 * half_width
            slopes[half_width:-half_width] = (logs[wide:] - logs[:-wide]) / np.log(
                self.radii[wide:] / self.radii[:-wide]
            )
        slopes[~np.isfinite(slopes)] = np.nan
        return slopes


def correlation_sum(
    points: FloatArray, *, theiler: int, radii: FloatArray | None = None, references: int = 2000
) -> CorrelationSum:
    """C(ε) of points (T, N).

    Args:
        radii: rising with equal steps of the log; by default 64, over three decades up to the data's range.
        references: at most so many points, evenly spread in time, are paired with all others.

    Raises:
        ValueError: the series is too short or not finite, or all points are one.
    """
    last = len(check_points(points, steps=0, theiler=theiler))
    extent = float(np.ptp(points, axis=0).max())
    if not extent > 0:
        raise ValueError("all points are one")
    if radii is None:
        radii = extent * np.logspace(-3, 0, 64)
    # Away from 0: SciPy's tree splits equal coordinates by the next larger number, and where denormal numbers
    # are set to zero, as in workers, 0 has none.
    points = points - points.min(axis=0) + extent
    reference = np.unique(np.linspace(0, last - 1, min(references, last)).astype(np.int64))
    block = np.arange(len(reference)) * BLOCKS // len(reference)
    counts, pairs = np.zeros((BLOCKS, len(radii))), np.zeros(BLOCKS)
    for b in range(BLOCKS):
        chosen = reference[block == b]
        counts[b] = near_pairs(points, chosen, radii, theiler=theiler)
        close = np.minimum(chosen, theiler) + np.minimum(len(points) - 1 - chosen, theiler) + 1  # in time
        pairs[b] = (len(points) - close).sum()
    with np.errstate(invalid="ignore"):
        by_block = counts / pairs[:, None]
    return CorrelationSum(np.asarray(radii), counts.sum(axis=0) / pairs.sum(), by_block, int(pairs.sum()))

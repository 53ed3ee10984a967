"""λ_max from a series: the log distance of neighbours in state space against time.

Rosenstein, Collins & De Luca, Physica D 65, 117 (1993); H. Kantz, Phys. Lett. A 185, 77 (1994). The slope of
the curve's straight part is λ_max.

A slope by itself says little: smoothed noise has one too, and it moves with the part that is called straight.
So what is returned is the curve, and a slope comes with its window and an error over blocks of the series.

Of a flow, distances are better taken across it. A displacement along a trajectory is one in time, which
neither grows nor shrinks. Nearest neighbours in a finely sampled series lie apart by up to half a step along
the flow, often more than across it, and until that is outgrown the curve rises by less than λ_max. There the
curve is of medians: some pairs reach the size of the attractor long before others, and some that delays put
together are none, and both move a mean. It is no displacement in time where what drives the flow is not among
the columns, so of a forced flow whose phase is not observed plain distances may come nearer.

Shapes: points (T, N) of state space, embedded where need be. Times in steps, slopes per step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..base import FloatArray
from ..parts import IntArray, Parts
from .neighbours import check_points, nearest_neighbours

COINCIDE = 1e-10
"""Share of the series' range below which two points are one."""

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
    """Log distance of neighbours 0, 1, … steps after they were neighbours: the mean, or, across a flow, the
    median over pairs."""

    log_distance: FloatArray
    """(steps + 1,)"""
    by_block: FloatArray
    """The same of each of BLOCKS parts of the series, (BLOCKS, steps + 1); NaN where a part has no pairs."""
    pairs: int
    """Pairs of neighbours, or neighbourhoods, that were followed."""
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

    def straight_part(self, low: float = 0.1, high: float = 0.6) -> tuple[int, int]:
        """A window for the slope: the curve's rise from the share `low` to the share `high` of the way to its
        plateau.

        The start of the curve, where distances turn into the direction that grows, and its end, where they
        reach the size of the attractor, are left out. A first suggestion, to be looked at beside the curve.
        """
        curve = self.log_distance
        least, plateau = float(curve.min()), float(np.median(curve[-max(1, len(curve) // 10) :]))
        above = np.flatnonzero(curve >= least + low * (plateau - least))
        first = min(int(above[0]) if len(above) else 0, len(curve) - 2)
        beyond = np.flatnonzero(curve[first:] >= least + high * (plateau - least))
        last = first + int(beyond[0]) if len(beyond) else len(curve) - 1
        return first, max(last, first + 1)


def rosenstein(
    points: FloatArray,
    *,
    steps: int,
    theiler: int,
    references: int | None = None,
    across_flow: bool = False,
    parts: Parts | None = None,
) -> DivergenceCurve:
    """The divergence curve of nearest neighbours (Rosenstein et al. 1993).

    Args:
        points: (T, N), finite.
        steps: how far neighbours are followed.
        theiler: steps before and after a point that are no neighbours of it; about a mean period.
        references: at most so many points, evenly spread, are followed; Rosenstein et al. follow all.
        across_flow: distances are followed at right angles to the velocity of the first of a pair, and the
            curve is the median log distance; for points of a flow in two dimensions or more, one step of the
            series from each other.
        parts: of the series, where it is not one: none is followed across a break.

    Raises:
        ValueError: the series is too short for this, or holds values that are not finite; or there is nothing
            across the flow, in one dimension.
    """
    can = check_points(points, steps=max(steps, 1), theiler=theiler, parts=parts)
    if across_flow and points.shape[1] < 2:
        raise ValueError("in one dimension there is nothing across the flow: embed the series")
    reference = can[_spread(len(can), references or len(can))]
    partner = nearest_neighbours(points, theiler=theiler, among=can, of=reference)
    has = partner >= 0
    method = f"Rosenstein, Theiler window {theiler}" + (", across the flow" if across_flow else "")
    along = _directions(points, parts or Parts.of(points)) if across_flow else None
    blocks = _blocks(reference[has], can)
    return _follow(points, reference[has], partner[has], blocks, steps, method, along=along)


def _blocks(reference: IntArray, can: IntArray) -> IntArray:
    """In which of BLOCKS equal shares, in time, of the points that can be followed these are."""
    return np.asarray(np.searchsorted(can, reference) * BLOCKS // len(can))


def _directions(points: FloatArray, parts: Parts) -> FloatArray:
    """Of the velocity at every point, of length 1; 0 at rest, and of a point by itself."""
    rates = [
        np.gradient(part, axis=0) if len(part) > 1 else np.zeros_like(part) for part in parts.split(points)
    ]
    velocity = np.concatenate(rates)
    speed = np.linalg.norm(velocity, axis=1, keepdims=True)
    directions: FloatArray = np.divide(velocity, speed, out=np.zeros_like(velocity), where=speed > 0)
    return directions


def kantz(
    points: FloatArray,
    *,
    steps: int,
    theiler: int,
    radius: float,
    watched: FloatArray | None = None,
    references: int = 2000,
    at_least: int = 5,
    at_most: int = 200,
    parts: Parts | None = None,
) -> DivergenceCurve:
    """The divergence curve of neighbourhoods (H. Kantz, Phys. Lett. A 185, 77 (1994)): mean over points of
    the log of the mean distance to all neighbours within `radius`.

    A mean over many neighbours before the log is less moved by noise than one nearest neighbour.

    Args:
        points: (T, N), finite; neighbourhoods are of these, by Euclid's norm.
        watched: (T,) or (T, K), in which distances are followed; the points themselves if left out. Kantz
            watches one variable.
        references: at most so many points, evenly spread, have their neighbourhoods followed.
        at_least: points with fewer neighbours do not count.
        at_most: of more neighbours than this so many are followed, evenly spread in time.
        parts: as `rosenstein`.

    Raises:
        ValueError: as `rosenstein`; or no point has enough neighbours within the radius.
    """
    from scipy.spatial import cKDTree  # here: plans are made without scipy, which takes a while to import

    can = check_points(points, steps=max(steps, 1), theiler=theiler, parts=parts)
    seen = points if watched is None else watched.reshape(len(points), -1)
    tree = cKDTree(points[can])
    reference = can[_spread(len(can), references)]
    partners: list[IntArray] = []
    followed = []
    for index, found in zip(reference, tree.query_ball_point(points[reference], radius), strict=True):
        near = can[np.sort(np.asarray(found, dtype=np.int64))]
        near = near[np.abs(near - index) > theiler]
        if len(near) >= at_least:
            partners.append(near[_spread(len(near), at_most)])
            followed.append(int(index))
    if not followed:
        raise ValueError(
            f"no point has {at_least} neighbours within {radius:g} that are more than {theiler} steps away"
        )
    sizes = np.array([len(near) for near in partners])
    starts = np.concatenate([[0], sizes.cumsum()[:-1]])
    theirs, ours = np.concatenate(partners), np.repeat(followed, sizes)
    logs = np.empty((len(followed), steps + 1))
    for k in range(steps + 1):
        distance = np.sqrt(((seen[theirs + k] - seen[ours + k]) ** 2).sum(axis=1))
        with np.errstate(divide="ignore"):
            logs[:, k] = np.log(np.add.reduceat(distance, starts) / sizes)
    logs[~np.isfinite(logs)] = np.nan
    block = _blocks(np.array(followed), can)
    by_block = np.full((BLOCKS, steps + 1), np.nan)
    for b in np.unique(block):
        by_block[b] = logs[block == b].mean(axis=0)
    method = f"Kantz, radius {radius:g}, Theiler window {theiler}"
    return DivergenceCurve(logs.mean(axis=0), by_block, len(followed), method)


def _spread(count: int, at_most: int) -> IntArray:
    """At most so many of the indices below `count`, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, at_most)).astype(np.int64))


def _follow(
    points: FloatArray,
    reference: IntArray,
    partner: IntArray,
    block: IntArray,
    steps: int,
    method: str,
    *,
    along: FloatArray | None = None,
) -> DivergenceCurve:
    """Mean log distances of pairs that are all followed to the end; with `along`, the median of what is not
    along that.

    Pairs that coincide do not count: of a periodic series the distances are rounding errors, which grow, too.
    """
    least = (COINCIDE * float(np.ptp(points, axis=0).max())) ** 2
    by_block = np.full((BLOCKS, steps + 1), np.nan)
    curve = np.full(steps + 1, np.nan)
    middles = _means if along is None else _medians
    for k in range(steps + 1):
        distance = points[reference + k] - points[partner + k]
        if along is not None:
            direction = along[reference + k]
            distance -= (distance * direction).sum(axis=1, keepdims=True) * direction
        squared = (distance**2).sum(axis=1)
        apart = squared > least
        logs, blocks = 0.5 * np.log(squared[apart]), block[apart]
        if len(logs):
            curve[k], by_block[:, k] = middles(logs, blocks)
    return DivergenceCurve(curve, by_block, len(reference), method)


def _means(logs: FloatArray, blocks: IntArray) -> tuple[float, FloatArray]:
    """Of all, and of each block; NaN for one without any."""
    sums, counts = np.bincount(blocks, weights=logs, minlength=BLOCKS), np.bincount(blocks, minlength=BLOCKS)
    of_each = np.full(BLOCKS, np.nan)
    of_each[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return float(logs.mean()), of_each


def _medians(logs: FloatArray, blocks: IntArray) -> tuple[float, FloatArray]:
    """Likewise."""
    of_each = np.full(BLOCKS, np.nan)
    for block in np.unique(blocks):
        of_each[block] = np.median(logs[blocks == block])
    return float(np.median(logs)), of_each

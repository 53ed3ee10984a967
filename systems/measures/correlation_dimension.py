"""D₂: correlation dimension of a generated trajectory, at the scales of the true one.

    C(ε) = share of pairs with |x_i − x_j| < ε, |i − j| > w,      D₂ = d ln C / d ln ε

P. Grassberger & I. Procaccia, Physica D 9, 189 (1983), in the maximum norm; see
`analysis.correlation_dimension`. Not a distance: a good network has the D₂ of the truth, which is what the
truth scores against itself (Lorenz-63: 2.05, Hénon: 1.2). It tells a strange attractor from the limit cycle
(1) and the fixed point (0) that lie next to it, and noise (N) from all of them, where bins are too coarse.

From the truth come the radii, as shares of its greatest range over dimensions, and the Theiler window w: the
first lag at which the autocorrelations of all its dimensions are below 1/e, or `theiler_at_most`, if they
never are. Both are those of the truth for every trajectory, so that values compare. Of a long trajectory some
`points`, evenly spaced, are taken, of which `references` are paired with all.

D₂ is the mean of the local slopes (each over half a decade) of the longest range of ε in which none is
further than 10% from it. The slopes of fractals oscillate: narrower rules find ranges that jump from one to
the next trajectory of the same system. Over trajectories of 100,000 points of Lorenz-63 or Rössler its SD is
0.01 to 0.02. Where D₂ is above about 6 so few pairs are near that there is no plateau.

Shapes: truth (T, N), generated (T', N). NaN for a trajectory without a plateau or too short for w.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .base import FloatArray, check_generated, check_truth


@dataclass(frozen=True, kw_only=True)
class CorrelationDimension:
    """Definition of D₂: which pairs are counted, and what is a plateau of the slope."""

    points: int = 25_000
    references: int = 1_000
    smallest_radius: float = 1e-3
    largest_radius: float = 0.5
    """Shares of the truth's greatest range."""
    radii_per_decade: int = 16
    theiler_correlation: float = 1.0 / math.e
    theiler_at_most: int = 500
    """Steps."""
    half_width: int = 4
    """A local slope is over so many radii on either side."""
    within: float = 0.1
    """Of the mean slope: how far local slopes of a plateau may be from it."""
    at_least: float = 1.0
    """Length of a plateau, in ln ε."""
    min_pairs: int = 1000
    """Radii with fewer near pairs are not looked at,"""
    below: float = 0.1
    """nor those where C(ε) is above this. A trajectory where it is so at the smallest radius is a point as
    far as one can see: D₂ = 0."""
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return {"measure": "correlation_dimension", "norm": "maximum", **asdict(self)}

    def bind(self, truth: FloatArray) -> _BoundDimension:
        return _BoundDimension(check_truth(truth), self)


class _BoundDimension:
    def __init__(self, truth: FloatArray, definition: CorrelationDimension) -> None:
        self._definition = definition
        self._dimension = truth.shape[1]
        decades = math.log10(definition.largest_radius / definition.smallest_radius)
        shares = np.geomspace(
            definition.smallest_radius,
            definition.largest_radius,
            round(decades * definition.radii_per_decade) + 1,
        )
        self._radii: FloatArray = np.ptp(truth, axis=0).max() * shares
        self._theiler = self._window(truth)

    def _window(self, truth: FloatArray) -> int:
        from ..analysis.mutual_information import autocorrelation, first_fall

        limit = self._definition.theiler_at_most
        max_lag = min(limit, len(truth) - 2)
        falls = (
            first_fall(autocorrelation(column, max_lag=max_lag), self._definition.theiler_correlation)
            for column in truth.T
        )
        return max(limit if fall is None else fall for fall in falls)

    def score(self, generated: FloatArray) -> float:
        # Here: whoever looks at definitions alone does without scipy, which takes a while to import.
        from ..analysis.correlation_dimension import correlation_sum

        definition = self._definition
        points = check_generated(generated, self._dimension)
        if not len(points) or not np.isfinite(points).all():
            return math.nan
        stride = -(-len(points) // definition.points)
        points = points[::stride]
        theiler = -(-self._theiler // stride)
        if len(points) < 2 * (theiler + 1):
            return math.nan
        if np.ptp(points, axis=0).max() < self._radii[0]:  # a tree of equal points is no tree
            return 0.0
        summed = correlation_sum(points, theiler=theiler, radii=self._radii, references=definition.references)
        if summed.share[0] > definition.below:
            return 0.0
        plateau = summed.plateau(
            within=definition.within,
            at_least=definition.at_least,
            min_pairs=definition.min_pairs,
            below=definition.below,
            half_width=definition.half_width,
        )
        return math.nan if plateau is None else plateau.dimension

    def ceiling(self, steps: int | None = None) -> float:
        """0, the dimension of a network that stands still."""
        return 0.0


def correlation_dimension(
    truth: FloatArray, generated: FloatArray, *, definition: CorrelationDimension | None = None
) -> float:
    """D₂ of `generated` (T', N) at the scales of `truth` (T, N), by default as in `orch`."""
    return (definition or CorrelationDimension()).bind(truth).score(generated)

"""How λ_max of a series is estimated, as it is declared; what to declare: `suggestion`.

The slope of a log-divergence curve (see `divergence`) depends on the state space, on what is called a
neighbour and on the part of the curve that is called straight. All three are settings, so that a number can
be had again. Times in steps of the series. Shapes: series (T, N).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..base import FloatArray
from ..embedding import embed
from ..parts import Parts, joined
from .divergence import DivergenceCurve, Slope, kantz, rosenstein
from .surrogates import surrogate

ESTIMATOR = 1
"""Raised when a change in this room changes what is estimated from the same series."""

POINTS = 100_000
"""Of longer series the first so many serve the exponent."""

SURROGATES = 5
SURROGATE_REFERENCES = 10_000
"""Points of a surrogate that are followed: its slope need not be known as well as that of the data."""

OTHER_RISES = tuple((low, high) for low in (0.05, 0.1, 0.2, 0.3) for high in (0.5, 0.6, 0.7))
"""Parts of a curve's rise that could as well be called straight."""


@dataclass(frozen=True, kw_only=True)
class SlopeSettings:
    """How λ_max is estimated from a prepared series."""

    theiler: int
    """Neighbours are further apart in time than this."""
    steps: int
    """Length of the divergence curve."""
    window: tuple[int, int] | None = None
    """First and last step of the part that is called straight; None: see `DivergenceCurve.straight_part`."""
    dimension: int = 1
    """Delays by which every column is embedded; 1: the series is a state space as it is."""
    delay: int = 1
    radius: float | None = None
    """Of Kantz' neighbourhoods, in standard deviations; None: Rosenstein's nearest neighbours."""
    across_flow: bool = False
    """Whether Rosenstein's distances are taken across the flow; see `divergence`."""

    @property
    def past(self) -> int:
        """Points before a point of the state space that are in it."""
        return (self.dimension - 1) * self.delay

    def points(self, series: FloatArray, *, parts: Parts | None = None) -> FloatArray:
        """The state space of a series (T, N), every column standardised: about POINTS rows at most."""
        return self.space(series, parts)[0]

    def space(self, series: FloatArray, parts: Parts | None) -> tuple[FloatArray, Parts]:
        """`points`, and their parts.

        Raises:
            ValueError: no part is as long as the past of a point.
        """
        scaled = (series - series.mean(axis=0)) / series.std(axis=0)
        first = (parts or Parts.of(series)).first(POINTS + self.past)
        spaces = [
            np.hstack([embed(x, dimension=self.dimension, delay=self.delay) for x in part.T])
            if self.dimension > 1
            else part
            for part in first.split(scaled)
            if len(part) > self.past
        ]
        if not spaces:
            raise ValueError(
                f"no part has more than {self.past} points, which one of {self.dimension} delays takes"
            )
        points, of_points = joined(spaces)
        return np.ascontiguousarray(points), of_points

    def curve(
        self, series: FloatArray, *, references: int | None = None, parts: Parts | None = None
    ) -> DivergenceCurve:
        """The log-divergence curve of a series; of Rosenstein's neighbours at most `references` are followed.

        Raises:
            ValueError: it is too short for these settings, or its neighbours coincide.
        """
        points, of_points = self.space(series, parts)
        if self.radius is None:
            curve = rosenstein(
                points,
                steps=self.steps,
                theiler=self.theiler,
                references=references,
                across_flow=self.across_flow,
                parts=of_points,
            )
        else:
            curve = kantz(points, steps=self.steps, theiler=self.theiler, radius=self.radius, parts=of_points)
        if not np.isfinite(curve.log_distance).all():
            raise ValueError("neighbours coincide: the series is periodic, or its values are too coarse")
        return curve

    def slope(self, curve: DivergenceCurve) -> Slope:
        """λ_max per step, with its window and error over blocks."""
        return curve.slope(self.window or curve.straight_part())


@dataclass(frozen=True, eq=False)
class Estimate:
    """λ_max with what it must be seen beside. Slopes per step."""

    curve: DivergenceCurve
    slope: Slope
    other_windows: tuple[float, float]
    """Least and greatest slope over the parts of the curve that could as well be called straight; across a
    flow also over those of the curve of plain distances."""
    surrogate_curves: tuple[DivergenceCurve, ...]
    surrogates: tuple[float, ...]
    """Slopes, over the same window, of series that are noise of the same values and spectrum."""

    @property
    def stands_out(self) -> bool:
        """See the function of this name."""
        return stands_out(self.slope.value, self.surrogates)


def stands_out(slope: float, surrogates: Sequence[float]) -> bool:
    """Whether a slope is steeper than one more surrogate would have it (Student's t, one-sided, 99.5%)."""
    from scipy.special import stdtrit

    count = len(surrogates)
    wide = stdtrit(count - 1, 0.995) * np.std(surrogates, ddof=1) * math.sqrt(1 + 1 / count)
    return bool(slope - np.mean(surrogates) > wide)


def estimate(series: FloatArray, settings: SlopeSettings, *, parts: Parts | None = None) -> Estimate:
    """λ_max of a series (T, N), beside what else could be read off and the slopes of SURROGATES surrogates.

    Args:
        parts: of the series, where it is not one; a surrogate has a surrogate of each.

    Raises:
        ValueError: the series is too short for these settings.
    """
    curve = settings.curve(series, parts=parts)
    slope = settings.slope(curve)
    others = other_slopes(series, settings, curve, parts=parts)
    first = (parts or Parts.of(series)).first(POINTS + settings.past)
    of_noise = []
    for seed in range(SURROGATES):
        noise, of_its = joined([surrogate(part, seed=seed) for part in first.split(series) if len(part) > 3])
        of_noise.append(settings.curve(noise, references=SURROGATE_REFERENCES, parts=of_its))
    # In the window of the data: what noise does at first, at scales that the data do not have, is not asked.
    in_window = tuple(one.slope(slope.window).value for one in of_noise)
    return Estimate(curve, slope, others, tuple(of_noise), in_window)


def other_slopes(
    series: FloatArray, settings: SlopeSettings, curve: DivergenceCurve, *, parts: Parts | None = None
) -> tuple[float, float]:
    """Least and greatest slope that could as well be read off: see `Estimate.other_windows`."""
    curves = [curve]
    if settings.across_flow:
        plain = replace(settings, across_flow=False)
        curves.append(plain.curve(series, references=SURROGATE_REFERENCES, parts=parts))
    slopes = [one.slope(one.straight_part(*rise)).value for one in curves for rise in OTHER_RISES]
    return min(slopes), max(slopes)

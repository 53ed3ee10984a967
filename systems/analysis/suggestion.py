"""What to declare of a series that nobody has looked at yet: delays that unfold it, how λ_max is estimated.

Times in steps of the series. Shapes: series (T, N).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..base import FloatArray
from ..parts import Parts
from .exponent import POINTS, SlopeSettings
from .false_neighbours import false_neighbours, unfolding_dimension
from .mutual_information import BINS, autocorrelation, first_fall, first_minimum, mutual_information
from .spectrum import mean_period

MAX_DIMENSION = 8
"""Delays that are tried for an embedding."""

PLATEAU, PLATEAU_REFERENCES = 0.02, 2_000
"""A curve is at its plateau if its last fifth is higher than the one before by less than this share of its
rise; and from how many points that is seen."""

SMOOTH = 0.95
"""Median cosine of the angle between a step and the next above which steps are pieces of a trajectory."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """What a scalar series says about the delays that unfold it."""

    autocorrelation: FloatArray
    """At lags 0, 1, …"""
    information: FloatArray
    """Average mutual information at the same lags, nats."""
    delay: int
    delay_because: str
    false_neighbours: FloatArray
    """Share of false neighbours in 1, 2, … dimensions."""
    dimension: int
    dimension_because: str
    period: float
    """Mean period, steps: one over the mean frequency of the spectrum."""


def suggest_embedding(series: FloatArray) -> Embedding:
    """Delay by the first minimum of the mutual information, dimension by false neighbours, of a series (T,).

    Raises:
        ValueError: it is constant, not finite or too short for any.
    """
    period = mean_period(series)
    max_lag = int(min(max(50, 5 * period), len(series) // 10))
    part = series[:POINTS]
    information = mutual_information(part, max_lag=max_lag)
    correlation = autocorrelation(part, max_lag=max_lag)
    minimum, fall = first_minimum(information), first_fall(correlation)
    # Of independent values the histogram's information is not 0 but this; a minimum down there is chance.
    noise = (BINS - 1) ** 2 / (2 * len(part))
    if minimum is not None and information[minimum] < 2 * noise and fall is not None and fall < minimum:
        minimum = None
    if minimum is not None:
        delay, delay_because = minimum, "first minimum of the mutual information"
    elif fall is not None:
        delay, delay_because = (
            fall,
            "no minimum of the mutual information above its noise: the autocorrelation's fall below 1/e",
        )
    else:
        delay, delay_because = (
            max_lag,
            "neither mutual information nor autocorrelation fall within these lags",
        )
    delay = max(1, delay)
    theiler = _theiler(period, len(part))
    most = min(MAX_DIMENSION, (len(part) - 4 * (theiler + 1)) // delay)
    share = false_neighbours(part[: POINTS // 2], delay=delay, max_dimension=max(1, most), theiler=theiler)
    unfolded = unfolding_dimension(share)
    if unfolded is not None:
        dimension, dimension_because = unfolded, "fewer than 1% false neighbours"
    else:
        seen = np.where(np.isfinite(share), share, math.inf)
        dimension = int(np.argmin(seen)) + 1
        dimension_because = (
            f"no dimension up to {len(share)} has fewer than 1% false neighbours: that with the fewest"
        )
    return Embedding(
        correlation, information, delay, delay_because, share, dimension, dimension_because, period
    )


def suggest_settings(series: FloatArray, *, parts: Parts | None = None) -> SlopeSettings:
    """Settings for a series (T, N) that nobody has looked at: one column is embedded, several are a state
    space as they are.

    Args:
        parts: of the series, where it is not one: delays and periods are those of the longest.

    Raises:
        ValueError: as `suggest_embedding`.
    """
    longest = parts.longest_of(series) if parts else series
    if series.shape[1] == 1:
        found = suggest_embedding(longest[:, 0])
        return _settings(series, parts, found.period, dimension=found.dimension, delay=found.delay)
    return _settings(series, parts, max(mean_period(column) for column in longest.T))


def _settings(
    series: FloatArray, parts: Parts | None, period: float, *, dimension: int = 1, delay: int = 1
) -> SlopeSettings:
    """A curve of ten periods, or as many more as it takes to its plateau; of a flow, across it."""
    length = min(parts.longest if parts else len(series), POINTS)
    steps, longest = int(min(max(20, 10 * period), length // 5)), length // 5
    settings = SlopeSettings(theiler=_theiler(period, length), steps=steps, dimension=dimension, delay=delay)
    settings = replace(settings, across_flow=_is_smooth(settings.points(series, parts=parts)))
    while True:
        settings = replace(settings, steps=steps)
        if steps == longest:
            return settings
        curve = settings.curve(series, references=PLATEAU_REFERENCES, parts=parts).log_distance
        before, end = np.median(curve[3 * steps // 5 : 4 * steps // 5]), np.median(curve[4 * steps // 5 :])
        if not end - before > PLATEAU * (end - curve.min()):
            return settings
        steps = min(2 * steps, longest)


def _is_smooth(points: FloatArray) -> bool:
    """Whether points (T, N) follow each other as a flow's do, and not as those of a map or of noise."""
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    moved = lengths[1:] * lengths[:-1]
    if not (moved > 0).any() or np.linalg.matrix_rank(np.cov(points.T)) < 2:  # on a line nothing is across
        return False
    cosines = (steps[1:] * steps[:-1]).sum(axis=1)[moved > 0] / moved[moved > 0]
    return bool(np.median(cosines) > SMOOTH)


def _theiler(period: float, length: int) -> int:
    return max(1, min(math.ceil(period), length // 20))

"""A response curve: ln D_stsp over ln τ from a few noisy seeds at a few τ, where it is lowest, and how sure
that is.

The curve is a Gaussian process with a Matérn 5/2 kernel over ln τ and an unknown level. The noise of each τ
is known from its seeds: their variance, drawn towards the pooled one (of `PRIOR_DEGREES` degrees of freedom,
since two seeds that agree by chance are no proof of precision), over their number. Amplitude and length of
the kernel are not chosen but averaged over, weighted by their marginal likelihood (Rasmussen & Williams
2006, eq. 2.23 to 2.30 and 5.8). The band is that of the curve, not of single seeds. The optimum's interval
are quantiles of where sampled curves are lowest, within the τ that were tried.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .statistics import Array, logs

PRIOR_DEGREES = 4.0
"""Weight of the pooled variance, in seeds."""

SMALLEST_SPREAD = 0.02
"""Of ln D_stsp between seeds: the sampling of a free run alone makes that much."""

LENGTHS = np.geomspace(0.15, 4.0, 14)
"""Lengths of the kernel, in ln τ: from a step of 16% to more than a study spans."""

AMPLITUDES = np.geomspace(0.3, 4.0, 10)
"""Amplitudes, in ln D_stsp; the whole way from floor to ceiling is 6."""

FEWEST_TAUS = 3
"""Of fewer there is no curve to speak of."""

CURVES = 4000
"""Sampled for the optimum's distribution."""

LEVEL_VARIANCE = 25.0
"""Of the curve's level, about the mean of the points: wide."""


@dataclass(frozen=True)
class Response:
    """A fitted curve and its optimum; τ in steps, values in ln D_stsp."""

    taus: Array
    """Where the curve is given: integers within the range that was tried, evenly spread in ln τ."""
    mean: Array
    low: Array
    high: Array
    """95% band of the curve."""
    optimum: int
    """Where the mean curve is lowest."""
    optimum_low: int
    optimum_high: int
    """95% interval of where the curve is lowest."""
    optima: Array
    """Where each sampled curve is lowest, rising."""

    def share_within(self, low: float, high: float) -> float:
        """The probability that the optimum lies between two τ, both included."""
        inside = (self.optima >= low) & (self.optima <= high)
        return float(inside.mean())


def fit_response(
    scores: Mapping[int, Sequence[float]], *, points: int = 160, seed: int = 0
) -> Response | None:
    """Fit a curve to the scores of each τ; None where there are fewer than three τ, or no τ has two seeds.

    Args:
        scores: τ → D_stsp of each seed, those that blew up at the ceiling.
        points: of the curve, at most.
    """
    measured = {tau: logs(values) for tau, values in sorted(scores.items()) if len(values)}
    if len(measured) < FEWEST_TAUS or max(map(len, measured.values())) < 2:
        return None
    x = np.log(np.array(list(measured), dtype=float))
    y = np.array([values.mean() for values in measured.values()])
    noise = _noise(list(measured.values()))
    level = float(y.mean())
    wide = np.rint(np.geomspace(min(measured), max(measured), points)).astype(int)
    grid = np.unique(np.concatenate([wide, list(measured)]))
    at = np.log(grid.astype(float))
    kernels = [(length, amplitude) for length in LENGTHS for amplitude in AMPLITUDES]
    evidence = np.empty(len(kernels))
    fits = []
    for place, (length, amplitude) in enumerate(kernels):
        covariance = _kernel(x, x, length, amplitude) + np.diag(noise)
        factor = np.linalg.cholesky(covariance)
        weights = np.linalg.solve(factor.T, np.linalg.solve(factor, y - level))
        evidence[place] = -0.5 * (y - level) @ weights - np.log(np.diag(factor)).sum()
        fits.append((factor, weights))
    share = np.exp(evidence - evidence.max())
    share /= share.sum()
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(CURVES, share)
    sampled = []
    for (length, amplitude), (factor, weights), count in zip(kernels, fits, drawn, strict=True):
        if count:
            across = _kernel(at, x, length, amplitude)
            mean = level + across @ weights
            left = np.linalg.solve(factor, across.T)
            rest = _kernel(at, at, length, amplitude) - left.T @ left
            root = np.linalg.cholesky(rest + 1e-8 * (amplitude**2 + LEVEL_VARIANCE) * np.eye(len(at)))
            sampled.append(mean[:, None] + root @ generator.standard_normal((len(at), count)))
    curves = np.concatenate(sampled, axis=1)
    optima = np.sort(grid[curves.argmin(axis=0)].astype(float))
    mean = curves.mean(axis=1)
    low, high = np.quantile(curves, (0.025, 0.975), axis=1)
    first, last = np.quantile(optima, (0.025, 0.975), method="inverted_cdf")
    return Response(
        taus=grid.astype(float),
        mean=mean,
        low=low,
        high=high,
        optimum=int(grid[mean.argmin()]),
        optimum_low=int(first),
        optimum_high=int(last),
        optima=optima,
    )


def _noise(values: Sequence[Array]) -> Array:
    """Variance of each τ's mean."""
    degrees = np.array([len(v) - 1 for v in values], dtype=float)
    squares = np.array([((v - v.mean()) ** 2).sum() for v in values])
    pooled = max(float(squares.sum() / degrees.sum()), SMALLEST_SPREAD**2)
    variances = (squares + PRIOR_DEGREES * pooled) / (degrees + PRIOR_DEGREES)
    counts = degrees + 1
    found: Array = np.maximum(variances, SMALLEST_SPREAD**2) / counts
    return found


def _kernel(a: Array, b: Array, length: float, amplitude: float) -> Array:
    """Matérn 5/2, and the level that all points share."""
    distance = math.sqrt(5) * np.abs(a[:, None] - b[None, :]) / length
    shape = (1 + distance + distance**2 / 3) * np.exp(-distance)
    covariance: Array = amplitude**2 * shape + LEVEL_VARIANCE
    return covariance

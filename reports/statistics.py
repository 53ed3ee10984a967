"""Intervals for few, skewed, paired replicates.

A divergence between a network and its system is skewed and spans decades, so everything is done on logs:
the target is the geometric mean, and a difference of logs is a ratio. With 5 to 20 log-normal values the
t-interval on logs covers 94 to 95 %, where the percentile bootstrap of the mean covers 70 to 85 %.

For n values with log-mean m and log-standard deviation s (n − 1 in the denominator)::

    exp(m ± t_{n−1, 0.975} · s / √n)

Paired: the n values are the ratios challenger / baseline at the same seed (Student 1908, on logs).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

Array: TypeAlias = npt.NDArray[np.float64]

SMALLEST_SCORE = 1e-6
"""A score at or below zero has no log; it is raised to this, far below any sampling floor."""


@dataclass(frozen=True)
class Estimate:
    """A geometric mean (or a ratio, or a median) of n values; what too few of them cannot say is None."""

    n: int
    value: float | None
    low: float | None
    high: float | None


def logs(values: Sequence[float]) -> Array:
    """Natural logs, values at or below zero raised to SMALLEST_SCORE."""
    raised: Array = np.log(np.maximum(np.asarray(values, dtype=float), SMALLEST_SCORE))
    return raised


def _from_logs(values: Array, confidence: float) -> Estimate:
    n = int(values.size)
    if n == 0:
        return Estimate(0, None, None, None)
    mean = float(values.mean())
    if n == 1:
        return Estimate(1, math.exp(mean), None, None)
    # All values equal: s is 0 up to rounding and the interval is the point itself, honestly degenerate.
    half = float(special.stdtrit(n - 1, 0.5 + confidence / 2) * values.std(ddof=1) / math.sqrt(n))
    return Estimate(n, math.exp(mean), _exp(mean - half), _exp(mean + half))


def _exp(x: float) -> float:
    """exp that saturates: the interval of two far apart values may leave the range of a float."""
    return math.exp(min(max(x, -700.0), 700.0))


def geometric_mean(values: Sequence[float], *, confidence: float = 0.95) -> Estimate:
    """The geometric mean of one cell's scores with a t-interval on the logs."""
    return _from_logs(logs(values), confidence)


def log_differences(challenger: Sequence[float], baseline: Sequence[float]) -> Array:
    """log challenger − log baseline, pair by pair."""
    if len(challenger) != len(baseline):
        raise ValueError(f"pairs need equal lengths, not {len(challenger)} and {len(baseline)}")
    difference: Array = logs(challenger) - logs(baseline)
    return difference


def paired_ratio(
    challenger: Sequence[float], baseline: Sequence[float], *, confidence: float = 0.95
) -> Estimate:
    """Geometric-mean ratio challenger / baseline with the paired t-interval; < 1: the challenger is lower."""
    return _from_logs(log_differences(challenger, baseline), confidence)


def median_interval(values: Sequence[float], *, confidence: float = 0.95) -> Estimate:
    """The median with the interval of order statistics, which holds for any distribution.

    x_(k) to x_(n+1−k), k the largest with 2 P(Bin(n, 1/2) < k) ≤ 1 − confidence; none below 6 values at 95%.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if n == 0:
        return Estimate(0, None, None, None)
    below = special.bdtr(np.arange(n), n, 0.5)  # P(Bin ≤ k)
    k = int(np.searchsorted(below, (1 - confidence) / 2, side="right"))
    if k == 0:
        return Estimate(n, float(np.median(ordered)), None, None)
    return Estimate(n, float(np.median(ordered)), float(ordered[k - 1]), float(ordered[n - k]))


def wilson_interval(count: float, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval for a share count / n (Wilson 1927): keeps its coverage at 0 of n and at n of n.

    A tie may count as a half.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
    """
    if not 0 <= count <= n:
        raise ValueError(f"a count of {count} out of {n} is no share")
    if n == 0:
        return 0.0, 1.0
    z = float(special.ndtri(0.5 + confidence / 2))
    p = count / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if count == 0 else (centre - half) / scale
    high = 1.0 if count == n else (centre + half) / scale
    return low, high


def paired_power(effect: float, n: int, *, alpha: float = 0.05) -> float:
    """Power of the two-sided paired t-test with n pairs at a standardised effect d_z = mean / sd.

    1 − F(t_c) + F(−t_c), F the noncentral t with n − 1 degrees of freedom and noncentrality d_z √n.
    """
    critical = float(special.stdtrit(n - 1, 1 - alpha / 2))
    shift = abs(effect) * math.sqrt(n)
    upper = 1 - float(special.nctdtr(n - 1, shift, critical))
    lower = float(special.nctdtr(n - 1, shift, -critical))
    if not math.isfinite(upper):  # far out in the tail the series gives up; there the answer is plain
        return 1.0 if shift > critical else 0.0
    return upper + (lower if math.isfinite(lower) else 0.0)


def seeds_needed(
    differences: Sequence[float] | Array, *, alpha: float = 0.05, power: float = 0.8, limit: int = 1000
) -> int | None:
    """How many *more* pairs would show an effect of the size observed, at `alpha` with `power`.

    `differences` are the log differences seen so far. None: cannot be said (fewer than two pairs, or no
    effect at all), or more than `limit` pairs in total. It takes the observed size at its word, so it is a
    rough guide for planning, not a test.
    """
    values = np.asarray(differences, dtype=float)
    n = int(values.size)
    if n < 2:
        return None
    mean, spread = abs(float(values.mean())), float(values.std(ddof=1))
    if mean <= 1e-12:
        return None
    if spread <= 1e-12 * max(1.0, mean):
        return 0
    effect = mean / spread
    if paired_power(effect, limit, alpha=alpha) < power:
        return None
    low, high = 2, limit
    while low < high:  # power grows with n
        middle = (low + high) // 2
        if paired_power(effect, middle, alpha=alpha) >= power:
            high = middle
        else:
            low = middle + 1
    return max(0, low - n)

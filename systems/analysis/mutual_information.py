"""How much a series says about itself some steps later: average mutual information, and autocorrelation.

    I(d) = Σ_ij p_ij(d) ln [ p_ij(d) / (p_i p_j) ]      p from a histogram of `bins` equal bins over the range

A. M. Fraser & H. L. Swinney, Phys. Rev. A 33, 1134 (1986), who take the first minimum of I as the delay of an
embedding. As in the TISEAN package (`mutual`, 16 bins): p_i and p_j are those of the two ends of the pairs.
Shapes: series (T,); lags in steps; information in nats.
"""

from __future__ import annotations

import numpy as np

from ..base import FloatArray

BINS = 16


def mutual_information(series: FloatArray, *, max_lag: int, bins: int = BINS) -> FloatArray:
    """I(0), I(1), …, I(max_lag), as (max_lag + 1,); I(0) is the entropy of the histogram.

    Raises:
        ValueError: the series is constant, not finite, or not longer than `max_lag`.
    """
    _check(series, max_lag)
    low, width = series.min(), np.ptp(series)
    bin_of = np.minimum(((series - low) / width * bins).astype(np.int64), bins - 1)
    information = np.empty(max_lag + 1)
    for lag in range(max_lag + 1):
        early, late = bin_of[: len(bin_of) - lag], bin_of[lag:]
        joint = np.bincount(early * bins + late, minlength=bins * bins).reshape(bins, bins) / len(early)
        independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        seen = joint > 0
        information[lag] = (joint[seen] * np.log(joint[seen] / independent[seen])).sum()
    return information


def autocorrelation(series: FloatArray, *, max_lag: int) -> FloatArray:
    """The correlation of the series with itself 0, 1, …, `max_lag` steps later, as (max_lag + 1,).

    Raises:
        ValueError: as `mutual_information`.
    """
    _check(series, max_lag)
    centred = series - series.mean()
    size = 1 << int(2 * len(series) - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    raw: FloatArray = np.fft.irfft(power, size)[: max_lag + 1]
    return np.asarray(raw / raw[0], dtype=np.float64)


def first_minimum(information: FloatArray) -> int | None:
    """The first lag from 1 on whose value is below that before and not above that after; None without."""
    below = (information[1:-1] < information[:-2]) & (information[1:-1] <= information[2:])
    found = np.flatnonzero(below)
    return int(found[0]) + 1 if len(found) else None


def first_fall(correlation: FloatArray, level: float = 1.0 / np.e) -> int | None:
    """The first lag at which the autocorrelation is below `level`; None where it never is."""
    found = np.flatnonzero(correlation < level)
    return int(found[0]) if len(found) else None


def _check(series: FloatArray, max_lag: int) -> None:
    if series.ndim != 1 or not np.isfinite(series).all() or not np.ptp(series) > 0:
        raise ValueError("the series must be a finite array (T,) that varies")
    if not 0 <= max_lag < len(series) - 1:
        raise ValueError(f"a series of {len(series)} points has no lags up to {max_lag}")

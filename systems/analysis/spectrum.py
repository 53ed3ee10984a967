"""The power spectrum of a series, and the mean period that it gives.

Welch's method: mean of the spectra of overlapping parts with a Hann window (P. D. Welch, IEEE Trans. Audio
Electroacoust. 15, 70 (1967)). Shapes: series (T,); frequencies per step.
"""

from __future__ import annotations

import numpy as np

from ..base import FloatArray


def power_spectrum(series: FloatArray, *, part: int = 4096) -> tuple[FloatArray, FloatArray]:
    """Frequencies and power density, each (K,), without frequency 0, from parts of `part` points or fewer."""
    from scipy.signal import welch  # here: plans are made without scipy, which takes a while to import

    frequency, power = welch(series, nperseg=min(part, len(series)), detrend="constant")
    return np.asarray(frequency[1:], dtype=np.float64), np.asarray(power[1:], dtype=np.float64)


def mean_period(series: FloatArray) -> float:
    """Steps: one over the mean frequency of the spectrum, Rosenstein's choice of the Theiler window."""
    frequency, power = power_spectrum(series)
    return float(power.sum() / (frequency * power).sum())

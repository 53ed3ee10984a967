"""Series that share a series' values and spectrum but not its dynamics: what an estimator says of those is
what it would say of coloured noise.

Iterated amplitude-adjusted Fourier transform: T. Schreiber & A. Schmitz, Phys. Rev. Lett. 77, 635 (1996). The
values are those of the series exactly, the spectrum as nearly as they allow. Shapes: series (T,).
"""

from __future__ import annotations

import numpy as np

from ..base import FloatArray


def surrogate(series: FloatArray, *, seed: int, iterations: int = 100) -> FloatArray:
    """One surrogate of a series, another for each seed; the same every time.

    Raises:
        ValueError: the series is not finite or has fewer than four points.
    """
    if series.ndim != 1 or len(series) < 4 or not np.isfinite(series).all():
        raise ValueError("the series must be a finite array (T >= 4,)")
    values = np.sort(series)
    amplitude = np.abs(np.fft.rfft(series))
    now = np.random.default_rng(seed).permutation(series)
    order = np.argsort(now, kind="stable")
    for _ in range(iterations):
        phases = np.exp(1j * np.angle(np.fft.rfft(now)))
        shaped = np.fft.irfft(amplitude * phases, len(series))
        previous, order = order, np.argsort(shaped, kind="stable")
        now = np.empty_like(series)
        now[order] = values
        if np.array_equal(order, previous):
            break
    return now

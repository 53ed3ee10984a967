"""Series that share a series' values and spectra but not its dynamics: what an estimator says of those is
what it would say of coloured noise.

Iterated amplitude-adjusted Fourier transform: T. Schreiber & A. Schmitz, Phys. Rev. Lett. 77, 635 (1996); of
several columns with their cross-spectra, Physica D 142, 346 (2000): the phases of all columns at a frequency
are turned by one angle, so that their differences stay. The values are those of the series exactly, the
spectra as nearly as they allow. Shapes: series (T, N).
"""

from __future__ import annotations

import numpy as np

from ..base import FloatArray


def surrogate(series: FloatArray, *, seed: int, iterations: int = 100) -> FloatArray:
    """One surrogate (T, N) of a series, another for each seed; the same every time.

    Raises:
        ValueError: the series is not finite or has fewer than four points.
    """
    if series.ndim != 2 or len(series) < 4 or not np.isfinite(series).all():
        raise ValueError("the series must be a finite array (T >= 4, N)")
    values = np.sort(series, axis=0)
    spectrum = np.fft.rfft(series, axis=0)
    phase = np.angle(spectrum)
    # One permutation for all columns, or they would begin without any relation to each other.
    now = np.random.default_rng(seed).permutation(series)
    order = np.argsort(now, axis=0, kind="stable")
    for _ in range(iterations):
        turn = np.exp(1j * (np.angle(np.fft.rfft(now, axis=0)) - phase))
        turn = np.exp(1j * np.angle(turn.sum(axis=1, keepdims=True)))
        shaped = np.fft.irfft(spectrum * turn, len(series), axis=0)
        previous, order = order, np.argsort(shaped, axis=0, kind="stable")
        now = np.empty_like(series)
        np.put_along_axis(now, order, values, axis=0)
        if np.array_equal(order, previous):
            break
    return now

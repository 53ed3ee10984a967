"""Power spectra of trajectories, and the machinery that the spectral measures share.

The series of each dimension, cut into `pieces` of equal length L = T // pieces (the rest is left out),
|rfft|² of each. Frequencies are bins of width 1 / (L dt). Layout inside: (N, pieces, bins), so that
transforms run over contiguous memory; trajectories come in as (T, N).

Truth and generated trajectory are cut to the shorter of the two lengths, from their beginning. The spectra of
the truth are kept for each length that has been asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter1d

from .base import FloatArray, check_generated

Edges = Literal["reflect", "zero"]

STANDSTILL = 1e-10
"""A piece whose SD is below this share of the truth's SD in that dimension stands still and has no
spectrum: what is left of it is rounding, which z-scoring would blow up into noise."""


BINS_PER_SIGMA = 25
"""A spectrum with fewer bins than this for each σ of smoothing is too short: smoothing would wash out all
that is in it, and the few steps before a run broke off would look like the truth."""

PROCESSING = {"standstill": STANDSTILL, "bins_per_sigma": BINS_PER_SIGMA}
"""The rules above as part of a definition."""


def power(
    series: FloatArray, *, pieces: int, z_score: bool, sigma_bins: float, truth_sd: FloatArray
) -> FloatArray | None:
    """|rfft|² of finite `series` (T, N): (N, pieces, L // 2 + 1); None if too short or standing still."""
    length = len(series) // pieces
    if length // 2 + 1 < max(4.0, BINS_PER_SIGMA * sigma_bins):
        return None
    parts = np.ascontiguousarray(series[: length * pieces].T).reshape(-1, pieces, length)
    with np.errstate(all="ignore"):  # squares of huge but finite values overflow; caught by the test below
        sd = parts.std(axis=2, keepdims=True)
        if not np.isfinite(sd).all() or (sd <= STANDSTILL * truth_sd[:, None, None]).any():
            return None
        if z_score:
            parts = (parts - parts.mean(axis=2, keepdims=True)) / sd
        spectrum = fft.rfft(parts, axis=2)
        result: FloatArray = np.square(spectrum.real) + np.square(spectrum.imag)
    return result if np.isfinite(result).all() else None


def smooth(values: FloatArray, *, sigma_bins: float, radius_sigmas: float, edges: Edges) -> FloatArray:
    """Gaussian smoothing along the last axis; beyond the ends values are mirrored or 0 (`zero`)."""
    if sigma_bins == 0:
        return values
    mode: Literal["reflect", "constant"] = "reflect" if edges == "reflect" else "constant"
    smoothed: NDArray[np.float64] = gaussian_filter1d(
        values, sigma_bins, axis=-1, mode=mode, truncate=radius_sigmas
    )
    return smoothed


class PairedSpectra:
    """Spectra of a truth (T, N) and of generated trajectories, processed alike and at equal length.

    `transform` takes finite (T, N) and the SDs of the truth to the (N, bins) that the measure compares, or
    None.
    """

    def __init__(
        self, truth: FloatArray, transform: Callable[[FloatArray, FloatArray], FloatArray | None]
    ) -> None:
        self._truth = truth
        self._sd: FloatArray = truth.std(axis=0)
        self._transform = transform
        self._of_truth: dict[int, FloatArray | None] = {}
        self._truth_at(len(truth))

    def _truth_at(self, length: int) -> FloatArray | None:
        if length not in self._of_truth:
            self._of_truth[length] = self._transform(self._truth[:length], self._sd)
        return self._of_truth[length]

    def of(self, generated: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Both spectra (N, bins); None where one of them does not exist."""
        points = check_generated(generated, self._truth.shape[1])
        length = min(len(points), len(self._truth))
        if length < 2 or not np.isfinite(points).all():
            return None
        true = self._truth_at(length)
        own = None if true is None else self._transform(points[:length], self._sd)
        return None if true is None or own is None else (true, own)

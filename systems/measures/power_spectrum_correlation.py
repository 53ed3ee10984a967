"""PSC: correlation of the logarithmic power spectra of a true and a generated trajectory, from −1 to 1.

    PSC = mean over dimensions of the Pearson correlation of log power over frequencies

Source: the ICLR 2022 submission of Mikhaeil, Monfared & Durstewitz, and Brenner et al. (ICML 2022). The
sign is kept: an anticorrelated spectrum is not a good one. PSC is forgiving (any red spectrum correlates
with any other, white noise scores near 0 and not −1) and blind to a shift or stretch of the log spectrum;
D_H is sharper.

The clean form: whole z-scored series, |rfft|² smoothed by a Gaussian of σ = 20 bins (of T = 100,000
points: σ is in bins, so its meaning changes with T), then log10, then the lowest 0.4 of all frequencies
below Nyquist. order = "log_first" takes the logarithm before smoothing instead, and pieces > 1 averages
over pieces: with 50 pieces, σ = 1 and the first 100 frequencies that is what the byte code of an older
version of the authors' program hints at. No source of it was published: take `published` PSC as a lead,
not as their definition.

Shapes: truth (T, N), generated (T', N). NaN for a trajectory that is not finite, stands still (in any
piece), is too short, or whose log spectrum is flat.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from .base import FloatArray, check_truth
from .spectrum import PROCESSING, Edges, PairedSpectra, power, smooth


@dataclass(frozen=True, kw_only=True)
class PowerSpectrumCorrelation:
    """Definition of PSC."""

    pieces: int = 1
    z_score: bool = True
    sigma_bins: float = 20.0
    radius_sigmas: float = 4.0
    edges: Edges = "reflect"
    order: Literal["smooth_first", "log_first"] = "smooth_first"
    cut_share: float | None = 0.4
    """Frequencies up to this share of Nyquist; None: no such cut."""
    cut_bins: int | None = None
    """Only that many lowest frequencies, from f = 0; None: no such cut."""
    relative_floor: float = 1e-20
    """Power below this share of the series' largest counts as that much: it is rounding, or 0."""
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return {"measure": "power_spectrum_correlation", "log": "log10", **PROCESSING, **asdict(self)}

    def bind(self, truth: FloatArray) -> _BoundCorrelation:
        return _BoundCorrelation(check_truth(truth), self)

    def spectrum(self, series: FloatArray, truth_sd: FloatArray) -> FloatArray | None:
        """Log power, centred and of norm 1 per dimension, (N, bins); None where there is none."""
        pieces = power(
            series, pieces=self.pieces, z_score=self.z_score, sigma_bins=self.sigma_bins, truth_sd=truth_sd
        )
        if pieces is None:
            return None
        if self.order == "smooth_first":
            pieces = self._smooth(pieces)
        logarithm = np.log10(np.maximum(pieces, self.relative_floor * pieces.max(axis=2, keepdims=True)))
        if self.order == "log_first":
            logarithm = self._smooth(logarithm)
        mean = logarithm.mean(axis=1)
        if self.cut_share is not None:
            mean = mean[:, : int(self.cut_share * (mean.shape[1] - 1))]
        mean = mean[:, : self.cut_bins]
        if mean.shape[1] < 2:
            return None
        centred = mean - mean.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(centred, axis=1, keepdims=True)
        return centred / norm if (norm > 0).all() else None

    def _smooth(self, values: FloatArray) -> FloatArray:
        return smooth(values, sigma_bins=self.sigma_bins, radius_sigmas=self.radius_sigmas, edges=self.edges)


class _BoundCorrelation:
    def __init__(self, truth: FloatArray, definition: PowerSpectrumCorrelation) -> None:
        self._spectra = PairedSpectra(truth, definition.spectrum)

    def score(self, generated: FloatArray) -> float:
        pair = self._spectra.of(generated)
        if pair is None:
            return math.nan
        correlation = (pair[0] * pair[1]).sum(axis=1).mean()
        return float(np.clip(correlation, -1.0, 1.0))  # rounding

    def ceiling(self, steps: int | None = None) -> float:
        """−1, the worst a correlation can be; in practice failure is near 0 (white noise)."""
        return -1.0


def power_spectrum_correlation(
    truth: FloatArray, generated: FloatArray, *, definition: PowerSpectrumCorrelation | None = None
) -> float:
    """PSC of `generated` (T', N) against `truth` (T, N); the definition defaults to the clean one."""
    return (definition or PowerSpectrumCorrelation()).bind(truth).score(generated)

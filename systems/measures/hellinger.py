"""D_H: Hellinger distance between the power spectra of a true and a generated trajectory, from 0 to 1.

    D_H = sqrt(1 − Σ_f sqrt(p_f q_f))   with Σ p = Σ q = 1, per dimension, then the mean over dimensions

Source: Mikhaeil, Monfared & Durstewitz (NeurIPS 2022), and Hess et al. (ICML 2023), who use the clean
form. Spectra of z-scored series are smoothed by a Gaussian whose σ is in frequency bins: what it means
depends on T, so values compare at equal T alone (σ = 20 belongs to T = 100,000). Without smoothing two
halves of the same truth are 0.3 to 0.5 apart.

With pieces = 50 the authors' first code: spectra of 50 pieces, each z-scored, averaged, smoothed with
zeros beyond the ends, normalised by Parseval's theorem, cut to the first 500 bins *afterwards* and summed
by the trapezoid rule. Mass lost at the cut and, mostly, at f = 0 (zero padding, half weight of the first
bin) is not put back, so that D_H of a series with itself is not 0 but about 0.13 on Lorenz-63. Kept on
purpose, for comparison with published figures.

Shapes: truth (T, N), generated (T', N). NaN for a trajectory that is not finite, stands still (in any
piece) or is too short.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from .base import FloatArray, check_truth
from .spectrum import PROCESSING, Edges, PairedSpectra, power, smooth


@dataclass(frozen=True, kw_only=True)
class Hellinger:
    """Definition of D_H."""

    pieces: int = 1
    sigma_bins: float = 20.0
    radius_sigmas: float = 4.0
    edges: Edges = "reflect"
    cut_bins: int | None = None
    """Only that many lowest frequencies, from f = 0; None: all."""
    normalise: Literal["after_cut", "before_cut"] = "after_cut"
    quadrature: Literal["sum", "trapezoid"] = "sum"
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return {"measure": "hellinger", "z_score": True, **PROCESSING, **asdict(self)}

    def bind(self, truth: FloatArray) -> _BoundHellinger:
        return _BoundHellinger(check_truth(truth), self)

    def spectrum(self, series: FloatArray, truth_sd: FloatArray) -> FloatArray | None:
        """Square root of the normalised spectrum, (N, bins); None where there is none."""
        pieces = power(
            series, pieces=self.pieces, z_score=True, sigma_bins=self.sigma_bins, truth_sd=truth_sd
        )
        if pieces is None:
            return None
        density = pieces.mean(axis=1)
        if self.normalise == "before_cut":  # Parseval: a z-scored piece of L points has Σ|rfft|² = L²/2
            length = len(series) // self.pieces
            density *= 2.0 / length**2
        density = smooth(
            density, sigma_bins=self.sigma_bins, radius_sigmas=self.radius_sigmas, edges=self.edges
        )[:, : self.cut_bins]
        if self.normalise == "after_cut":
            density = density / density.sum(axis=1, keepdims=True)
        root: FloatArray = np.sqrt(density)
        return root


class _BoundHellinger:
    def __init__(self, truth: FloatArray, definition: Hellinger) -> None:
        self._definition = definition
        self._spectra = PairedSpectra(truth, definition.spectrum)

    def score(self, generated: FloatArray) -> float:
        pair = self._spectra.of(generated)
        if pair is None:
            return math.nan
        product = pair[0] * pair[1]
        trapezoid = self._definition.quadrature == "trapezoid"
        overlap = np.trapezoid(product, axis=1) if trapezoid else product.sum(axis=1)
        if not trapezoid and self._definition.normalise == "after_cut":
            # 1 − Σ√(pq) cancels to rounding, of which the root is 1e-8, when p = q; this form gives 0 there.
            return float(np.sqrt(0.5 * np.square(pair[0] - pair[1]).sum(axis=1)).mean())
        return float(np.sqrt(np.maximum(1.0 - overlap, 0.0)).mean())

    def ceiling(self, steps: int | None = None) -> float:
        """1: no frequency in common. (White noise against Lorenz-63 has 0.88.)"""
        return 1.0


def hellinger(truth: FloatArray, generated: FloatArray, *, definition: Hellinger | None = None) -> float:
    """D_H of `generated` (T', N) against `truth` (T, N); the definition defaults to the clean one."""
    return (definition or Hellinger()).bind(truth).score(generated)

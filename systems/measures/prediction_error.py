"""PE(n): mean squared error of forecasts n steps ahead, at step n alone.

    PE(n) = (1 / S N) Σ_s Σ_d (x̂_d(t_s + n) − x_d(t_s + n))²

Source: Hess et al. (ICML 2023) with n = 20, Mikhaeil et al. (NeurIPS 2022) with n up to 25; they start from
every point of the test data, here from `starts` of them. In squares of standardised units: 2 for a forecast
that is an independent point of the attractor, 1 for one that stays at its mean. How much n steps are depends
on the system, see `valid_prediction_time`.

The mean over all starts, as in the sources: one forecast that has left every bound decides it, and if one is
not finite within n steps there is none: NaN. What comes after step n does not matter.

Shapes: forecasts and truth (S, n', N), n' ≥ n; ValueError if shorter.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .base import FloatArray
from .forecasts import check_forecasts


@dataclass(frozen=True, kw_only=True)
class PredictionError:
    """Definition of PE(n)."""

    steps: int = 20
    """n"""
    starts: int = 200
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return {"measure": "prediction_error", "summary": "mean", **asdict(self)}

    def forecast_steps(self, lyapunov_time: float) -> int:
        """n, whatever the Lyapunov time."""
        return self.steps

    def score(self, forecasts: FloatArray, truth: FloatArray, lyapunov_time: float = math.nan) -> float:
        """PE(n) of forecasts (S, n', N)."""
        given, expected = check_forecasts(forecasts, truth)
        if given.shape[1] < self.steps:
            raise ValueError(f"an error {self.steps} steps ahead needs as many, not {given.shape[1]}")
        if not np.isfinite(given[:, : self.steps]).all():
            return math.nan
        with np.errstate(over="ignore"):
            error = float(np.square(given[:, self.steps - 1] - expected[:, self.steps - 1]).mean())
        return error if math.isfinite(error) else math.nan

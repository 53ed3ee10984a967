"""Valid prediction time: how long forecasts stay near the truth, in Lyapunov times.

    T_s = number of steps before the first k with sqrt( mean_d ((x̂_d(t_s + k) − x_d(t_s + k)) / s_d)² ) ≥ θ
    VPT = median_s T_s / T_λ,      T_λ = 1 / (λ_max dt) in steps

Source: P. R. Vlachas et al., Neural Networks 126, 191 (2020), with θ = 0.5; the steps they count are those
before the error reaches θ, so that a forecast wrong from the first step has 0. s_d is the SD of the truth
over all starts and steps looked at. The median over starts, since times differ from place to place.

Looked at are `horizon` Lyapunov times, or `most_steps`, or as many as are given: a forecast that never
reaches θ counts as that long. The value is censored there: read one near the horizon as "at least". A
forecast that is not finite is valid until it is not.

Variables that do not vary there are left out. Shapes: forecasts and truth (S, n, N). NaN where the system has
no positive exponent, or nothing varies.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .base import FloatArray
from .forecasts import check_forecasts, is_chaotic


@dataclass(frozen=True, kw_only=True)
class ValidPredictionTime:
    """Definition of a valid prediction time."""

    threshold: float = 0.5
    """θ, in SDs of the truth."""
    horizon: float = 10.0
    """Lyapunov times after which a forecast is no longer looked at,"""
    most_steps: int = 2_000
    """or steps, if that is earlier."""
    starts: int = 200
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return {"measure": "valid_prediction_time", "summary": "median", **asdict(self)}

    def forecast_steps(self, lyapunov_time: float) -> int:
        """`horizon` in steps; 0 for a system without a positive exponent."""
        if not is_chaotic(lyapunov_time):
            return 0
        return min(self.most_steps, math.ceil(self.horizon * lyapunov_time))

    def score(self, forecasts: FloatArray, truth: FloatArray, lyapunov_time: float) -> float:
        """VPT of forecasts (S, n, N), in Lyapunov times."""
        given, expected = check_forecasts(forecasts, truth)
        steps = min(self.forecast_steps(lyapunov_time), given.shape[1])
        if not steps:
            return math.nan
        given, expected = given[:, :steps], expected[:, :steps]
        sd = expected.std(axis=(0, 1))
        varies = sd > 1e-9 * (1.0 + np.abs(expected).max(axis=(0, 1)))
        if not varies.any():
            return math.nan
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.sqrt(np.square((given - expected)[:, :, varies] / sd[varies]).mean(axis=2))
        wrong = ~(error < self.threshold)  # so that what is not a number counts as wrong
        valid = np.where(wrong.any(axis=1), wrong.argmax(axis=1), steps)
        return float(np.median(valid)) / lyapunov_time

"""What measures of forecasts have in common: many short runs from points of the truth, each beside it.

forecasts and truth are (S, n, N), standardised alike: S starts, with [s, k] the state k + 1 steps after start
s. The Lyapunov time 1 / (λ_max dt) is in steps; a system that is not chaotic has none: NaN or infinite.

A forecast that is not finite is one that has failed, and an outcome: each measure says what it scores. Raises
ValueError for arrays of other shapes and for a truth that is not finite.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from .base import FloatArray


class ForecastDefinition(Protocol):
    """Settings of a measure of forecasts."""

    @property
    def starts(self) -> int:
        """How many starts, evenly spread over the test data, are wanted."""

    def forecast_steps(self, lyapunov_time: float) -> int:
        """How many steps of each forecast it looks at; 0 where it has no value for such a system."""

    def score(self, forecasts: FloatArray, truth: FloatArray, lyapunov_time: float) -> float:
        """The measure for forecasts (S, n, N) of `truth` (S, n, N); NaN where it has none."""

    def as_dict(self) -> dict[str, Any]:
        """All settings as plain JSON types, with the measure's name and version."""


def check_forecasts(forecasts: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both as float64 (S, n, N); ValueError unless of one shape, not empty, and the truth finite."""
    expected, given = np.asarray(truth, dtype=np.float64), np.asarray(forecasts, dtype=np.float64)
    if expected.ndim != 3 or not expected.size:
        raise ValueError(f"truth of forecasts must be (S >= 1, n >= 1, N >= 1), not {expected.shape}")
    if given.shape != expected.shape:
        raise ValueError(f"forecasts must be {expected.shape} like the truth, not {given.shape}")
    if not np.isfinite(expected).all():
        raise ValueError("truth of forecasts holds values that are not finite")
    return given, expected


def is_chaotic(lyapunov_time: float) -> bool:
    """Whether there is a Lyapunov time."""
    return math.isfinite(lyapunov_time) and lyapunov_time > 0

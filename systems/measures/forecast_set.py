"""All measures of forecasts of one or more presets: what `MeasureSet` is to free runs.

    measures = ForecastSet()
    steps = measures.steps(lyapunov_time)                # of a forecast from each of measures.starts points
    measures.evaluate(forecasts, truth, lyapunov_time)

Shapes: forecasts and truth (S, n, N), standardised alike; see `forecasts`. Values by preset and measure:
{"orch": {"prediction_error": …, "valid_prediction_time": …}, "published": {…}, …}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from .forecasts import check_forecasts
from .presets import DEFAULT_PRESETS, forecast_definitions


class ForecastSet:
    """Scores forecasts by the definitions of `presets`; ValueError for an unknown one."""

    def __init__(self, presets: Sequence[str] = DEFAULT_PRESETS) -> None:
        self._definitions = forecast_definitions(tuple(presets))
        self._all = [
            definition for by_measure in self._definitions.values() for definition in by_measure.values()
        ]

    @property
    def starts(self) -> int:
        """How many starts, evenly spread over the test data, are wanted."""
        return max((definition.starts for definition in self._all), default=0)

    def steps(self, lyapunov_time: float) -> int:
        """How long a forecast is needed where a Lyapunov time is so many steps (NaN or infinite: none)."""
        return max((definition.forecast_steps(lyapunov_time) for definition in self._all), default=0)

    def evaluate(
        self, forecasts: ArrayLike, truth: ArrayLike, lyapunov_time: float
    ) -> dict[str, dict[str, float]]:
        """Every measure of every preset."""
        given, expected = check_forecasts(forecasts, truth)
        return {
            preset: {
                measure: definition.score(given, expected, lyapunov_time)
                for measure, definition in by_measure.items()
            }
            for preset, by_measure in self._definitions.items()
        }

    def definitions(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Settings of every measure as plain JSON types, for storing beside the values."""
        return {
            preset: {measure: definition.as_dict() for measure, definition in by_measure.items()}
            for preset, by_measure in self._definitions.items()
        }

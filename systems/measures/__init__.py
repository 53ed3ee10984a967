"""Measures of generated against true trajectories, one per file; `presets` names sets of definitions.

`MeasureSet` scores one long free run, `ForecastSet` many short ones from points of the truth.
"""

from .correlation_dimension import CorrelationDimension, correlation_dimension
from .forecast_set import ForecastSet
from .hellinger import Hellinger, hellinger
from .measure_set import MeasureSet
from .mixture_divergence import MixtureDivergence
from .outside_share import OutsideShare, outside_share
from .power_spectrum_correlation import PowerSpectrumCorrelation, power_spectrum_correlation
from .prediction_error import PredictionError
from .presets import DEFAULT_PRESETS, FORECASTS, PRESETS
from .sliced_wasserstein import SlicedWasserstein, sliced_wasserstein
from .state_space_divergence import StateSpaceDivergence, state_space_divergence
from .valid_prediction_time import ValidPredictionTime

__all__ = [
    "DEFAULT_PRESETS",
    "FORECASTS",
    "PRESETS",
    "CorrelationDimension",
    "ForecastSet",
    "Hellinger",
    "MeasureSet",
    "MixtureDivergence",
    "OutsideShare",
    "PowerSpectrumCorrelation",
    "PredictionError",
    "SlicedWasserstein",
    "StateSpaceDivergence",
    "ValidPredictionTime",
    "correlation_dimension",
    "hellinger",
    "outside_share",
    "power_spectrum_correlation",
    "sliced_wasserstein",
    "state_space_divergence",
]

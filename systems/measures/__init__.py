"""Measures of generated against true trajectories, one per file; `presets` names sets of definitions."""

from .hellinger import Hellinger, hellinger
from .measure_set import MeasureSet
from .mixture_divergence import MixtureDivergence
from .outside_share import OutsideShare, outside_share
from .power_spectrum_correlation import PowerSpectrumCorrelation, power_spectrum_correlation
from .presets import DEFAULT_PRESETS, PRESETS
from .state_space_divergence import StateSpaceDivergence, state_space_divergence

__all__ = [
    "DEFAULT_PRESETS",
    "PRESETS",
    "Hellinger",
    "MeasureSet",
    "MixtureDivergence",
    "OutsideShare",
    "PowerSpectrumCorrelation",
    "StateSpaceDivergence",
    "hellinger",
    "outside_share",
    "power_spectrum_correlation",
    "state_space_divergence",
]

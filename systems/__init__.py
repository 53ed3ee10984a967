"""Chaotic systems: simulation, Lyapunov exponents, and measures of generated against true trajectories.

`names()` and `get(name)` answer what systems there are; `dataset.load(name, cache=...)` makes or fetches
the standardised trajectories of one together with its exponents, floors and ceilings;
`measures.MeasureSet` scores what a trained network generates.
"""

from .base import DataError, SeriesError, System
from .flow import Flow
from .map import Map
from .raw import MissingDataError
from .recorded import Recorded
from .registry import (
    UnknownSystemError,
    collected,
    get,
    held,
    hold,
    hold_as,
    names,
    shipped,
    vary,
    written,
)
from .variant import VariantError, split

__all__ = [
    "DataError",
    "Flow",
    "Map",
    "MissingDataError",
    "Recorded",
    "SeriesError",
    "System",
    "UnknownSystemError",
    "VariantError",
    "collected",
    "get",
    "held",
    "hold",
    "hold_as",
    "names",
    "shipped",
    "split",
    "vary",
    "written",
]

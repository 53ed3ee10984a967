"""Chaotic systems: simulation, Lyapunov exponents, and measures of generated against true trajectories.

`names()` and `get(name)` answer what systems there are; `dataset.load(name, cache=...)` makes or fetches
the standardised trajectories of one together with its exponents, floors and ceilings;
`measures.MeasureSet` scores what a trained network generates.
"""

from .base import System
from .flow import Flow
from .registry import UnknownSystemError, get, names

__all__ = ["Flow", "System", "UnknownSystemError", "get", "names"]

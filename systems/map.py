"""Maps u ← f(u), declared with everything needed to turn them into data: an iteration is a step, `dt` is 1.

How equations are written: `equations`. Raises MapError where an orbit leaves the finite numbers, ValueError
where the parts of a declaration contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .base import DataError, FloatArray
from .equations import Equations
from .exponents import START_JITTER, LyapunovSpectrum, map_spectrum


class MapError(DataError, ArithmeticError):
    """An orbit leaves the finite numbers; the message names the system and says when."""


@dataclass(frozen=True)
class MapExponentSettings:
    """How exponents are taken."""

    members: int = 100
    """Orbits side by side, over which the standard error is taken."""
    iterations: int = 10_000
    transient: int = 100
    """Iterations in which the tangent vectors align."""


@dataclass(frozen=True, kw_only=True)
class Map(Equations):
    """One named map with its parameters, standardisation and citation."""

    dt: float = 1.0
    image: Callable[..., Sequence[Any]]
    """f(*components, **parameters) -> the n components one iteration later; floats or arrays of one shape."""
    transient: int = 1_000
    """Iterations thrown away before the first point of a trajectory."""
    exponent_settings: MapExponentSettings = field(default_factory=MapExponentSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dt != 1 or self.transient < 0:
            raise ValueError(f"system {self.name!r}: needs dt = 1, as of every map, and transient >= 0")

    @property
    def settings(self) -> Mapping[str, float]:
        return {key: value for key, value in super().settings.items() if key != "dt"}

    def step(self, state: FloatArray) -> FloatArray:
        """f(u) for states (..., n)."""
        return self.evaluate(self.image, state)

    def states(self, index: int = 0, *, n_points: int | None = None) -> FloatArray:
        """The orbit of `initial_condition(index)` after the transient: (n_points, n).

        Raises:
            MapError: it is not finite.
        """
        count = self.n_points if n_points is None else n_points
        orbit = np.empty((count, self.state_dimension))
        state = tuple(self.initial_condition(index).tolist())
        for place in range(-self.transient, count):
            try:
                state = tuple(self.image(*state, **self.parameters))
            except (OverflowError, ZeroDivisionError):  # of Python's own numbers, faster here than arrays
                state = (np.inf,) * self.state_dimension
            if not all(map(math.isfinite, state)):
                raise MapError(
                    f"system {self.name!r}, trajectory {index}: not finite from iteration "
                    f"{place + self.transient + 1:,} on"
                )
            if place >= 0:
                orbit[place] = state
        return orbit

    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        settings = self.exponent_settings
        index = np.linspace(0, len(states) - 1, settings.members).astype(np.int64)
        # Shifted a little, or members would retrace each other, one orbit all of them.
        noise = np.random.default_rng(0).standard_normal((settings.members, self.state_dimension))
        starts = states[index] + START_JITTER * states.std(axis=0) * noise
        try:
            return map_spectrum(
                self.step,
                self.jacobian,
                initial_states=starts,
                iterations=settings.iterations,
                transient=settings.transient,
            )
        except FloatingPointError as error:
            raise MapError(f"no exponents of {self.name!r} can be had: {error}") from error

    @property
    def modules(self) -> frozenset[str]:
        return self.modules_of(self.image) | {f"{__package__}.map"}

    @property
    def integration(self) -> Mapping[str, Any]:
        return {"method": "iteration"}

    def definition(self) -> dict[str, Any]:
        return {
            **super().definition(),
            "transient": self.transient,
            "exponents": asdict(self.exponent_settings),
        }

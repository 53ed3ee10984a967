"""Ordinary differential equations u̇ = f(u), declared with everything needed to turn them into data.

Time is in the units of the equations; `dt` is the time between two points of the data. How equations are
written: `equations`. Raises ValueError where the parts of a declaration contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .base import FloatArray, MotionError
from .equations import Equations
from .exponents import START_JITTER, ExponentSettings, LyapunovSpectrum, lyapunov_spectrum


@dataclass(frozen=True, kw_only=True)
class Flow(Equations):
    """One named ODE with its parameters, sampling, standardisation and citation."""

    derivatives: Callable[..., Sequence[Any]]
    """f(*components, **parameters) -> the n derivatives; components are floats or arrays of one shape."""
    transient_time: float
    """Time integrated and thrown away before the first point of a trajectory."""
    exponent_settings: ExponentSettings = field(default_factory=ExponentSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transient_time < 0:
            raise ValueError(f"system {self.name!r}: needs transient_time >= 0")

    def rhs(self, state: FloatArray) -> FloatArray:
        """u̇ for states (..., n)."""
        return self.evaluate(self.derivatives, state)

    def rhs_point(self, time: float, state: FloatArray) -> Sequence[float]:
        """u̇ of a single state, on Python floats: several times faster there than numpy on three numbers."""
        result: Sequence[float] = self.derivatives(*state.tolist(), **self.parameters)
        return result

    def states(self, index: int = 0, *, n_points: int | None = None) -> FloatArray:
        from .integrate import trajectory

        return trajectory(self, index, n_points=n_points)

    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        # Starts spread along the states; shifted a little, or members would retrace them and so each other.
        settings = self.exponent_settings
        index = np.linspace(0, len(states) - 1, settings.members).astype(np.int64)
        noise = np.random.default_rng(0).standard_normal((settings.members, self.state_dimension))
        starts = states[index] + START_JITTER * states.std(axis=0) * noise
        try:
            return lyapunov_spectrum(self.rhs, self.jacobian, initial_states=starts, settings=settings)
        except FloatingPointError as error:
            raise MotionError(
                f"no exponents of {self.name!r} can be had by steps of {settings.step:g}: {error}"
            ) from error

    @property
    def modules(self) -> frozenset[str]:
        kind = {f"{__package__}.{name}" for name in ("flow", "integrate")}
        return self.modules_of(self.derivatives) | kind

    @property
    def integration(self) -> Mapping[str, Any]:
        from .integrate import DEFINITION

        return DEFINITION

    def definition(self) -> dict[str, Any]:
        return {
            **super().definition(),
            "transient_time": float(self.transient_time),
            "exponents": asdict(self.exponent_settings),
        }

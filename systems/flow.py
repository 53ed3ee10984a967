"""Ordinary differential equations u̇ = f(u), declared with everything needed to turn them into data.

The equations are written once, on the components of the state. Given floats they serve the integrator, which
asks for one state at a time; given arrays they serve ensembles. Shapes: states are (..., n), Jacobians
(..., n, n) with entry [i, j] = ∂f_i/∂u_j. Time is in the units of the equations; `dt` is the time between two
points of the data. Equations with a periodic force have its phase as a state and are thereby autonomous.
Raises ValueError where the parts of a declaration contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .base import FloatArray, System
from .exponents import START_JITTER, ExponentSettings, LyapunovSpectrum, lyapunov_spectrum


@dataclass(frozen=True, kw_only=True)
class Flow(System):
    """One named ODE with its parameters, sampling, standardisation and citation."""

    equations: str
    """Name of the equations; systems that differ in their parameters alone share it."""
    parameters: Mapping[str, float] = field(hash=False)
    derivatives: Callable[..., Sequence[Any]]
    """f(*components, **parameters) -> the n derivatives; components are floats or arrays of one shape."""
    partials: Callable[..., Sequence[Sequence[Any]]]
    """Same arguments -> n rows of n partial derivatives; an entry may be a constant."""
    initial_state: tuple[float, ...]
    transient_time: float
    """Time integrated and thrown away before the first point of a trajectory."""
    state_variables: tuple[str, ...] = ()
    """Where the data are not the states themselves: the states' names."""
    observation: Callable[[FloatArray], FloatArray] | None = None
    """Then: states (T, n) -> data (T, N), with columns as `variables` names them."""
    exponent_settings: ExponentSettings = field(default_factory=ExponentSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.initial_state) != self.state_dimension:
            raise ValueError(
                f"system {self.name!r}: {self.state_dimension} variables, "
                f"but initial_state has {len(self.initial_state)}"
            )
        if self.transient_time < 0:
            raise ValueError(f"system {self.name!r}: needs transient_time >= 0")
        if bool(self.state_variables) != (self.observation is not None):
            raise ValueError(f"system {self.name!r}: state_variables and observation go together")

    @property
    def constants(self) -> Mapping[str, float]:
        return self.parameters

    @property
    def scored_dimension(self) -> int:
        return self.state_dimension if self.regressed_points else self.dimension

    @property
    def state_dimension(self) -> int:
        """n, components of the state."""
        return len(self.state_variables or self.variables)

    def rhs(self, state: FloatArray) -> FloatArray:
        """u̇ for states (..., n)."""
        out = np.empty_like(state)
        for i, derivative in enumerate(self.derivatives(*self._components(state), **self.parameters)):
            out[..., i] = derivative
        return out

    def jacobian(self, state: FloatArray) -> FloatArray:
        """∂f/∂u for states (..., n), as (..., n, n)."""
        out = np.zeros((*state.shape, self.state_dimension))
        for i, row in enumerate(self.partials(*self._components(state), **self.parameters)):
            for j, entry in enumerate(row):
                if not (isinstance(entry, float) and entry == 0.0):
                    out[..., i, j] = entry
        return out

    def _components(self, state: FloatArray) -> list[FloatArray]:
        return [state[..., i] for i in range(self.state_dimension)]

    def rhs_point(self, time: float, state: FloatArray) -> Sequence[float]:
        """u̇ of a single state, on Python floats: several times faster there than numpy on three numbers."""
        result: Sequence[float] = self.derivatives(*state.tolist(), **self.parameters)
        return result

    def initial_condition(self, index: int) -> FloatArray:
        """Start of trajectory `index`: 0 is `initial_state`; others lie near it, the same ones every time.

        After a transient of many Lyapunov times, nearby starts are independent draws from the attractor;
        staying near keeps them in the same basin where a system has more than one.
        """
        start = np.array(self.initial_state, dtype=np.float64)
        if index == 0:
            return start
        offset = np.random.default_rng(index).standard_normal(self.state_dimension)
        return np.asarray(start + 0.01 * np.maximum(1.0, np.abs(start)) * offset, dtype=np.float64)

    def states(self, index: int = 0, *, n_points: int | None = None) -> FloatArray:
        from .integrate import trajectory

        return trajectory(self, index, n_points=n_points)

    def observe(self, states: FloatArray) -> FloatArray:
        return states if self.observation is None else self.observation(states)

    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        # Starts spread along the states; shifted a little, or members would retrace them and so each other.
        settings = self.exponent_settings
        index = np.linspace(0, len(states) - 1, settings.members).astype(np.int64)
        noise = np.random.default_rng(0).standard_normal((settings.members, self.state_dimension))
        starts = states[index] + START_JITTER * states.std(axis=0) * noise
        return lyapunov_spectrum(self.rhs, self.jacobian, initial_states=starts, settings=settings)

    @property
    def modules(self) -> frozenset[str]:
        kind = {f"{__package__}.{name}" for name in ("flow", "integrate")}
        return frozenset({self.derivatives.__module__, *kind})

    @property
    def integration(self) -> Mapping[str, Any]:
        from .integrate import DEFINITION

        return DEFINITION

    def definition(self) -> dict[str, Any]:
        observed: dict[str, Any] = {}
        if self.state_variables:
            observed["state_variables"] = list(self.state_variables)
        if self.regressed_points:
            observed["regressed_points"] = self.regressed_points
        return {
            "equations": self.equations,
            "version": self.version,
            "variables": list(self.variables),
            **observed,
            "parameters": {key: float(value) for key, value in self.parameters.items()},
            "initial_state": [float(value) for value in self.initial_state],
            "dt": float(self.dt),
            "transient_time": float(self.transient_time),
            "n_points": self.n_points,
            "standardisation": self.standardisation,
            "exponents": asdict(self.exponent_settings),
        }

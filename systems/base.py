"""What a system is: an ordinary differential equation u̇ = f(u) with everything needed to turn it into data.

The equations are written once, on the components of the state. Given floats they serve the integrator, which
asks for one state at a time; given arrays they serve ensembles. Shapes: states are (..., N), Jacobians
(..., N, N) with entry [i, j] = ∂f_i/∂u_j. Time is in the units of the equations; `dt` is the time between two
points of the data. Raises ValueError where the parts of a declaration contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .exponents import ExponentSettings

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class System:
    """One named ODE with its parameters, sampling, standardisation and citation."""

    name: str
    description: str
    source: str
    """One line: where equations and parameters come from."""
    equations: str
    """Name of the equations; systems that differ in their parameters alone share it."""
    version: int = 1
    """Of the equations: raised when a correction changes the trajectory."""
    variables: tuple[str, ...]
    parameters: Mapping[str, float] = field(hash=False)
    derivatives: Callable[..., Sequence[Any]]
    """f(*components, **parameters) -> the N derivatives; components are floats or arrays of one shape."""
    partials: Callable[..., Sequence[Sequence[Any]]]
    """Same arguments -> N rows of N partial derivatives; an entry may be a constant."""
    initial_state: tuple[float, ...]
    dt: float
    transient_time: float
    """Time integrated and thrown away before the first point of a trajectory."""
    n_points: int = 100_000
    standardisation: Literal["per_dimension", "global"] = "per_dimension"
    """`per_dimension`: each column to mean 0, SD 1. `global`: one mean and one SD for all columns."""
    exponent_settings: ExponentSettings = field(default_factory=ExponentSettings)

    def __post_init__(self) -> None:
        if len(self.initial_state) != self.dimension:
            raise ValueError(
                f"system {self.name!r}: {self.dimension} variables, "
                f"but initial_state has {len(self.initial_state)}"
            )
        if not self.dt > 0 or self.n_points < 2 or self.transient_time < 0:
            raise ValueError(f"system {self.name!r}: needs dt > 0, n_points >= 2, transient_time >= 0")
        if self.standardisation not in ("per_dimension", "global"):
            raise ValueError(
                f"system {self.name!r}: standardisation must be 'per_dimension' or 'global', "
                f"not {self.standardisation!r}"
            )

    @property
    def dimension(self) -> int:
        return len(self.variables)

    def rhs(self, state: FloatArray) -> FloatArray:
        """u̇ for states (..., N)."""
        out = np.empty_like(state)
        for i, derivative in enumerate(self.derivatives(*self._components(state), **self.parameters)):
            out[..., i] = derivative
        return out

    def jacobian(self, state: FloatArray) -> FloatArray:
        """∂f/∂u for states (..., N), as (..., N, N)."""
        out = np.empty((*state.shape, self.dimension))
        for i, row in enumerate(self.partials(*self._components(state), **self.parameters)):
            for j, entry in enumerate(row):
                out[..., i, j] = entry
        return out

    def _components(self, state: FloatArray) -> list[FloatArray]:
        return [state[..., i] for i in range(self.dimension)]

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
        offset = np.random.default_rng(index).standard_normal(self.dimension)
        return np.asarray(start + 0.01 * np.maximum(1.0, np.abs(start)) * offset, dtype=np.float64)

    def standardise(self, trajectory: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and SD, each (N,), by which data of this system are standardised, from raw (T, N)."""
        if self.standardisation == "global":
            mean, sd = float(trajectory.mean()), float(trajectory.std())
            return np.full(self.dimension, mean), np.full(self.dimension, sd)
        return trajectory.mean(axis=0), trajectory.std(axis=0)

    def definition(self) -> dict[str, Any]:
        """What decides the trajectories, as plain JSON types; texts that only describe are left out."""
        return {
            "equations": self.equations,
            "version": self.version,
            "variables": list(self.variables),
            "parameters": {key: float(value) for key, value in self.parameters.items()},
            "initial_state": [float(value) for value in self.initial_state],
            "dt": float(self.dt),
            "transient_time": float(self.transient_time),
            "n_points": self.n_points,
            "standardisation": self.standardisation,
            "exponents": asdict(self.exponent_settings),
        }

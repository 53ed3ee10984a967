"""Equations that are written once, on the components of the state: what flows and maps have in common.

Given floats they serve what asks for one state at a time; given arrays they serve ensembles. Shapes: states
are (..., n), Jacobians (..., n, n) with entry [i, j] = ∂f_i/∂u_j. Equations with a periodic force have its
phase as a state and are thereby autonomous. Raises ValueError where parts of a declaration contradict each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from .base import FloatArray, System


@dataclass(frozen=True, kw_only=True)
class Equations(System):
    """One named set of equations f with its parameters, start, standardisation and citation."""

    equations: str
    """Name of the equations; systems that differ in their parameters alone share it."""
    parameters: Mapping[str, float] = field(hash=False)
    partials: Callable[..., Sequence[Sequence[Any]]]
    """g(*components, **parameters) -> n rows of n partial derivatives of f; components are floats or arrays
    of one shape, and an entry may be a constant."""
    initial_state: tuple[float, ...]
    state_variables: tuple[str, ...] = ()
    """Where the data are not the states themselves: the states' names."""
    observation: Callable[[FloatArray], FloatArray] | None = None
    """Then: states (T, n) -> data (T, N), with columns as `variables` names them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.initial_state) != self.state_dimension:
            raise ValueError(
                f"system {self.name!r}: {self.state_dimension} variables, "
                f"but initial_state has {len(self.initial_state)}"
            )
        if bool(self.state_variables) != (self.observation is not None):
            raise ValueError(f"system {self.name!r}: state_variables and observation go together")

    @property
    def constants(self) -> Mapping[str, float]:
        return self.parameters

    @property
    def settings(self) -> Mapping[str, float]:
        return {**self.parameters, "dt": self.dt, **super().settings}

    @property
    def scored_dimension(self) -> int:
        return self.state_dimension if self.regressed_points else self.dimension

    @property
    def state_dimension(self) -> int:
        """n, components of the state."""
        return len(self.state_variables or self.variables)

    def evaluate(self, function: Callable[..., Sequence[Any]], state: FloatArray) -> FloatArray:
        """The n values of a function of the components, for states (..., n)."""
        out = np.empty_like(state)
        for i, value in enumerate(function(*self._components(state), **self.parameters)):
            out[..., i] = value
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

    def observe(self, states: FloatArray) -> FloatArray:
        return states if self.observation is None else self.observation(states)

    def modules_of(self, *functions: Callable[..., Any]) -> frozenset[str]:
        """Names of the modules of what is declared here, of these functions, and of ours that they call."""
        own: list[Callable[..., Any]] = [self.partials, *functions]
        if self.observation is not None:
            own.append(self.observation)
        return frozenset({f"{__package__}.equations", *_modules_behind(own)})

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
            "n_points": self.n_points,
            "standardisation": self.standardisation,
        }


def _modules_behind(functions: Sequence[Callable[..., Any]]) -> set[str]:
    """Names of the modules of functions, and of the functions and modules in this package that they name."""
    found: set[str] = set()
    left, seen = list(functions), set(map(id, functions))
    while left:
        function = left.pop()
        found.add(function.__module__)
        code = getattr(function, "__code__", None)
        for name in code.co_names if code is not None else ():
            named = function.__globals__.get(name)
            if isinstance(named, ModuleType) and named.__name__.startswith(f"{__package__}."):
                found.add(named.__name__)
            elif (
                isinstance(named, FunctionType)
                and named.__module__.startswith(f"{__package__}.")
                and id(named) not in seen
            ):
                seen.add(id(named))
                left.append(named)
    return found

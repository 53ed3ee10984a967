"""The systems of the package `dysts` by name, as `dysts:Thomas`: equations theirs, exponents computed here.

W. Gilpin, Chaos as an interpretable benchmark for forecasting and data-driven modelling, NeurIPS (2021).

Parameters, initial states and periods are the package's too. Data are what the package gives: of unbounded
coordinates, as phases are, its own bounded functions, while the coordinates are states (`Flow.observation`);
of delay equations, delays spread over the delay. One point every hundredth of a period, or nearly, in the
units of the equations. The exponents in the package's table are not used: `adaptive` finds them, with
Jacobians by central differences, of a relative error near 1e-10.

Shapes: states (T, n), data (T, N). Raises CollectionError where there is no such system, and where its chaos
does not last: PanXuZhou comes to rest, solutions from beside Sakarya's attractor leave it for infinity.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import numpy as np

from .adaptive import AdaptiveSettings, lyapunov_spectrum
from .base import DataError, FloatArray, System
from .collection_source import (
    DIFFERENCE,
    JUMP_WIDTH,
    JUMPS,
    DelayedDifferences,
    DelayedEquation,
    Differences,
    Equations,
    digest,
    model_of,
    parameters_of,
    table,
)
from .delay import HISTORIES, DelayEquation, DelayExponentSettings
from .exponents import LyapunovSpectrum
from .flow import Flow

PREFIX = "dysts:"
MODULES = frozenset(f"{__package__}.{name}" for name in ("collection", "collection_source", "adaptive"))
"""That serve these systems alone."""

POINTS_PER_PERIOD = 100
TRANSIENT_PERIODS = 300
STEPS_PER_DELAY = 200
START_SPREAD = 1e-4
"""Between starts, relative to a coordinate or, where that is less, its scale. Little, since some attractors
lie close to what leads away from them, and since another start of a conservative system is another energy."""
WANDERING = frozenset({"SprottDelay"})
"""Delay equations in sin x alone, whose x wanders from one period of the sine to the next: data are sin x."""
REST = 1e-3
"""A system that moves less in a period, in units of its scales, is at rest."""


class CollectionError(DataError, LookupError):
    """The collection has no such system, or is not installed, or the system has no chaotic attractor."""


@dataclass(frozen=True, kw_only=True)
class _Collected(System):
    code: str
    """Digest of the equations' text."""

    @property
    def identity(self) -> Mapping[str, Any]:
        from .hashing import trajectory_hash

        # Another version of the package may have other equations or parameters under this name.
        return {"name": self.name, "data": trajectory_hash(self)[:16]}

    @property
    def settings(self) -> Mapping[str, float]:
        # Sampling and exponents go by the package's periods and scales, which are those of its parameters.
        return {key: value for key, value in super().settings.items() if key in System.SETTINGS}


@dataclass(frozen=True, kw_only=True)
class CollectedFlow(_Collected, Flow):
    """One of the package's ordinary differential equations."""

    scales: tuple[float, ...]
    """How far each state ranges; an unbounded one, how far it gets in a period, and at least 1."""
    adaptive_settings: AdaptiveSettings = field(default_factory=AdaptiveSettings)

    def _spread(self, starts: FloatArray, seed: int) -> FloatArray:
        noise = np.random.default_rng(seed).standard_normal(starts.shape)
        return np.asarray(starts + START_SPREAD * np.minimum(np.abs(starts), self.scales) * noise)

    def initial_condition(self, index: int) -> FloatArray:
        start = np.array(self.initial_state, dtype=np.float64)
        return self._spread(start, index) if index else start

    def states(self, index: int = 0, *, n_points: int | None = None) -> FloatArray:
        states = super().states(index, n_points=n_points)
        end = states[-POINTS_PER_PERIOD:]
        if len(end) == POINTS_PER_PERIOD and (np.ptp(end, axis=0) < REST * np.array(self.scales)).all():
            raise CollectionError(f"system {self.name!r} comes to rest: its chaos does not last")
        return states

    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        index = np.linspace(0, len(states) - 1, self.adaptive_settings.members).astype(np.int64)
        try:
            return lyapunov_spectrum(
                self.rhs,
                self.jacobian,
                initial_states=self._spread(states[index], 0),
                scales=np.array(self.scales),
                unit=self.dt * POINTS_PER_PERIOD,
                settings=self.adaptive_settings,
            )
        except FloatingPointError as error:
            raise CollectionError(f"no exponents of {self.name!r} can be had: {error}") from error

    @property
    def modules(self) -> frozenset[str]:
        return super().modules | MODULES

    @property
    def integration(self) -> Mapping[str, Any]:
        return {**super().integration, "starts": f"within {START_SPREAD:g}"}

    def definition(self) -> dict[str, Any]:
        jumps = {"jump_width": JUMP_WIDTH} if self.equations.removeprefix(PREFIX) in JUMPS else {}
        return {
            **super().definition(),
            **jumps,
            "code": self.code,
            "scales": list(self.scales),
            "exponents": asdict(self.adaptive_settings),
        }


@dataclass(frozen=True, kw_only=True)
class CollectedDelay(_Collected, DelayEquation):
    """One of the package's delay equations."""

    adaptive_settings: AdaptiveSettings = field(
        default_factory=lambda: AdaptiveSettings(members=128, most_steps=100_000)
    )
    """Of which the step is no part: it is `steps_per_delay`."""

    @property
    def _wanders(self) -> bool:
        return self.equations.removeprefix(PREFIX) in WANDERING

    def initial_history(self, index: int) -> float:
        noise = float(np.random.default_rng(index).standard_normal()) if index else 0.0
        return self.initial_value * (1.0 + START_SPREAD * noise)

    def observe(self, states: FloatArray) -> FloatArray:
        return super().observe(np.sin(states) if self._wanders else states)

    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        rule, delay = self.adaptive_settings, self.parameters[self.delay]
        longest = rule.most_steps * delay / self.steps_per_delay
        first = self._spectrum(states, min(10 * delay, longest / 2), min(10 * delay, longest / 2))
        rate = max(first.exponents[0], rule.least_rate / max(delay, self.dt * POINTS_PER_PERIOD))
        transient = min(rule.alignment / rate, longest / 2)
        time = 1.1 * first.time * (first.standard_errors[0] / (rule.precision * rate)) ** 2
        return self._spectrum(states, transient, min(max(time, 10 * delay), longest - transient))

    def _spectrum(self, states: FloatArray, transient: float, time: float) -> LyapunovSpectrum:
        settings = DelayExponentSettings(
            members=self.adaptive_settings.members, transient=transient, time=time
        )
        try:
            return DelayEquation.spectrum(replace(self, exponent_settings=settings), states)
        except FloatingPointError as error:
            raise CollectionError(f"no exponents of {self.name!r} can be had: {error}") from error

    @property
    def modules(self) -> frozenset[str]:
        return super().modules | MODULES

    @property
    def integration(self) -> Mapping[str, Any]:
        return {**super().integration, "starts": f"within {START_SPREAD:g}"}

    def definition(self) -> dict[str, Any]:
        wanders = {"observed": "sine"} if self._wanders else {}
        return {
            **super().definition(),
            **wanders,
            "code": self.code,
            "exponents": {**asdict(self.adaptive_settings), **HISTORIES},
        }


def names() -> tuple[str, ...]:
    """Names of all systems of the collection, sorted; none where the package is not installed."""
    return tuple(sorted(PREFIX + name for name in table()))


def get(name: str) -> System | None:
    """The system of this name; None for a name that does not begin with `dysts:`.

    Raises:
        CollectionError: the package is not installed, or has no such system; says which name is near.
    """
    if not name.lower().startswith(PREFIX):
        return None
    if not table():
        raise CollectionError(
            f"system {name!r} is of the package dysts, which is not installed: pip install 'orch-dsr[dysts]'"
        )
    if name not in names():
        lower = {known.lower(): known for known in names()}
        near = [lower[close] for close in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
        hint = f": did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise CollectionError(f"the package dysts has no system {name!r}{hint}")
    return _system(name.removeprefix(PREFIX))


@cache
def _system(system: str) -> System:
    entry = table()[system]
    common = {
        "name": PREFIX + system,
        "description": " ".join(entry["description"].split()),
        "source": f"{entry['citation'].strip()} (dysts {version('dysts')})",
        "equations": PREFIX + system,
        "parameters": parameters_of(system),
        "transient_time": TRANSIENT_PERIODS * float(entry["period"]),
        "code": digest(system),
    }
    return (_delay if entry["delay"] else _flow)(system, entry, common)


def _flow(system: str, entry: Mapping[str, Any], common: dict[str, Any]) -> CollectedFlow:
    parameters, period = common["parameters"], float(entry["period"])
    values = tuple(parameters.values())
    model = model_of(system, values, False)
    start = [float(x) for x in entry["initial_conditions"]]
    rates = [[float(rate) for rate in model.rhs(np.array(start), time)] for time in (0.0, 0.123 * period)]
    timed = rates[0] != rates[1]
    scales = [float(sd) for sd in entry["std"]]
    for i in entry["unbounded_indices"]:
        scales[i] = max(1.0, abs(rates[0][i]) * period / (2 * math.pi))
    if timed:
        start, scales = [*start, 0.0], [*scales, period]
    derivatives = Equations(system, tuple(parameters), timed)
    near = np.array(start) + 1e-3 * np.outer(np.arange(3), scales)
    if not derivatives.agree(near, parameters):
        raise CollectionError(
            f"the equations of {PREFIX + system!r} are written in a way that is not understood"
        )

    if hasattr(model, "_rhs"):
        state_variables = tuple(inspect.signature(model._rhs).parameters)[: len(rates[0])]
    else:
        state_variables = tuple(f"x{i}" for i in range(len(rates[0])))
    state_variables += ("t",) * timed
    variables, observation = state_variables, None
    if timed or hasattr(model, "_postprocessing"):
        observation = partial(_observe, system, values)
        same = (observation(near) == near[:, : len(rates[0])]).all(axis=0)
        variables = tuple(
            v if kept else f"{v}_bounded" for v, kept in zip(state_variables, same, strict=False)
        )
    return CollectedFlow(
        **common,
        variables=variables,
        state_variables=state_variables if observation else (),
        observation=observation,
        dt=period / POINTS_PER_PERIOD,
        derivatives=derivatives,
        partials=Differences(derivatives, tuple(DIFFERENCE * scale for scale in scales)),
        initial_state=tuple(start),
        scales=tuple(scales),
    )


def _observe(system: str, values: tuple[float, ...], states: FloatArray) -> FloatArray:
    """Bounded functions of the states; where time is the last of them, all but time."""
    model = model_of(system, values, False)
    if hasattr(model, "_postprocessing"):
        return np.column_stack(model._postprocessing(*states.T))
    return states[:, :-1]


def _delay(system: str, entry: Mapping[str, Any], common: dict[str, Any]) -> CollectedDelay:
    delay, dimension = common["parameters"]["tau"], int(entry["embedding_dimension"])
    points = max(dimension - 1, round(POINTS_PER_PERIOD * delay / float(entry["period"])))
    derivative = DelayedEquation(system, tuple(common["parameters"]))
    return CollectedDelay(
        **common,
        variables=tuple(f"x_{i}" for i in range(dimension)),
        dt=delay / points,
        delay="tau",
        derivative=derivative,
        partials=DelayedDifferences(derivative, DIFFERENCE * float(np.mean(entry["std"]))),
        initial_value=float(entry["initial_conditions"][0]),
        lag=round(points / (dimension - 1)),
        steps_per_delay=points * math.ceil(STEPS_PER_DELAY / points),
    )

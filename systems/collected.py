"""Flows and delay equations of the package `dysts`, as kinds of systems; `collection` has them by name.

Exponents are found by `adaptive`. Shapes: states (T, n), data (T, N). Raises CollectionError where chaos does
not last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from .adaptive import AdaptiveSettings, lyapunov_spectrum
from .base import DataError, FloatArray, System
from .collection_source import JUMP_WIDTH, JUMPS
from .delay import HISTORIES, DelayEquation, DelayExponentSettings
from .exponents import LyapunovSpectrum
from .flow import Flow

PREFIX = "dysts:"
MODULES = frozenset(
    f"{__package__}.{name}" for name in ("collection", "collected", "collection_source", "adaptive")
)
"""That serve these systems alone."""

POINTS_PER_PERIOD = 100
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

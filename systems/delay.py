"""Delay differential equations ẋ = f(x(t), x(t − ρ)) of one variable, turned into embedded data.

    x̂_t = (x(t), x(t − l), …, x(t − (N − 1) l))      l: `lag` steps of the data

The state of such an equation is a function, x on the last interval of length ρ. It is held on a grid of step
h = ρ / `steps_per_delay` and followed by classical Runge-Kutta steps (A. Bellen & M. Zennaro, Numerical
Methods for Delay Differential Equations, 2003); half a step into the past, where a step needs x between two
points of the grid, it is interpolated by the cubic through the four nearest, so that the whole is of fourth
order. Its Lyapunov exponents are those of this discretised state: J. D. Farmer, Physica D 4, 366 (1982).

Shapes: states (T, 1), x every `dt`, beginning (N − 1) l steps before the first row of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .base import FloatArray, MotionError, System
from .embedding import embed
from .exponents import LyapunovSpectrum, spectrum_by_qr

PAST = 2
"""Points of the grid beyond the delay that the interpolation at its far end needs."""
MOST_STEPS = 10_000
"""Of integration in a step of the data."""
HISTORIES = {"histories": "of the solution"}
"""From which exponents start, for their identity: constants, at first, from which some leave for infinity."""


@dataclass(frozen=True, kw_only=True)
class DelayExponentSettings:
    """How the exponents of a delay equation are computed. Times in units of the system."""

    members: int = 128
    exponents: int = 4
    transient: float = 50.0
    time: float = 400.0


@dataclass(frozen=True, kw_only=True)
class DelayEquation(System):
    """One named delay equation with its parameters, embedding, sampling and citation."""

    equations: str
    parameters: Mapping[str, float] = field(hash=False)
    delay: str
    """Which of the parameters is ρ."""
    derivative: Callable[..., Any]
    """f(x, x_delayed, **parameters without ρ) -> ẋ, of floats or of arrays of one shape."""
    partials: Callable[..., tuple[Any, Any]]
    """Same arguments -> ∂f/∂x, ∂f/∂x_delayed."""
    initial_value: float
    """x before time 0, constant; other trajectories start from others near it."""
    lag: int
    steps_per_delay: int
    transient_time: float
    exponent_settings: DelayExponentSettings = field(default_factory=DelayExponentSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.parameters[self.delay] > 0:
            raise ValueError(
                f"system {self.name!r}: {self.delay}, the delay, must be above 0, not "
                f"{self.parameters[self.delay]:g}"
            )
        ratio = self.dt / self._step
        if ratio > MOST_STEPS:
            raise ValueError(
                f"system {self.name!r}: dt {self.dt:g} is more than {MOST_STEPS} steps of integration "
                f"({self._step:g}, the delay over steps_per_delay)"
            )
        if abs(ratio - round(ratio)) > 1e-9:
            raise ValueError(
                f"system {self.name!r}: dt {self.dt:g} is no multiple of the step of integration, "
                f"{self._step:.10g}, which is {self.delay} / {self.steps_per_delay}; "
                f"dt={max(1, round(ratio)) * self._step:.10g} is the nearest"
            )

    @property
    def constants(self) -> Mapping[str, float]:
        return self.parameters

    @property
    def settings(self) -> Mapping[str, float]:
        return {**self.parameters, "dt": self.dt, **super().settings}

    def measure(self, states: FloatArray) -> FloatArray:
        return self.observe(self.with_noise(states))  # what is measured once stands in several columns

    @property
    def modules(self) -> frozenset[str]:
        kind = {f"{__package__}.{name}" for name in ("delay", "embedding")}
        return frozenset({self.derivative.__module__, *kind})

    @property
    def _step(self) -> float:
        return self.parameters[self.delay] / self.steps_per_delay

    @property
    def _others(self) -> dict[str, float]:
        return {key: value for key, value in self.parameters.items() if key != self.delay}

    def initial_history(self, index: int) -> float:
        """x before time 0 of trajectory `index`."""
        start = self.initial_value
        if index:
            start += 0.1 * max(1.0, abs(start)) * float(np.random.default_rng(index).standard_normal())
        return start

    def states(self, index: int = 0, *, n_points: int | None = None) -> FloatArray:
        count = (self.n_points if n_points is None else n_points) + self.lag * (self.dimension - 1)
        every = round(self.dt / self._step)
        skip = round(self.transient_time / self._step)
        start = self.initial_history(index)
        h, m, f, others = self._step, self.steps_per_delay, self.derivative, self._others
        x = [start] * (m + PAST)
        for k in range(len(x) - 1, len(x) - 1 + skip + every * (count - 1)):
            # Plain floats: one number at a time, numpy would take ten times as long.
            u, a, b = x[k], x[k - m], x[k - m + 1]
            middle = (9.0 * (a + b) - x[k - m - 1] - x[k - m + 2]) / 16.0
            k1 = f(u, a, **others)
            k2 = f(u + 0.5 * h * k1, middle, **others)
            k3 = f(u + 0.5 * h * k2, middle, **others)
            k4 = f(u + h * k3, b, **others)
            x.append(u + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4))
        points = np.array(x[len(x) - 1 - every * (count - 1) :: every])
        if not np.isfinite(points).all():
            raise MotionError(f"system {self.name!r}, trajectory {index}: not finite")
        return points[:, None]

    def observe(self, states: FloatArray) -> FloatArray:
        return embed(states[:, 0], dimension=self.dimension, delay=self.lag)

    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        """The first few exponents, of the discretised state, from histories drawn from `states`."""
        settings, h, m = self.exponent_settings, self._step, self.steps_per_delay
        rng = np.random.default_rng(0)
        held = m + PAST
        history = self._histories(states[:, 0], held, settings.members, rng)
        tangent = rng.standard_normal((settings.members, held, settings.exponents))
        f, partials, others = self.derivative, self.partials, self._others

        def slope(
            u: FloatArray, past: FloatArray, v: FloatArray, dpast: FloatArray
        ) -> tuple[FloatArray, FloatArray]:
            here, there = partials(u, past, **others)
            return f(u, past, **others), here[:, None] * v + there[:, None] * dpast

        def advance(state: FloatArray, tangents: FloatArray) -> tuple[FloatArray, FloatArray]:
            """One delay ahead: m steps of every member and its tangent vectors."""
            x = np.concatenate([state, np.empty((len(state), m))], axis=1)
            d = np.concatenate([tangents, np.empty((len(state), m, tangents.shape[2]))], axis=1)
            for k in range(held - 1, held - 1 + m):
                u, a, b = x[:, k], x[:, k - m], x[:, k - m + 1]
                v, da, db = d[:, k], d[:, k - m], d[:, k - m + 1]
                middle = (9.0 * (a + b) - x[:, k - m - 1] - x[:, k - m + 2]) / 16.0
                dm = (9.0 * (da + db) - d[:, k - m - 1] - d[:, k - m + 2]) / 16.0
                k1, t1 = slope(u, a, v, da)
                k2, t2 = slope(u + 0.5 * h * k1, middle, v + 0.5 * h * t1, dm)
                k3, t3 = slope(u + 0.5 * h * k2, middle, v + 0.5 * h * t2, dm)
                k4, t4 = slope(u + h * k3, b, v + h * t3, db)
                x[:, k + 1] = u + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
                d[:, k + 1] = v + h / 6.0 * (t1 + 2.0 * (t2 + t3) + t4)
            return x[:, m:], d[:, m:]

        delay = self.parameters[self.delay]
        return spectrum_by_qr(
            advance,
            history,
            tangent,
            interval=delay,
            transient_intervals=round(settings.transient / delay),
            intervals=round(settings.time / delay),
            method=f"tangent dynamics on {held} points of the past, Runge-Kutta 4 of step {h:g}",
        )

    def _histories(self, x: FloatArray, held: int, members: int, rng: np.random.Generator) -> FloatArray:
        """Pieces of the solution x, (T,) every `dt`, on the grid of the integration: (members, held)."""
        from scipy.interpolate import CubicSpline

        ends = (len(x) - 1) * self.dt - rng.uniform(0.0, (len(x) - 1) * self.dt - held * self._step, members)
        times = ends[:, None] - self._step * np.arange(held - 1, -1, -1)
        return np.asarray(CubicSpline(self.dt * np.arange(len(x)), x)(times))

    @property
    def integration(self) -> Mapping[str, Any]:
        return {"method": "Runge-Kutta 4, cubic history", "starts": "v1"}

    def definition(self) -> dict[str, Any]:
        return {
            "equations": self.equations,
            "version": self.version,
            "variables": list(self.variables),
            "parameters": {key: float(value) for key, value in self.parameters.items()},
            "delay": self.delay,
            "initial_value": float(self.initial_value),
            "lag": self.lag,
            "steps_per_delay": self.steps_per_delay,
            "dt": float(self.dt),
            "transient_time": float(self.transient_time),
            "n_points": self.n_points,
            "standardisation": self.standardisation,
            "exponents": {**asdict(self.exponent_settings), **HISTORIES},
        }

"""Lyapunov spectra of flows and maps by tangent dynamics with QR, over an ensemble, and the prediction time.

    u̇ = f(u),   Ẏ = J(u) Y,   λ_i = lim (1/t) Σ ln |R_ii|   with Y = Q R taken every few steps

G. Benettin et al., Meccanica 15, 9 (1980); I. Shimada & T. Nagashima, Prog. Theor. Phys. 61, 1605 (1979).
State and tangent vectors go together through classical Runge-Kutta steps, all members of the ensemble at
once. The tangent vectors start as one random orthogonal frame (the identity would stay in an invariant
subspace of a triangular Jacobian) and are turned by QR through the transient too, so that they are aligned
when counting starts.

The standard error is taken across members, which are independent if their starting points are spread along
the attractor: unlike that of successive blocks of one trajectory it needs no assumption about block
length.

Shapes: initial states (members, N), Jacobians (members, N, N). Units: exponents in 1/time. Raises
ValueError for settings or shapes that make no sense, FloatingPointError where the solution is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
VectorField = Callable[[FloatArray], FloatArray]


START_JITTER = 0.01
"""Shift, in SDs, of the points of a trajectory from which an ensemble starts."""


@dataclass(frozen=True, kw_only=True)
class ExponentSettings:
    """How exponents are computed. Times in units of the system, `step` of the Runge-Kutta method likewise."""

    members: int = 512
    step: float = 0.005
    steps_per_qr: int = 10
    transient: float = 10.0
    time: float = 30.0

    def __post_init__(self) -> None:
        if self.members < 2 or not self.step > 0 or self.steps_per_qr < 1:
            raise ValueError(
                "exponents need members >= 2 (for a standard error), step > 0, steps_per_qr >= 1"
            )
        if self.transient < 0 or self.time < self.step * self.steps_per_qr:
            raise ValueError("exponents need transient >= 0 and time of at least one QR interval")


@dataclass(frozen=True)
class LyapunovSpectrum:
    """Exponents in falling order, 1/time, each with its standard error over the members of the ensemble."""

    exponents: tuple[float, ...]
    standard_errors: tuple[float, ...]
    time: float
    """Averaging time of each member; the ensemble holds `members` times as much."""
    members: int
    method: str
    log_distance: tuple[float, ...] = ()
    """Where estimated from data: the log-divergence curve whose slope the first exponent is,"""
    other_windows: tuple[float, float] | None = None
    """the least and the greatest slope that could as well have been read off (`Estimate.other_windows`),"""
    surrogates: tuple[float, ...] = ()
    """and the slopes that noise of the same values and spectrum has over the same window."""


def lyapunov_spectrum(
    rhs: VectorField, jacobian: VectorField, *, initial_states: FloatArray, settings: ExponentSettings
) -> LyapunovSpectrum:
    """Spectrum of u̇ = rhs(u) from an ensemble (members, N); `settings.members` is not looked at here."""
    if initial_states.ndim != 2 or len(initial_states) < 2:
        raise ValueError(f"initial_states must be (members >= 2, N), not {initial_states.shape}")
    interval = settings.step * settings.steps_per_qr

    def advance(state: FloatArray, tangent: FloatArray) -> tuple[FloatArray, FloatArray]:
        for _ in range(settings.steps_per_qr):
            state, tangent = _runge_kutta(rhs, jacobian, state, tangent, settings.step)
        return state, tangent

    return spectrum_by_qr(
        advance,
        initial_states,
        _frames(*initial_states.shape),
        interval=interval,
        transient_intervals=round(settings.transient / interval),
        intervals=max(1, round(settings.time / interval)),
        method=f"variational equations, Runge-Kutta 4 of step {settings.step:g}",
    )


def map_spectrum(
    step: VectorField,
    jacobian: VectorField,
    *,
    initial_states: FloatArray,
    iterations: int = 10_000,
    transient: int = 100,
) -> LyapunovSpectrum:
    """Spectrum of u ← step(u) from an ensemble (members, N), per iteration.

    Raises:
        ValueError: there are fewer than two members.
        FloatingPointError: an orbit leaves the finite numbers.
    """
    if initial_states.ndim != 2 or len(initial_states) < 2:
        raise ValueError(f"initial_states must be (members >= 2, N), not {initial_states.shape}")
    return spectrum_by_qr(
        lambda state, tangent: (step(state), jacobian(state) @ tangent),
        initial_states,
        _frames(*initial_states.shape),
        interval=1.0,
        transient_intervals=transient,
        intervals=iterations,
        method="tangent map",
    )


def spectrum_by_qr(
    advance: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    state: FloatArray,
    tangent: FloatArray,
    *,
    interval: float,
    transient_intervals: int,
    intervals: int,
    method: str,
) -> LyapunovSpectrum:
    """Exponents from the growth of tangent vectors (members, n, k) along states (members, n).

    Args:
        advance: state and tangent vectors one `interval` further.
        transient_intervals: intervals with QR that do not count yet.

    Raises:
        FloatingPointError: a state or a tangent vector is no longer finite.
    """
    state = np.array(state, dtype=np.float64)
    growth = np.zeros((len(state), tangent.shape[2]))
    with np.errstate(all="ignore"):  # what overflows is caught below, once, by name
        for k in range(transient_intervals + intervals):
            state, tangent = advance(state, tangent)
            if not (np.isfinite(state).all() and np.isfinite(tangent).all()):
                raise FloatingPointError(f"solution is not finite at time {(k + 1) * interval:g}")
            tangent, upper = np.linalg.qr(tangent)
            if k >= transient_intervals:
                growth += np.log(np.abs(np.diagonal(upper, axis1=-2, axis2=-1)))
    rates = growth / (intervals * interval)
    mean = rates.mean(axis=0)
    error = rates.std(axis=0, ddof=1) / math.sqrt(len(rates))
    order = np.argsort(-mean)
    return LyapunovSpectrum(
        exponents=tuple(mean[order].tolist()),
        standard_errors=tuple(error[order].tolist()),
        time=intervals * interval,
        members=len(rates),
        method=(
            f"{method}, QR every {interval:g}, transient {transient_intervals * interval:g}, "
            "standard error over members"
        ),
    )


def _frames(members: int, dimension: int) -> FloatArray:
    """One random orthogonal frame for every member: the identity would stay in an invariant subspace of a
    triangular Jacobian."""
    frame, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((dimension, dimension)))
    return np.broadcast_to(frame, (members, dimension, dimension)).copy()


def _runge_kutta(
    rhs: VectorField, jacobian: VectorField, state: FloatArray, tangent: FloatArray, step: float
) -> tuple[FloatArray, FloatArray]:
    """One classical step of state and tangent vectors together: the tangent map of the state's own step."""
    half = 0.5 * step
    k1, t1 = rhs(state), jacobian(state) @ tangent
    u = state + half * k1
    k2, t2 = rhs(u), jacobian(u) @ (tangent + half * t1)
    u = state + half * k2
    k3, t3 = rhs(u), jacobian(u) @ (tangent + half * t2)
    u = state + step * k3
    k4, t4 = rhs(u), jacobian(u) @ (tangent + step * t3)
    sixth = step / 6.0
    return state + sixth * (k1 + 2.0 * (k2 + k3) + k4), tangent + sixth * (t1 + 2.0 * (t2 + t3) + t4)


def prediction_time_steps(lambda_max: float, dt: float, *, standard_error: float = 0.0) -> float:
    """τ_pred = ln 2 / (λ_max dt): steps in which an error doubles; NaN unless λ_max > 0.

    Args:
        standard_error: of λ_max; what is not above two of them is no evidence of λ_max > 0, as of a cycle.
    """
    grows = lambda_max > 0 and not lambda_max <= 2 * standard_error
    return math.log(2.0) / (lambda_max * dt) if grows else math.nan

"""Lyapunov spectra of flows of which little is known: every member of the ensemble goes at its own step.

As in `exponents`, tangent dynamics with QR over an ensemble. The step, there given, is found here by the
embedded pair of J. R. Dormand & P. J. Prince, J. Comput. Appl. Math. 6, 19 (1980), so that stiff equations,
kinks and near collisions are followed without a setting. The error of tangent vectors is controlled as that
of states is: a kink, harmless to a state, turns them.

How long the ensemble runs is found too: until λ_max has the standard error wanted, or the steps are used up.
Where nothing is chaotic, distances grow in proportion to time, by ln(1 + t/t₀) in a time t after a transient
t₀, in all members alike: their scatter does not show it. A λ_max not far above the rate of that has it as its
standard error.

Shapes: states (members, n), the vector field and its Jacobian as in `flow`. Units: exponents in 1/time.
Raises FloatingPointError where no step is small enough, or too many are needed, as where a solution leaves
the attractor for infinity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .exponents import FloatArray, LyapunovSpectrum, VectorField

STEPS_PER_QR = 4
"""Few enough: in a stable step tangent vectors shrink by little more than e³."""

FAR_TOO_MANY = 3

_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


@dataclass(frozen=True, kw_only=True)
class AdaptiveSettings:
    """How exponents are computed. Rates are per `unit`, a time that is typical of the system."""

    members: int = 256
    tolerance: float = 1e-5
    """Of the error of a step: of states in units of their scales, of a tangent vector relative to it."""
    precision: float = 0.025
    """Standard error of λ_max that is wanted, relative to λ_max."""
    least_rate: float = 0.05
    """A smaller λ_max is not resolved any better than this one would be."""
    shear: float = 3.0
    """λ_max of so many times the rate of a growth in proportion to time is told from it."""
    alignment: float = 10.0
    """The transient in 1/λ_max: tangent vectors align, and members that retrace each other part."""
    most_steps: int = 20_000
    """Of each member, about; the transient takes half of them at most. A member that needs `FAR_TOO_MANY`
    times as many does not share the attractor of the others."""


def lyapunov_spectrum(
    rhs: VectorField,
    jacobian: VectorField,
    *,
    initial_states: FloatArray,
    scales: FloatArray,
    unit: float,
    settings: AdaptiveSettings,
) -> LyapunovSpectrum:
    """Spectrum of u̇ = rhs(u) from an ensemble (members, n); `settings.members` is not looked at here.

    Args:
        scales: how far each component of the state ranges, (n,).
        unit: of time, typical of the system.

    Raises:
        FloatingPointError: no step is small enough, or a member needs far more steps than the others.
    """
    ensemble = _Ensemble(
        rhs,
        jacobian,
        initial_states,
        scales=scales,
        tolerance=settings.tolerance,
        most_steps=FAR_TOO_MANY * settings.most_steps,
    )
    transient = time = unit
    ensemble.advance(transient)
    growth = ensemble.advance(time)
    steps_per_time = ensemble.steps / (transient + time)

    def wanted() -> tuple[float, float]:
        """Transient and time by what is known so far."""
        first = growth[:, np.argmax(growth.mean(axis=0))] / time
        rate = max(float(first.mean()), settings.least_rate / unit)
        error = float(first.std(ddof=1)) / math.sqrt(len(first))
        return settings.alignment / rate, time * (error / (settings.precision * rate)) ** 2

    longest = settings.most_steps / steps_per_time
    needed = min(wanted()[0], longest / 2)
    if needed > transient:
        if needed > transient + time:
            ensemble.advance(needed - transient - time)
        transient, time = max(needed, transient + time), unit
        growth = ensemble.advance(time)
    while (more := min(1.1 * wanted()[1], longest - transient) - time) > 0.01 * time:
        growth += ensemble.advance(more)
        time += more
    rates = growth / time
    mean, error = rates.mean(axis=0), rates.std(axis=0, ddof=1) / math.sqrt(len(rates))
    order = np.argsort(-mean)
    shear = math.log1p(time / transient) / time
    if abs(mean[order[0]]) < settings.shear * shear:
        error[order[0]] = max(error[order[0]], shear)
    return LyapunovSpectrum(
        exponents=tuple(mean[order].tolist()),
        standard_errors=tuple(error[order].tolist()),
        time=time,
        members=len(rates),
        method=(
            f"variational equations, Dormand-Prince 5(4) of tolerance {settings.tolerance:g}, QR every "
            f"{STEPS_PER_QR} steps, transient {transient:g}, standard error over members"
        ),
    )


class _Ensemble:
    """States and tangent vectors in one array (members, n, 1 + n); every member has a clock and a step."""

    def __init__(
        self,
        rhs: VectorField,
        jacobian: VectorField,
        states: FloatArray,
        *,
        scales: FloatArray,
        tolerance: float,
        most_steps: int,
    ) -> None:
        members, n = states.shape
        self._rhs, self._jacobian, self._tolerance = rhs, jacobian, tolerance
        self._scales = scales[:, None]
        frame, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((n, n)))
        frames = np.broadcast_to(self._scales * frame, (members, n, n))
        self._points = np.concatenate([states[:, :, None], frames], axis=2)
        with np.errstate(all="ignore"):
            speed = np.abs(rhs(states)) / scales
            self._step = 0.001 / np.maximum(speed.max(axis=1), np.finfo(np.float64).tiny)
        self.steps, self._most_steps = 0, most_steps

    def advance(self, time: float) -> FloatArray:
        """All members `time` ahead: how much their tangent vectors grew meanwhile, ln, (members, n)."""
        growth = np.zeros(self._points.shape[:2])
        left = np.full(len(growth), time)
        with np.errstate(all="ignore"):  # a step that overflows is refused
            while left.any():
                slope = self._slope(self._points)
                for _ in range(STEPS_PER_QR):
                    slope, left = self._advance_once(slope, left)
                frames, upper = np.linalg.qr(self._points[:, :, 1:] / self._scales)
                growth += np.log(np.abs(np.diagonal(upper, axis1=1, axis2=2)))
                self._points[:, :, 1:] = self._scales * frames
                if ((left > 0) & (self._step < 1e-13 * time)).any():
                    raise FloatingPointError(f"no step is small enough at time {time - left.max():g}")
                if self.steps > self._most_steps:
                    farthest = np.abs(self._points[np.argmax(left), :, 0] / self._scales[:, 0]).max()
                    raise FloatingPointError(
                        f"{(left > 0).sum()} of {len(left)} solutions from near the attractor did not end "
                        f"in {self.steps} steps; one is at {farthest:.0f} times the attractor's size"
                    )
        return growth

    def _slope(self, points: FloatArray) -> FloatArray:
        states, tangents = points[:, :, 0], points[:, :, 1:]
        return np.concatenate([self._rhs(states)[:, :, None], self._jacobian(states) @ tangents], axis=2)

    def _advance_once(self, slope: FloatArray, left: FloatArray) -> tuple[FloatArray, FloatArray]:
        """A step of each member that is not at its end; slope and time left after it."""
        step = np.minimum(self._step, left)
        h = step[:, None, None]
        slopes, new = [slope], self._points
        for row in _STAGES:
            new = self._points + h * sum(a * k for a, k in zip(row, slopes, strict=True) if a)
            slopes.append(self._slope(new))
        error = h * sum(e * k for e, k in zip(_ERROR, slopes, strict=True) if e) / self._scales
        length = np.linalg.norm(new / self._scales[None], axis=1, keepdims=True)
        length[:, :, 0] = 1.0
        worst = (np.abs(error) / length).max(axis=(1, 2)) / self._tolerance
        worst = np.where(np.isfinite(worst), worst, math.inf)
        accepted = worst <= 1.0
        factor = np.clip(0.9 * np.maximum(worst, 1e-10) ** -0.2, 0.2, 5.0)
        # A step cut short by the end of the interval says nothing about the next one.
        self._step = np.where(accepted & (step < self._step), self._step, step * factor)
        self._points = np.where(accepted[:, None, None], new, self._points)
        self.steps += 1
        return np.where(accepted[:, None, None], slopes[-1], slope), np.where(accepted, left - step, left)

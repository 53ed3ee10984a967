"""Trajectories of an ODE at equal time steps, by an adaptive multistep method at tight tolerance.

LSODA (Petzold 1983; Adams of variable order, up to 12, which turns to BDF where the equations are stiff)
through `scipy.integrate.odeint`. On Lorenz-63 at a tolerance of 1e-10 this takes about 1 s for 100,000
points, against about 15 s with DOP853 of `solve_ivp`, whose steps and dense output run in Python.

Deterministic: same system, index and scipy build, same numbers. Between builds, trajectories of a chaotic
system part after some tens of Lyapunov times, since rounding differs; their statistics do not. Raises
IntegrationError where the solver gives up or the solution leaves the finite numbers.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.integrate import ODEintWarning, odeint

from .base import DataError, FloatArray
from .flow import Flow

RELATIVE_TOLERANCE = 1e-10
ABSOLUTE_TOLERANCE = 1e-10
# The transient is one output interval, so the default limit of 500 internal steps per interval is far too
# low.
_MAX_STEPS_PER_INTERVAL = 50_000_000
_MAX_STEPS_OF_VARIANT = 2_000_000
"""The same where parameters are a user's, whose solutions may leave for infinity ever more slowly."""

DEFINITION = {"method": "LSODA", "rtol": RELATIVE_TOLERANCE, "atol": ABSOLUTE_TOLERANCE, "starts": "v1"}
"""What decides a trajectory besides the system, as plain JSON types."""


class IntegrationError(DataError, ArithmeticError):
    """The equations could not be integrated; the message names the system and says how far it got."""


def trajectory(system: Flow, index: int = 0, *, n_points: int | None = None) -> FloatArray:
    """States of trajectory `index` of `system` after its transient: (n_points, n), every `dt`.

    Different indices start from different initial conditions (`Flow.initial_condition`); after the
    transient they are independent.
    """
    count = system.n_points if n_points is None else n_points
    start = system.initial_condition(index)
    times = np.concatenate(([0.0], system.transient_time + system.dt * np.arange(count)))
    if system.transient_time == 0:
        times = times[1:]
    with warnings.catch_warnings():
        # odeint reports failure by a warning and returns uninitialised rows.
        warnings.simplefilter("error", ODEintWarning)
        try:
            states = odeint(
                system.rhs_point,
                start,
                times,
                rtol=RELATIVE_TOLERANCE,
                atol=ABSOLUTE_TOLERANCE,
                tfirst=True,
                mxstep=_MAX_STEPS_OF_VARIANT if system.is_variant else _MAX_STEPS_PER_INTERVAL,
            )
        except (ODEintWarning, OverflowError) as error:
            gave_up = "the solver gave up: with these settings solutions may leave for infinity"
            why = gave_up if system.is_variant else error
            raise IntegrationError(f"system {system.name!r}, trajectory {index}: {why}") from error
    points: FloatArray = np.ascontiguousarray(states[-count:], dtype=np.float64)
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        time = system.transient_time + system.dt * int(np.argmin(finite))
        raise IntegrationError(
            f"system {system.name!r}, trajectory {index}: not finite from time {time:g} on"
        )
    return points

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
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import numpy as np

from .base import FloatArray, System
from .collected import POINTS_PER_PERIOD, PREFIX, CollectedDelay, CollectedFlow, CollectionError
from .collection_source import (
    DIFFERENCE,
    DelayedDifferences,
    DelayedEquation,
    Differences,
    Equations,
    digest,
    model_of,
    parameters_of,
    table,
)

TRANSIENT_PERIODS = 300
STEPS_PER_DELAY = 200


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

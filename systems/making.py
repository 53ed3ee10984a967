"""How the data of a system are made: what is trained and tested on, exponents, floors and ceilings.

`train` is trajectory 0 of the system, `test` trajectory 1: another initial condition, after a transient of
its own. Both are standardised by mean and SD of all of trajectory 0, without the noise and at the full length
of what is trained on where a variant has others: scores of variants are in one unit. Shapes (T, N), float64.

A recording has one trajectory: see `recorded`.

Floors: the measures with `test` as truth and an independent trajectory of the same system as 'generated',
averaged over three (train and two more): what a perfect model scores. Ceilings: the worst that can be
scored.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .base import TEST, TRAIN, DataError, FloatArray, System
from .exponents import LyapunovSpectrum
from .hashing import content_hash, trajectory_hash
from .measures.measure_set import MeasureSet

Values = dict[str, dict[str, float]]

STILL = 1e-9
"""Share of its largest value, or of 1, below which the SD of a variable is that of rounding."""


def make(system: System) -> tuple[dict[str, FloatArray], LyapunovSpectrum, dict[str, Any]]:
    """Arrays of a dataset, exponents, and what else there is to know of it, by the names of its fields.

    Raises:
        DataError: the data cannot be had, or nothing can be measured against those to test on, which are
            elsewhere than those to train on.
    """
    states, test_states = system.states(TRAIN), system.states(TEST)
    raw = system.observe(states)
    _check_motion(system, raw)
    mean, sd = system.standardise(raw)
    arrays = {
        "train": (system.measure(states)[: system.trained_points] - mean) / sd,
        "test": (system.observe(test_states) - mean) / sd,
        "mean": mean,
        "sd": sd,
    }
    trained_otherwise = _trained_otherwise(system)
    scored = _Scored(system, states)
    if system.regressed_points or trained_otherwise:
        arrays |= {"scored_train": scored(states), "scored_test": scored(test_states)}
    spectrum = system.spectrum(states)
    parts = {"train_parts": system.parts_of(TRAIN), "test_parts": system.parts_of(TEST)}
    try:
        measures = MeasureSet(scored(test_states), parts=parts["test_parts"])
    except ValueError as error:
        raise DataError(
            f"{system.name}: nothing can be measured against its test data ({error}): are they where those "
            "to train on are, or does the series drift?"
        ) from None
    about = {
        "system": system.name,
        "dt": system.dt,
        "variables": system.variables,
        "regressed_points": system.regressed_points,
        "is_recorded": system.is_recorded,
        "floors": _floors(system, states, test_states, scored, measures),
        "ceilings": measures.ceilings(),
        "content_hash": content_hash(system),
        "trajectory_hash": trajectory_hash(system),
        "standardisation": system.standardisation,
        "parameters": {**system.constants, **trained_otherwise},
        "source": system.source,
    }
    return arrays, spectrum, about | {name: some.lengths for name, some in parts.items() if some}


def _floors(
    system: System, states: FloatArray, test_states: FloatArray, scored: _Scored, measures: MeasureSet
) -> Values:
    """Mean scores, by preset and measure, of what is as good as the truth.

    Args:
        measures: against the test data.
    """
    scores = []
    for pair in system.floor_pairs(states, test_states):
        against = measures
        if pair.truth is not test_states:
            against = MeasureSet(scored(pair.truth), parts=pair.truth_parts)
        scores.append(against.evaluate(scored(pair.generated), parts=pair.generated_parts))
    return {
        preset: {
            measure: math.fsum(score[preset][measure] for score in scores) / len(scores) for measure in values
        }
        for preset, values in scores[0].items()
    }


class _Scored:
    """From states to what is scored, standardised as the training states are."""

    def __init__(self, system: System, train_states: FloatArray) -> None:
        self._of = (lambda states: states) if system.regressed_points else system.observe
        train = self._of(train_states)
        if system.regressed_points:
            self._mean, self._sd = train.mean(axis=0), train.std(axis=0)
        else:
            self._mean, self._sd = system.standardise(train)

    def __call__(self, states: FloatArray) -> FloatArray:
        standardised: FloatArray = (self._of(states) - self._mean) / self._sd
        return standardised


def _check_motion(system: System, data: FloatArray) -> None:
    """Raises DataError where a variable of a variant does not move: the attractor may be a point."""
    still = ~(data.std(axis=0) > STILL * np.maximum(1.0, np.abs(data).max(axis=0)))
    if system.is_variant and still.any():
        variable = system.variables[int(np.argmax(still))]
        raise DataError(f"system {system.name!r} comes to rest, at a fixed point: {variable} does not move")


def _trained_otherwise(system: System) -> dict[str, float]:
    """What of the data that are trained on is not as of most systems."""
    points = {"train_points": float(system.train_points)} if system.train_points else {}
    return {**points, **({"noise": system.noise} if system.noise else {})}

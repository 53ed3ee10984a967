"""What a trained network is worth: one free run per member, forecasts, and their measures."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from .diagnostics import Diagnosis, diagnose, landmarks
from .models.rollout import free_run, regressed_read_out
from .models.training import Stack
from .settings import EvaluationSettings
from .systems.dataset import Dataset
from .systems.making import Values
from .systems.measures import ForecastSet, MeasureSet
from .systems.measures.measure_set import SPECTRAL
from .systems.parts import Parts

BOUND = 1000.0
"""A free run that leaves ±BOUND standard deviations of the data is unbounded."""

COLUMNS = {
    ("orch", "d_stsp"): "d_stsp", ("orch", "d_h"): "d_h", ("orch", "psc"): "psc",
    ("orch", "outside_share"): "outside_share", ("orch", "sliced_wasserstein"): "sliced_wasserstein",
    ("orch", "correlation_dimension"): "correlation_dimension",
    ("orch", "prediction_error"): "prediction_error",
    ("orch", "valid_prediction_time"): "valid_prediction_time",
    ("published", "d_stsp"): "d_stsp_published", ("published", "d_h"): "d_h_published",
    ("published", "psc"): "psc_published", ("published", "prediction_error"): "prediction_error_published",
    ("gtf", "d_stsp"): "d_stsp_gtf", ("gtf", "d_h"): "d_h_gtf",
    ("gtf", "prediction_error"): "prediction_error_gtf",
}  # fmt: skip
"""(preset, measure) → column of a trial's row, and quantity of its curves."""


T = TypeVar("T")
R = TypeVar("R")

STEPS_PER_START, FEWEST_STARTS = 500, 10
"""Steps of the free run for each forecast: a short evaluation makes few."""

SHORT_TERM = ("d_stsp", "outside_share", "sliced_wasserstein")
"""Measures of where a trajectory dwells: they can be taken over many short runs as well as over one."""

WITH_FLOOR = ("d_stsp", *SPECTRAL)
"""Measures whose floor each trial has."""

PIECES = 10
"""Of a trajectory that is longer than free runs are, at the most, over which their floor is taken: one alone
may be off by a factor of two."""


@dataclass(frozen=True)
class Evaluation:
    """What one free run of a trained network came to."""

    values: Mapping[str, float | None]
    """Column → value; None where it cannot be measured."""
    unbounded_step: int | None
    """First step outside ±BOUND or not finite."""
    diagnosis: Diagnosis
    """What the network's dynamics are."""

    def curves(self) -> dict[str, float]:
        """What goes into the course of training, where it has a value."""
        exponent = self.diagnosis.columns["net_lambda_max"]
        found = {"unbounded_step": self.unbounded_step, **self.values, "net_lambda_max": exponent}
        return {quantity: value for quantity, value in found.items() if value is not None}


class Evaluator:
    """All that the networks of one cell are measured by."""

    def __init__(self, data: Dataset, settings: EvaluationSettings) -> None:
        self._data, self._settings = data, settings
        self._measures = MeasureSet(data.scored_test, parts=data.test_parts)
        self._forecasts = ForecastSet()
        self._lyapunov_time = data.tau_pred / math.log(2)
        steps = min(self._forecasts.steps(self._lyapunov_time), data.test_parts.longest // 2)
        starts = min(self._forecasts.starts, max(FEWEST_STARTS, settings.steps // STEPS_PER_START))
        places = data.test_parts.spread(steps, starts)
        self._forecast_starts = torch.from_numpy(data.test[places])
        self._forecast_truth = data.test[places[:, None] + np.arange(1, steps + 1)]

    def __call__(self, stack: Stack) -> list[Evaluation | None]:
        """Free run, forecasts and their measures of every member; None for one that diverged in training.

        With `settings.restart_every` as many short runs as make up `settings.steps` start on points of the
        test data, evenly spread; the measures in SHORT_TERM are theirs, the others those of the long run.
        """
        if stack.all_diverged:
            return [None] * stack.size
        data, steps, each = self._data, self._settings.steps, self._settings.restart_every
        start = torch.from_numpy(data.test[0])
        architecture, parameters = stack.architecture, stack.parameters()
        shown = None
        if data.regressed_points:
            states = torch.from_numpy(data.scored_test[1 : 1 + data.regressed_points])
            shown = regressed_read_out(architecture, parameters, start=start, states=states)
        run = free_run(
            architecture, parameters, start=start, steps=steps, shown=shown, landmarks=landmarks(steps)
        )
        short: Sequence[NDArray[np.float64] | None] = [None] * stack.size
        if each is not None:
            places = np.linspace(0, len(data.test) - 1, max(1, steps // each)).astype(np.int64)
            starts = torch.from_numpy(data.test[places])
            ran = free_run(architecture, parameters, start=starts, steps=each, shown=shown).series
            short = list(ran.reshape(stack.size, len(places), each, -1))
        ahead = self._forecast(stack)
        members = list(zip(run.series, short, ahead, stack.diverged_epoch, strict=True))
        measured = _each_in_turn(
            lambda member: None if member[3] is not None else self._measure(*member[:3]), members
        )
        unbounded = [_leaves(series) is not None for series in run.series]
        diagnoses = diagnose(stack, data, run, steps=steps, unbounded=unbounded)
        return [
            None if found is None else Evaluation(*found, diagnosis)
            for found, diagnosis in zip(measured, diagnoses, strict=True)
        ]

    def _forecast(self, stack: Stack) -> NDArray[np.float64]:
        """Of every member, from every start: (E, S, n, N)."""
        truth = self._forecast_truth
        ran = free_run(
            stack.architecture, stack.parameters(), start=self._forecast_starts, steps=truth.shape[1]
        ).series
        return ran.reshape(stack.size, *truth.shape)

    def _measure(
        self,
        run: NDArray[np.float64],
        short: NDArray[np.float64] | None,
        forecasts: NDArray[np.float64],
    ) -> tuple[dict[str, float | None], int | None]:
        """Measures of a long run (steps, N), of short ones (runs, steps, N) where there are such, and of
        forecasts; and the step at which the run leaves every bound.

        Whether a network is bounded is judged where D_stsp is taken: by the short runs, if any; of a long
        run that leaves every bound beside them the spectra are missing. Of one that is not bounded only
        forecasts have a measure.
        """
        left = _leaves(run)
        judged = left if short is None else min(filter(None, map(_leaves, short)), default=None)
        ahead = self._forecasts.evaluate(forecasts, self._forecast_truth, self._lyapunov_time)
        found = _by_column(ahead)
        if judged is None and left is None:
            found |= _by_column(self._measures.evaluate(run))
        if judged is None and short is not None:
            together = short.reshape(-1, short.shape[-1])
            found |= _by_column(self._measures.evaluate(together, only=SHORT_TERM))
        return {column: found.get(column) for column in COLUMNS.values()}, judged

    def definitions(self) -> dict[str, Any]:
        """Every definition by preset and measure, as it was used here, as plain JSON types."""
        starts, ahead = self._forecast_truth.shape[:2]
        forecasts = {
            preset: {name: {**one, "starts": starts} for name, one in by_measure.items()}
            for preset, by_measure in self._forecasts.definitions().items()
        }
        found: dict[str, Any] = {
            preset: {**measures, **forecasts.get(preset, {})}
            for preset, measures in self._measures.definitions().items()
        }
        # All of it is measured: code that others have released leaves out a first part.
        found["free_run"] = {"steps": self._settings.steps, "left_out": 0, "steps_ahead": ahead}
        if self._settings.restart_every is not None:
            found["restart_every"] = self._settings.restart_every
        return found

    def references(self) -> dict[str, float | None]:
        """Floors for free runs of this length, and the ceiling of D_stsp: they move with the sampling.

        At the data's own length the floor is the mean over independent trajectories that the dataset
        holds; at any other it is the mean over PIECES of one, of this length and apart (or as many, and as
        long, as there are). Of a recording, of which there is one trajectory, it is what the dataset holds
        at any length, but for spectra of runs that are shorter than the data: theirs is of PIECES too. The
        floor of a spectral measure is ∞ where no trajectory of this length has such a spectrum, and None
        where it has one and the floor is not known.
        """
        data, steps = self._data, self._settings.steps
        as_they_are = data.is_recorded or steps == data.n_points  # of a recording there is no other
        floors = data.floors if as_they_are else self._floors_of_pieces()
        ceilings = self._measures.ceilings(steps)
        in_a_row = data.test_parts.longest_of(data.scored_test)
        of_the_truth = self._measures.evaluate(in_a_row[:steps], only=SPECTRAL)
        of_spectra = floors
        if data.is_recorded and steps < len(in_a_row):
            # Spectra move with the length, and what is tested on is not always apart from what is trained on.
            apart = not np.array_equal(data.scored_train, data.scored_test)
            of_spectra = self._floors_of_pieces(SPECTRAL) if apart else {preset: {} for preset in floors}
        spectral = {
            f"floor_{COLUMNS[preset, measure]}": (
                math.inf
                if math.isnan(of_the_truth[preset][measure])
                else _known(of_spectra[preset].get(measure))
            )
            for preset in ("orch", "published")
            for measure in SPECTRAL
        }
        return spectral | {
            "floor_d_stsp": floors["orch"]["d_stsp"],
            "ceiling_d_stsp": ceilings["orch"]["d_stsp"],
            "floor_d_stsp_published": floors["published"]["d_stsp"],
            "ceiling_d_stsp_published": ceilings["published"]["d_stsp"],
        }

    def _floors_of_pieces(self, only: tuple[str, ...] = WITH_FLOOR) -> Values:
        """Of the data to train on, in pieces of the length of a free run, the mean of what each scores."""
        data, steps = self._data.scored_train, self._settings.steps
        # All of a trajectory, be it that less of it is trained on.
        parts = self._data.train_parts if self._data.is_recorded else Parts.of(data)
        length = min(steps, parts.longest)
        count = max(1, min(PIECES, sum(one // length for one in parts.lengths)))
        first = parts.spread(length - 1, count)
        scored = [self._measures.evaluate(data[at : at + length], only=only) for at in first]
        return {
            preset: {name: float(np.mean([piece[preset][name] for piece in scored])) for name in values}
            for preset, values in scored[0].items()
        }


def _each_in_turn(measure: Callable[[T], R], members: Sequence[T]) -> list[R]:
    """Of each what is measured; each of torch's threads has some."""
    threads = min(len(members), torch.get_num_threads())
    if threads == 1:
        return list(map(measure, members))
    # As in the worker's own thread: what is denormal is 0.
    with ThreadPoolExecutor(threads, initializer=torch.set_flush_denormal, initargs=(True,)) as pool:
        return list(pool.map(measure, members))


def _leaves(run: NDArray[np.float64]) -> int | None:
    """The first step outside every bound, counted from 1."""
    # NaN compares as outside, so that one test serves both ways of leaving.
    outside = ~(np.abs(run) <= BOUND).all(axis=1)
    return int(np.argmax(outside)) + 1 if outside.any() else None


def _by_column(values: Mapping[str, Mapping[str, float]]) -> dict[str, float | None]:
    """What was measured, by column."""
    return {
        column: _finite(values[preset][name])
        for (preset, name), column in COLUMNS.items()
        if name in values.get(preset, {})
    }


def _known(value: float | None) -> float | None:
    """Of stored floors, where what is not a number is null."""
    return None if value is None else _finite(value)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

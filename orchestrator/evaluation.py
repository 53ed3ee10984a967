"""What a trained network is worth: one free run per member, and its measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .models.rollout import free_run, regressed_read_out
from .models.training import Stack
from .settings import EvaluationSettings
from .systems.dataset import Dataset
from .systems.measures import MeasureSet

BOUND = 1000.0
"""A free run that leaves ±BOUND standard deviations of the data is unbounded."""

COLUMNS = {
    ("orch", "d_stsp"): "d_stsp", ("orch", "d_h"): "d_h", ("orch", "psc"): "psc",
    ("orch", "outside_share"): "outside_share",
    ("published", "d_stsp"): "d_stsp_published", ("published", "d_h"): "d_h_published",
    ("published", "psc"): "psc_published",
}  # fmt: skip
"""(preset, measure) → column of a trial's row, and quantity of its curves."""


SHORT_TERM = ("d_stsp", "outside_share")
"""Measures of where a trajectory dwells: they can be taken over many short runs as well as over one."""


@dataclass(frozen=True)
class Evaluation:
    """What one free run of a trained network came to."""

    values: Mapping[str, float | None]
    """Column → value; None where it cannot be measured."""
    unbounded_step: int | None
    """First step outside ±BOUND or not finite."""


def evaluate(
    stack: Stack, data: Dataset, measures: MeasureSet, *, settings: EvaluationSettings
) -> list[Evaluation | None]:
    """Free run and measures of every member of a stack; None for one that diverged in training.

    With `settings.restart_every` as many short runs as make up `settings.steps` start on points of the test
    data, evenly spread; the measures in SHORT_TERM are theirs, the others those of the long run.
    """
    if stack.all_diverged:
        return [None] * stack.size
    start = torch.from_numpy(data.test[0])
    parameters = stack.parameters()
    shown = None
    if data.regressed_points:
        states = torch.from_numpy(data.scored_test[1 : 1 + data.regressed_points])
        shown = regressed_read_out(stack.architecture, parameters, start=start, states=states)
    steps, each = settings.steps, settings.restart_every
    runs = free_run(stack.architecture, parameters, start=start, steps=steps, shown=shown)
    short: Sequence[NDArray[np.float64] | None] = [None] * stack.size
    if each is not None:
        places = np.linspace(0, len(data.test) - 1, max(1, steps // each)).astype(np.int64)
        starts = torch.from_numpy(data.test[places])
        ran = free_run(stack.architecture, parameters, start=starts, steps=each, shown=shown)
        short = list(ran.reshape(stack.size, len(places), each, -1))
    return [
        None if diverged is not None else _measure(run, pieces, measures)
        for run, pieces, diverged in zip(runs, short, stack.diverged_epoch, strict=True)
    ]


def _measure(run: NDArray[np.float64], short: NDArray[np.float64] | None, measures: MeasureSet) -> Evaluation:
    """Measures of a long run (steps, N) and, where there are such, of short ones (runs, steps, N).

    Whether a network is bounded is judged where D_stsp is taken: by the short runs, if any; of a long run
    that leaves every bound beside them the spectra are missing.
    """
    left = _leaves(run)
    judged = left if short is None else min(filter(None, map(_leaves, short)), default=None)
    if judged is not None:
        return Evaluation(dict.fromkeys(COLUMNS.values()), judged)
    found: dict[str, float | None] = {}
    if left is None:
        found = _by_column(measures.evaluate(run))
    if short is not None:
        of_short = _by_column(measures.evaluate(short.reshape(-1, short.shape[-1])))
        found |= {column: of_short[column] for (_, name), column in COLUMNS.items() if name in SHORT_TERM}
    return Evaluation({column: found.get(column) for column in COLUMNS.values()}, None)


def _leaves(run: NDArray[np.float64]) -> int | None:
    """The first step outside every bound, counted from 1."""
    # NaN compares as outside, so that one test serves both ways of leaving.
    outside = ~(np.abs(run) <= BOUND).all(axis=1)
    return int(np.argmax(outside)) + 1 if outside.any() else None


def _by_column(values: Mapping[str, Mapping[str, float]]) -> dict[str, float | None]:
    return {column: _finite(values[preset].get(name)) for (preset, name), column in COLUMNS.items()}


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def references(data: Dataset, measures: MeasureSet, *, steps: int) -> dict[str, float | None]:
    """Floor and ceiling of D_stsp for free runs of this length: both move with the sampling.

    None in a preset that does not define D_stsp for data of so many dimensions.

    At the data's own length the floor is the mean over independent trajectories that the dataset
    holds; at any other it is one trajectory's, cut to (or as long as there is) the length. Of a recording,
    of which there is one trajectory, it is what the dataset holds at any length.
    """
    as_they_are = data.is_recorded or steps == data.n_points  # of a recording there is no other trajectory
    floors = data.floors if as_they_are else measures.evaluate(data.scored_train[:steps])
    ceilings = measures.ceilings(steps)
    return {
        "floor_d_stsp": floors["orch"]["d_stsp"],
        "ceiling_d_stsp": ceilings["orch"]["d_stsp"],
        "floor_d_stsp_published": floors["published"].get("d_stsp"),
        "ceiling_d_stsp_published": ceilings["published"].get("d_stsp"),
    }

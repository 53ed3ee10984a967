"""What a trained network is worth: one free run per member, and its measures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .models.rollout import free_run, regressed_read_out
from .models.training import Stack
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


@dataclass(frozen=True)
class Evaluation:
    """What one free run of a trained network came to."""

    values: Mapping[str, float | None]
    """Column → value; None where it cannot be measured."""
    unbounded_step: int | None
    """First step outside ±BOUND or not finite."""


def evaluate(stack: Stack, data: Dataset, measures: MeasureSet, *, steps: int) -> list[Evaluation | None]:
    """Free run and measures of every member of a stack; None for one that diverged in training."""
    if stack.all_diverged:
        return [None] * stack.size
    start = torch.from_numpy(data.test[0])
    parameters = stack.parameters()
    shown = None
    if data.regressed_points:
        states = torch.from_numpy(data.scored_test[1 : 1 + data.regressed_points])
        shown = regressed_read_out(stack.architecture, parameters, start=start, states=states)
    runs = free_run(stack.architecture, parameters, start=start, steps=steps, shown=shown)
    return [
        None if diverged is not None else _measure(run, measures)
        for run, diverged in zip(runs, stack.diverged_epoch, strict=True)
    ]


def _measure(run: NDArray[np.float64], measures: MeasureSet) -> Evaluation:
    # NaN compares as outside, so that one test serves both ways of leaving every bound.
    outside = ~(np.abs(run) <= BOUND).all(axis=1)
    if outside.any():
        return Evaluation(dict.fromkeys(COLUMNS.values()), int(np.argmax(outside)) + 1)
    values = measures.evaluate(run)
    return Evaluation(
        {column: _finite(values[preset].get(name)) for (preset, name), column in COLUMNS.items()}, None
    )


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def references(data: Dataset, measures: MeasureSet, *, steps: int) -> dict[str, float | None]:
    """Floor and ceiling of D_stsp for free runs of this length: both move with the sampling.

    None in a preset that does not define D_stsp for data of so many dimensions.

    At the data's own length the floor is the mean over independent trajectories that the dataset
    holds; at any other it is one trajectory's, cut to (or as long as there is) the length.
    """
    floors = data.floors if steps == data.n_points else measures.evaluate(data.scored_train[:steps])
    ceilings = measures.ceilings(steps)
    return {
        "floor_d_stsp": floors["orch"]["d_stsp"],
        "ceiling_d_stsp": ceilings["orch"]["d_stsp"],
        "floor_d_stsp_published": floors["published"].get("d_stsp"),
        "ceiling_d_stsp_published": ceilings["published"].get("d_stsp"),
    }

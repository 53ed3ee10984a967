"""What a worker does with a stack: train, evaluate at checkpoints and at the end, journal the rows.

A stack is a list of trials of one cell. The worker leaves one journal file behind, on disk before
anything is reported: a row per trial, whatever became of it. A bug is an outcome too: its traceback
goes into `failed` rows and the study goes on.
"""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import journal, provenance
from .identity import Trial, canonical_json, digest
from .models.rollout import free_run
from .models.training import Stack
from .systems.dataset import Dataset, load
from .systems.measures import MeasureSet

BOUND = 1000.0
"""A free run that leaves ±BOUND standard deviations of the data is unbounded."""

CURVE_POINTS = 100
"""Points at which loss and gradient norm are kept, each the mean over the epochs since the last."""

COLUMNS = {
    ("orch", "d_stsp"): "d_stsp", ("orch", "d_h"): "d_h", ("orch", "psc"): "psc",
    ("orch", "outside_share"): "outside_share",
    ("published", "d_stsp"): "d_stsp_published", ("published", "d_h"): "d_h_published",
    ("published", "psc"): "psc_published",
}  # fmt: skip
"""(preset, measure) → column of a trial's row, and quantity of its curves."""

Progress = Callable[[int], None]
"""Called with the epoch that is done, often."""


@dataclass(frozen=True)
class Evaluation:
    """What one free run of a trained network came to."""

    values: dict[str, float | None]
    """Column → value; None where it cannot be measured."""
    unbounded_step: int | None
    """First step outside ±BOUND or not finite."""


def run_stack(
    trials: list[Trial],
    *,
    results: Path,
    device: str = "cpu",
    progress: Progress = lambda epoch: None,
) -> dict[str, int]:
    """Train and evaluate a stack and journal it.

    Args:
        trials: one or more trials of one cell.
        results: the results folder; rows go to its `journal/`, data come from its `systems/`.

    Returns:
        How many trials ended in each status. The rows are on disk.

    Raises:
        OSError: the journal cannot be written.
        ValueError: the trials are not of one cell.
    """
    if len({trial.cell_id for trial in trials}) != 1:
        raise ValueError("a stack holds trials of one cell")
    # Denormal numbers, which vanishing gradients are full of, are set to zero: processors compute them
    # many times slower. Set here, since it changes results, if only in the last digits.
    torch.set_flush_denormal(True)
    started = datetime.now(UTC)
    try:
        rows = _train_and_evaluate(trials, results=results, device=device, progress=progress)
    except Exception:  # a bug, whatever it is, is recorded and does not stop the study
        rows = [failed_row(trial, traceback.format_exc()) for trial in trials]
    stack_id = digest([trial.trial_id for trial in trials])[:16]
    common = {
        **provenance.collect(),
        "stack_id": stack_id,
        "stack_size": len(trials),
        "device": device,
        "threads": torch.get_num_threads(),
        "started_at": started,
        "finished_at": datetime.now(UTC),
    }
    name = f"{started:%Y%m%dT%H%M%S%f}-{stack_id}"
    journal.write(results / "journal", "trials", name, [{**row, **common} for row in rows])
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return counts


def _train_and_evaluate(
    trials: list[Trial], *, results: Path, device: str, progress: Progress
) -> list[dict[str, Any]]:
    cell = trials[0]
    data = load(cell.system, cache=results / "systems")
    measures = MeasureSet(data.test)
    stack = Stack(
        cell.architecture,
        cell.regime,
        settings=cell.training,
        series=data.train,
        seeds=[trial.seed for trial in trials],
        device=device,
    )
    course = _Course(stack.size, total=cell.training.epochs)
    evaluations: list[Evaluation | None] = [None] * stack.size
    evaluate_seconds, begin = 0.0, time.perf_counter()
    for stop in cell.evaluation.epochs(cell.training.epochs):
        while stack.epoch < stop and not stack.all_diverged:
            course.add(stack.epoch + 1, *stack.train_epoch())
            progress(stack.epoch)
        since = time.perf_counter()
        evaluations = evaluate(stack, data, measures, steps=cell.evaluation.steps)
        evaluate_seconds += time.perf_counter() - since
        course.add_evaluations(stack.epoch, evaluations)
        if stack.all_diverged:
            break
    train_seconds = time.perf_counter() - begin - evaluate_seconds
    definitions = canonical_json(measures.definitions())
    references = _references(data, measures, steps=cell.evaluation.steps)
    rows = []
    for member, trial in enumerate(trials):
        row = {
            **_settings_row(trial),
            **_outcome(stack, member, evaluations[member]),
            "final_loss": course.last_loss[member],
            "measure_definitions": definitions,
            **references,
            "system_hash": data.content_hash,
            "train_seconds": train_seconds,
            "evaluate_seconds": evaluate_seconds,
            "curves": course.points[member],
        }
        rows.append(row)
    return rows


def evaluate(stack: Stack, data: Dataset, measures: MeasureSet, *, steps: int) -> list[Evaluation | None]:
    """Free run and measures of every member of a stack; None for one that diverged in training."""
    if stack.all_diverged:
        return [None] * stack.size
    start = torch.from_numpy(data.test[0])
    runs = free_run(stack.architecture, stack.parameters(), start=start, steps=steps)
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
        {column: _finite(values[preset][name]) for (preset, name), column in COLUMNS.items()}, None
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _references(data: Dataset, measures: MeasureSet, *, steps: int) -> dict[str, float]:
    """Floor and ceiling of D_stsp for free runs of this length: both move with the sampling.

    At the data's own length the floor is the mean over independent trajectories that the dataset
    holds; at any other it is one trajectory's, cut to (or as long as there is) the length.
    """
    floors = data.floors if steps == data.n_points else measures.evaluate(data.train[:steps])
    # Where a run spends all its time in one place that the truth never visits.
    nowhere = np.full((steps, data.dimension), 2 * np.abs(data.test).max())
    ceiling = measures.evaluate(nowhere)["orch"]["d_stsp"]
    published = data.ceilings["published"]["d_stsp"]
    return {
        "floor_d_stsp": floors["orch"]["d_stsp"],
        "ceiling_d_stsp": ceiling,
        "floor_d_stsp_published": floors["published"]["d_stsp"],
        "ceiling_d_stsp_published": published,
    }


def _outcome(stack: Stack, member: int, evaluation: Evaluation | None) -> dict[str, Any]:
    epoch = stack.diverged_epoch[member]
    if epoch is not None:
        reason = f"loss or parameters no longer finite in epoch {epoch}"
        return {"status": "diverged", "reason": reason, "diverged_epoch": epoch}
    if evaluation is None:
        raise RuntimeError("a member that did not diverge was not evaluated")
    if evaluation.unbounded_step is not None:
        reason = f"free run left ±{BOUND:g} standard deviations at step {evaluation.unbounded_step}"
        return {"status": "unbounded", "reason": reason, "unbounded_step": evaluation.unbounded_step}
    return {"status": "ok", **evaluation.values}


def failed_row(trial: Trial, reason: str) -> dict[str, Any]:
    """The row of a trial that a bug or a lost worker kept from a result."""
    return {**_settings_row(trial), "status": "failed", "reason": reason, "curves": []}


def _settings_row(trial: Trial) -> dict[str, Any]:
    training = trial.training
    return {
        "trial_id": trial.trial_id,
        "cell_id": trial.cell_id,
        "context_id": trial.context_id,
        "context": trial.context_label,
        "config": canonical_json(trial.config),
        "system": trial.system,
        "architecture": trial.architecture.name,
        "regime": trial.regime.name,
        "regime_label": trial.regime_label,
        "tau": trial.tau,
        "seed": trial.seed,
        "latent_dim": trial.architecture.latent_dim,
        "epochs": training.epochs,
        "sequence_length": training.sequence_length,
        "batch_size": training.batch_size,
        "batches_per_epoch": training.batches_per_epoch,
        "learning_rate": training.learning_rate,
        "evaluation_steps": trial.evaluation.steps,
    }


class _Course:
    """The course of training: loss and gradient norm thinned to CURVE_POINTS, every evaluation."""

    def __init__(self, members: int, *, total: int) -> None:
        self.points: list[list[dict[str, Any]]] = [[] for _ in range(members)]
        self.last_loss: list[float | None] = [None] * members
        self._marks = {max(1, round(total * i / CURVE_POINTS)) for i in range(1, CURVE_POINTS + 1)}
        self._since: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []

    def add(self, epoch: int, loss: NDArray[np.float64], norm: NDArray[np.float64]) -> None:
        """Take in one epoch's loss and gradient norm, (E,) each, NaN where frozen."""
        self._since.append((loss, norm))
        for member in np.flatnonzero(np.isfinite(loss)):
            self.last_loss[member] = float(loss[member])
        if epoch in self._marks:
            means = np.array(self._since).mean(axis=0)
            for quantity, values in zip(("loss", "gradient_norm"), means, strict=True):
                self._put(epoch, quantity, values)
            self._since = []

    def add_evaluations(self, epoch: int, evaluations: list[Evaluation | None]) -> None:
        """Take in the measures of every member after an epoch."""
        for member, evaluation in enumerate(evaluations):
            if evaluation is not None:
                if evaluation.unbounded_step is not None:
                    self._append(member, epoch, "unbounded_step", evaluation.unbounded_step)
                for column, value in evaluation.values.items():
                    if value is not None:
                        self._append(member, epoch, column, value)

    def _put(self, epoch: int, quantity: str, values: NDArray[np.float64]) -> None:
        for member in np.flatnonzero(np.isfinite(values)):
            self._append(int(member), epoch, quantity, float(values[member]))

    def _append(self, member: int, epoch: int, quantity: str, value: float) -> None:
        self.points[member].append({"epoch": epoch, "quantity": quantity, "value": value})

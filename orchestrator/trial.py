"""What a worker does with a stack: train, evaluate at checkpoints and at the end, journal the rows.

A stack is a list of trials of one cell. The worker leaves one journal file behind, on disk before
anything is reported: a row per trial, whatever became of it. A bug is an outcome too: its traceback
goes into `failed` rows and the study goes on. A stack that was killed goes on from its checkpoint, and
one that memory does not hold is tried again in parts.
"""

import itertools
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

from . import journal, provenance, weights
from .begun import stack_id
from .checkpoint import SECONDS as CHECKPOINT_SECONDS
from .checkpoint import Keeper
from .course import Course
from .evaluation import BOUND, Evaluation, Evaluator
from .identity import Trial, canonical_json
from .models.training import Stack
from .systems.dataset import load

Progress = Callable[[int], None]
"""Called with the epoch that is done, often."""


@dataclass
class StackOutcome:
    """What became of a stack."""

    statuses: dict[str, int]
    """Status → trials."""
    error: str | None = None
    """The last line of the traceback, where a bug ended it."""

    def __add__(self, other: "StackOutcome") -> "StackOutcome":
        return StackOutcome(dict(Counter(self.statuses) + Counter(other.statuses)), self.error or other.error)


def run_stack(
    trials: list[Trial],
    *,
    results: Path,
    device: str = "cpu",
    progress: Progress = lambda epoch: None,
) -> StackOutcome:
    """Train and evaluate a stack and journal it; when this returns the rows are on disk.

    Args:
        trials: one or more trials of one cell.
        results: the results folder; rows go to its `journal/`, parameters to its `models/`, data come
            from its `systems/`.

    Raises:
        OSError: the journal or the parameters cannot be written.
        ValueError: the trials are not of one cell.
    """
    if len({trial.cell_id for trial in trials}) != 1:
        raise ValueError("a stack holds trials of one cell")
    # Denormal numbers, which vanishing gradients are full of, are set to zero: processors compute them
    # many times slower. Set here, since it changes results, if only in the last digits.
    torch.set_flush_denormal(True)
    started = datetime.now(UTC)
    ids = [trial.trial_id for trial in trials]
    name = stack_id(ids)
    memory = provenance.PeakMemory(device)
    keeper = Keeper(results, ids, fingerprint=provenance.fingerprint(trials[0]), device=device)
    try:
        rows = _train_and_evaluate(trials, keeper, results=results, device=device, progress=progress)
    except OSError:
        raise  # the disk's fault and not the trial's
    except Exception as error:  # a bug, whatever it is, is recorded and does not stop the study
        failure = "out_of_memory" if is_out_of_memory(error) else "bug"
        rows = [failed_row(trial, failure, traceback.format_exc()) for trial in trials]
    if len(trials) > 1 and rows[0].get("failure") == "out_of_memory":
        # Here, where the exception and all that its traceback held are gone.
        keeper.remove()
        return run_parts(trials, 2, results=results, device=device, progress=progress)
    common = {
        **provenance.collect(),
        "code_fingerprint": provenance.fingerprint(trials[0]),
        "stack_id": name,
        "stack_size": len(trials),
        "device": device,
        "threads": torch.get_num_threads(),
        "peak_memory_mib": memory.read(),
        "started_at": started,
        "finished_at": datetime.now(UTC),
    }
    file = f"{started:%Y%m%dT%H%M%S%f}-{name}"
    journal.write(results / "journal", "trials", file, [{**row, **common} for row in rows])
    keeper.remove()
    errors = [row["reason"].strip().splitlines()[-1] for row in rows if row.get("failure") == "bug"]
    return StackOutcome(dict(Counter(row["status"] for row in rows)), errors[0] if errors else None)


def run_parts(
    trials: list[Trial], parts: int, *, results: Path, device: str, progress: Progress
) -> StackOutcome:
    """Run a stack that memory does not hold in parts, one after the other; a part that is done stays done."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    bounds = [round(len(trials) * i / parts) for i in range(parts + 1)]
    outcome = StackOutcome({})
    for a, b in itertools.pairwise(bounds):
        outcome += _journalled(results, trials[a:b]) or run_stack(
            trials[a:b], results=results, device=device, progress=progress
        )
    return outcome


def _journalled(results: Path, trials: list[Trial]) -> StackOutcome | None:
    """What became of a stack that is in the journal already, before its worker was lost; else None."""
    name = stack_id([trial.trial_id for trial in trials])
    for path in (results / "journal" / "trials").glob(f"*-{name}.parquet"):
        statuses = Counter(pq.read_table(path, columns=["status"])["status"].to_pylist())
        if "failed" not in statuses:
            return StackOutcome(dict(statuses))
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory, of the GPU or of the machine, ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # PyTorch has no class of its own for a CPU that cannot allocate.
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def _train_and_evaluate(
    trials: list[Trial], keeper: Keeper, *, results: Path, device: str, progress: Progress
) -> list[dict[str, Any]]:
    cell = trials[0]
    data = load(cell.system, cache=results / "systems")
    evaluate = Evaluator(data, cell.evaluation)
    run = _Run(
        Stack(
            cell.architecture,
            cell.regime,
            settings=cell.training,
            series=data.train,
            seeds=[trial.seed for trial in trials],
            device=device,
        ),
        Course(len(trials), total=cell.training.epochs),
        keeper,
    )
    stack, course = run.stack, run.course
    evaluations: list[Evaluation | None] = [None] * stack.size
    for stop in cell.evaluation.epochs(cell.training.epochs) if cell.regime.trains else [0]:
        if stop < stack.epoch:
            continue  # done before the checkpoint that the run went on from
        if stop:
            run.train(until=stop, progress=progress)
        since = time.perf_counter()
        evaluations = evaluate(stack)
        run.seconds["evaluate"] += time.perf_counter() - since
        for member, evaluation in enumerate(evaluations):
            if evaluation is not None:
                for quantity, value in evaluation.curves().items():
                    course.append(member, stack.epoch, quantity, value)
                course.gradients[member] += [
                    {"epoch": stack.epoch, **row} for row in evaluation.diagnosis.gradients
                ]
        if stack.all_diverged:
            break
    definitions = canonical_json(evaluate.definitions())
    measured_against = evaluate.references()
    rows = []
    for member, trial in enumerate(trials):
        digest = weights.save(results, trial, stack.member_parameters(member))
        rows.append(
            {
                "parameters_digest": digest,
                **settings_row(trial),
                **_outcome(stack, member, evaluations[member]),
                "final_loss": course.last_loss[member],
                "measure_definitions": definitions,
                **measured_against,
                "system_hash": data.content_hash,
                "train_seconds": run.seconds["train"],
                "evaluate_seconds": run.seconds["evaluate"],
                "epochs_per_second": stack.epoch / max(run.seconds["train"], 1e-9),
                "resumed": run.resumed,
                "curves": course.points[member],
                "gradients": course.gradients[member],
            }
        )
    return rows


class _Run:
    """A stack in training, with what is kept of it, going on from its checkpoint where there is one."""

    def __init__(self, stack: Stack, course: Course, keeper: Keeper) -> None:
        self.stack, self.course, self.keeper = stack, course, keeper
        self.seconds = {"train": 0.0, "evaluate": 0.0}
        self.resumed = 0
        kept = keeper.load()
        if kept is not None:
            state = kept.state
            stack.restore(kept.tensors, epoch=state["epoch"], diverged_epoch=state["diverged_epoch"])
            course.restore(state["course"])
            self.seconds, self.resumed = state["seconds"], state["resumed"] + 1

    def train(self, *, until: int, progress: Progress) -> None:
        """Train to an epoch, with a checkpoint at its end and no longer than CHECKPOINT_SECONDS apart."""
        stack = self.stack
        since = last = time.perf_counter()
        while stack.epoch < until and not stack.all_diverged:
            self.course.add(stack.epoch + 1, *stack.train_epoch())
            progress(stack.epoch)
            now = time.perf_counter()
            if stack.epoch == until or now - last >= CHECKPOINT_SECONDS:
                self.seconds["train"] += now - since
                self._save()
                since = last = time.perf_counter()
        self.seconds["train"] += time.perf_counter() - since

    def _save(self) -> None:
        state = {
            "epoch": self.stack.epoch,
            "diverged_epoch": self.stack.diverged_epoch,
            "course": self.course.state(),
            "seconds": self.seconds,
            "resumed": self.resumed,
        }
        self.keeper.save(self.stack.tensors(), state)


def _outcome(stack: Stack, member: int, evaluation: Evaluation | None) -> dict[str, Any]:
    epoch = stack.diverged_epoch[member]
    if epoch is not None:
        reason = f"loss or parameters no longer finite in epoch {epoch}"
        return {"status": "diverged", "reason": reason, "diverged_epoch": epoch}
    if evaluation is None:
        raise RuntimeError("a member that did not diverge was not evaluated")
    if evaluation.unbounded_step is not None:
        reason = f"free run left ±{BOUND:g} standard deviations at step {evaluation.unbounded_step}"
        left = {"status": "unbounded", "reason": reason, "unbounded_step": evaluation.unbounded_step}
        return {**left, **evaluation.values, **evaluation.diagnosis.columns}
    return {"status": "ok", **evaluation.values, **evaluation.diagnosis.columns}


def failed_row(trial: Trial, failure: str, reason: str) -> dict[str, Any]:
    """The row of a trial without a result.

    Args:
        failure: `bug`, `out_of_memory` (of a single network) or `worker_lost`.
        reason: what is known of it; the traceback of a bug.
    """
    row = {**settings_row(trial), "status": "failed", "failure": failure, "reason": reason}
    return {**row, "curves": [], "gradients": []}


def settings_row(trial: Trial) -> dict[str, Any]:
    """The columns that say what a trial is."""
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

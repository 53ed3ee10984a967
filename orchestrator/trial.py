"""What a worker does with a stack: train, evaluate at checkpoints and at the end, journal the rows.

A stack is a list of trials of one context, on a CPU of one cell. The worker leaves one journal file behind,
on disk before anything is reported: a row per trial, whatever became of it. A bug is an outcome too: its
traceback goes into `failed` rows and the study goes on. A stack that was killed goes on from its checkpoint,
and one that memory does not hold is run in parts.
"""

import gc
import math
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

from . import gpu, journal, provenance, weights
from .begun import joined, mark_parts, stack_id
from .checkpoint import Keeper
from .course import Course
from .evaluation import BOUND, Evaluation, Evaluator
from .identity import Trial, canonical_json
from .models import rollout
from .models.out_of_memory import is_out_of_memory
from .models.training import Stack
from .pruning import Rival, hopeless
from .rows import SCORED_BY, StackOutcome, failed_row, settings_row
from .settings import EvaluationSettings
from .splitting import in_parts
from .systems.dataset import Dataset, load
from .training_run import Progress, TrainingRun


def run_stack(
    trials: Sequence[Trial],
    *,
    results: Path,
    device: str = "cpu",
    progress: Progress = lambda epoch: None,
    rival: Rival | None = None,
    anew: bool = False,
) -> StackOutcome:
    """Train and evaluate a stack and journal it; when this returns the rows are on disk.

    Args:
        trials: one or more trials of one context; those of a cell next to each other.
        results: the results folder; rows go to its `journal/`, parameters to its `models/`, data come
            from its `systems/`.
        rival: the best τ of a search so far; training ends early where it is hopeless beside it, and the
            checkpoint is kept, for a study that wants the trials to their end.
        anew: whether it is run to replace rows that other code has made.

    Raises:
        OSError: the journal or the parameters cannot be written.
        ValueError: the trials are not of one context.
    """
    if len({(trial.context_id, trial.regime.trains) for trial in trials}) != 1:
        raise ValueError("a stack holds trials of one context")
    # Denormal numbers, which vanishing gradients are full of, are set to zero: processors compute them
    # many times slower. Set here, since it changes results, if only in the last digits.
    torch.set_flush_denormal(True)
    started = datetime.now(UTC)
    ids = [trial.trial_id for trial in trials]
    name = stack_id(ids)
    memory = provenance.PeakMemory(device)
    made_by = joined(provenance.fingerprint(trial) for trial in trials)
    keeper = Keeper(results, ids, fingerprint=made_by, device=device)
    computed_by: dict[str, str] = {}
    try:
        # What was begun fitted.
        begun_here = keeper.path.exists() and keeper.load() is not None
        count = 1 if begun_here else gpu.parts(trials, results=results, device=device)
        if count > 1:
            mark_parts(results, ids, count)  # whoever tries again finds the same parts
            return run_parts(
                trials, count, results=results, device=device, progress=progress, rival=rival, anew=anew
            )
        rows, computed_by = _train_and_evaluate(
            trials, keeper, results=results, device=device, progress=progress, rival=rival
        )
    except OSError:
        raise  # the disk's fault and not the trial's
    except Exception as error:  # a bug, whatever it is, is recorded and does not stop the study
        failure = "out_of_memory" if is_out_of_memory(error) else "bug"
        rows = [failed_row(trial, failure, traceback.format_exc()) for trial in trials]
    if len(trials) > 1 and rows[0].get("failure") == "out_of_memory":
        # Here, where the exception and all that its traceback held are gone.
        keeper.remove()
        return run_parts(trials, 2, results=results, device=device, progress=progress, rival=rival, anew=anew)
    common = {
        **provenance.collect(),
        "packages": provenance.packages(**computed_by, **provenance.card(device)),
        "stack_id": name,
        "stack_size": len(trials),
        "anew": anew,
        "device": device,
        "threads": torch.get_num_threads(),
        "peak_memory_mib": memory.read(),
        "started_at": started,
        "finished_at": datetime.now(UTC),
    }
    file = f"{started:%Y%m%dT%H%M%S%f}-{name}"
    told = [
        {**row, **common, "code_fingerprint": provenance.fingerprint(trial)}
        for row, trial in zip(rows, trials, strict=True)
    ]
    journal.write(results / "journal", "trials", file, told)
    outcome = StackOutcome.of(rows)
    if "pruned" not in outcome.statuses:
        keeper.remove()
    return outcome


def run_parts(
    trials: Sequence[Trial],
    parts: int,
    *,
    results: Path,
    device: str,
    progress: Progress,
    rival: Rival | None = None,
    anew: bool = False,
) -> StackOutcome:
    """Run a stack that memory does not hold in parts, one after the other; a part that is done stays done."""
    if device.startswith("cuda"):
        gc.collect()  # what failed may hold itself, and with it a recording's memory
        torch.cuda.empty_cache()
    outcome = StackOutcome({})
    for part in in_parts(trials, parts):
        outcome += _journalled(results, part) or run_stack(
            part, results=results, device=device, progress=progress, rival=rival, anew=anew
        )
    return outcome


def _journalled(results: Path, trials: Sequence[Trial]) -> StackOutcome | None:
    """What became of a stack that this code has in the journal already, before its worker was lost; else
    None."""
    name = stack_id([trial.trial_id for trial in trials])
    made_by = {trial.trial_id: provenance.fingerprint(trial) for trial in trials}
    for path in (results / "journal" / "trials").glob(f"*-{name}.parquet"):
        columns = ["trial_id", "code_fingerprint", *SCORED_BY]
        rows = pq.read_table(path, columns=columns).to_pylist()
        outcome = StackOutcome.of(rows)
        if {"failed", "pruned"} & outcome.statuses.keys():
            continue
        if all(row["code_fingerprint"] == made_by.get(row["trial_id"]) for row in rows):
            return outcome
    return None


def _train_and_evaluate(
    trials: Sequence[Trial],
    keeper: Keeper,
    *,
    results: Path,
    device: str,
    progress: Progress,
    rival: Rival | None,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The rows, and what computed losses and gradients, and free runs."""
    cell = trials[0]
    data, evaluate, measured_against = _measuring(
        cell.system, canonical_json(cell.config["system"]), cell.evaluation, results
    )
    run = TrainingRun(
        Stack(
            cell.architecture,
            [trial.regime for trial in trials],
            settings=cell.training,
            series=data.train,
            starts=data.starts(cell.training.sequence_length),
            seeds=[trial.seed for trial in trials],
            device=device,
        ),
        Course(len(trials), total=cell.training.epochs),
        keeper,
    )
    stack, course = run.stack, run.course
    evaluations: list[Evaluation | None] = [None] * stack.size
    ceiling = measured_against["ceiling_d_stsp"] or math.inf
    given_up: str | None = None
    for stop in cell.evaluation.epochs(cell.training.epochs) if cell.regime.trains else [0]:
        if stop < stack.epoch:
            continue  # done before the checkpoint that the run went on from
        if stop:
            run.train(until=stop, progress=progress)
        since = time.perf_counter()
        stack.release()
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
        if rival is not None and stop < cell.training.epochs:
            scores = {seed: course.score(m, stop, ceiling) for m, seed in enumerate(stack.seeds)}
            given_up = hopeless(scores, rival, epoch=stop, epochs=cell.training.epochs)
            if given_up is not None:
                break
    definitions = canonical_json(evaluate.definitions())
    rows = []
    for member, trial in enumerate(trials):
        if given_up is not None:  # all of them: those that diverged alone would speak for their τ
            outcome: dict[str, Any] = {
                "status": "pruned",
                "reason": given_up,
                "pruned_epoch": stack.epoch,
                "diverged_epoch": stack.diverged_epoch[member],
            }
            digest = None
        else:
            outcome = _outcome(stack, member, evaluations[member])
            digest = weights.save(results, trial, stack.member_parameters(member))
        rows.append(
            {
                "parameters_digest": digest,
                **settings_row(trial),
                **outcome,
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
    free_runs = rollout.computed_by(stack.architecture, stack.parameters())
    return rows, {"training": stack.computed_by, "free_runs": free_runs}


@lru_cache(maxsize=4)
def _measuring(
    system: str, identity: str, settings: EvaluationSettings, results: Path
) -> tuple[Dataset, Evaluator, dict[str, float | None]]:
    """A system's data, what its networks are measured by, and floor and ceiling: kept, as the next stack of a
    worker is as a rule of the same system.

    Args:
        identity: of the system, whose name may come to mean other data.
    """
    loaded = load(system, cache=results / "systems")
    evaluate = Evaluator(loaded, settings)
    return loaded, evaluate, evaluate.references()


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

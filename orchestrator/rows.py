"""A trial's row as it is journalled, where no result enters, and what a stack's rows come to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .identity import Trial, canonical_json

SCORED_BY = ("seed", "status", "failure", "reason", "pruned_epoch", "d_stsp", "ceiling_d_stsp", "curves")
"""Columns that say what became of a trial and how it counts in a search."""


@dataclass
class StackOutcome:
    """What became of a stack."""

    statuses: dict[str, int]
    """Status → trials."""
    error: str | None = None
    """The last line of the traceback, where a bug ended it."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Of each trial what its score stands on: seed, status, d_stsp, ceiling_d_stsp and its curves."""

    def __add__(self, other: "StackOutcome") -> "StackOutcome":
        statuses = dict(Counter(self.statuses) + Counter(other.statuses))
        return StackOutcome(statuses, self.error or other.error, self.rows + other.rows)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "StackOutcome":
        """From the rows of a stack as they are journalled."""
        kept: list[dict[str, Any]] = [{name: row.get(name) for name in SCORED_BY} for row in rows]
        errors = [row["reason"].strip().splitlines()[-1] for row in kept if row["failure"] == "bug"]
        statuses = Counter(row["status"] for row in kept)
        return cls(dict(statuses), errors[0] if errors else None, kept)


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
        "settings": canonical_json(trial.settings),
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

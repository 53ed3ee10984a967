"""How long trials take, from what past ones took."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .identity import Trial


class Past(NamedTuple):
    """Past trials of one kind: medians per trial, that is a stack's time over its members."""

    architecture: str
    latent_dim: int
    window: int
    """Sequential steps of an update: τ, or the sequence length without one."""
    columns: int
    """Predictions of an update: sequence length × minibatch rows."""
    update_seconds: float
    evaluate_seconds: float
    """Of all evaluations together, over the steps of the free run."""


QUERY = """
    SELECT architecture, latent_dim, coalesce(tau, sequence_length) AS window,
           sequence_length * batch_size AS columns,
           median(train_seconds / (epochs * batches_per_epoch * stack_size)),
           median(evaluate_seconds / (evaluation_steps * stack_size))
    FROM trials WHERE status IN ('ok', 'unbounded') AND train_seconds > 0
    GROUP BY ALL
"""


class Durations:
    """Estimates for trials from the nearest kind of past trials of the same architecture."""

    def __init__(self, past: Iterable[Past]) -> None:
        self._past: dict[str, list[Past]] = {}
        for kind in past:
            self._past.setdefault(kind.architecture, []).append(kind)

    def seconds(self, trial: "Trial") -> float | None:
        """Expected seconds of one trial on one slot; None where its architecture never ran."""
        training = trial.training
        window = trial.regime.window(training.sequence_length)
        columns = training.sequence_length * training.batch_size
        latent = trial.architecture.latent_dim

        def distance(past: Past) -> float:
            pairs = ((past.window, window), (past.columns, columns), (past.latent_dim, latent))
            return sum(abs(math.log(a / b)) for a, b in pairs)

        nearest = min(self._past.get(trial.architecture.name, []), key=distance, default=None)
        if nearest is None:
            return None
        # An update costs something per sequential step and something per prediction: between the two.
        scale = math.sqrt(window / nearest.window * columns / nearest.columns)
        updates = training.epochs * training.batches_per_epoch if trial.regime.trains else 0
        return updates * nearest.update_seconds * scale + trial.evaluation.steps * nearest.evaluate_seconds


def in_words(seconds: float) -> str:
    """'40 s', '12 min', '3 h 20 min', '2 d 5 h'."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"

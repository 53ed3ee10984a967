"""Ending the training of a hopeless τ early: its networks beside those of the best τ so far, seed by seed.

A seed has the same initial weights and minibatches under every τ, so two τ are compared in pairs, at the
same epoch of their training. A τ is given up where that leaves little doubt:

- half of the training or more is done: curves cross before,
- every one of at least five seeds is worse (one-sided sign test: p ≤ 1/32),
- by a factor of two or more in the geometric mean.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from .knowledge import log_score

LEAST_SEEDS = 5
LEAST_RATIO = 2.0
LEAST_SHARE = 0.5
"""Of the training that is done before anything is given up."""


@dataclass(frozen=True)
class Rival:
    """The best τ so far."""

    label: str
    courses: Mapping[int, Mapping[int, float]]
    """Epoch → seed → D_stsp at that evaluation, the ceiling where the free run was unbounded."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON, whose keys are text."""
        return {"label": self.label, "courses": {str(e): {str(s): v for s, v in c.items()}
                                                 for e, c in self.courses.items()}}  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Rival":
        """The inverse of `as_dict`."""
        courses = {int(e): {int(s): v for s, v in c.items()} for e, c in data["courses"].items()}
        return cls(data["label"], courses)


def hopeless(scores: Mapping[int, float], rival: Rival, *, epoch: int, epochs: int) -> str | None:
    """Why training should end at an epoch, of `epochs` in all; None where it should go on.

    Args:
        scores: seed → D_stsp now, the ceiling where the free run was unbounded or training diverged.
    """
    course = rival.courses.get(epoch, {})
    pairs = [(score, course[seed]) for seed, score in scores.items() if seed in course]
    if epoch < LEAST_SHARE * epochs or len(pairs) < max(LEAST_SEEDS, len(scores)):
        return None
    if not all(mine > other for mine, other in pairs):
        return None
    ratio = math.exp(fmean(log_score(mine) - log_score(other) for mine, other in pairs))
    if ratio < LEAST_RATIO:
        return None
    return (
        f"hopeless at epoch {epoch} of {epochs}: {ratio:.3g}× worse than {rival.label} at that epoch, "
        f"in {len(pairs)} of {len(pairs)} seeds"
    )

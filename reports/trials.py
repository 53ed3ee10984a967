"""The evidence: trials, gathered into cells, gathered into contexts.

A *cell* is every trial that differs only in the seed. A *context* is every cell of one system, one
architecture and one set of training and evaluation settings: within it only the regime differs, so two
of its cells may be compared seed by seed. Nothing is ever pooled across cells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

_TAU = re.compile(r"(?<![^\s(,])(?:tau|τ)\s*=\s*[^,()]*(?:,\s*)?")


class ReportError(Exception):
    """The comparison cannot be made; the message says why in one sentence."""


class NothingToCompareError(ReportError):
    """There are results, and none of them can be paired with others."""


class UnknownNameError(ReportError):
    """A measure, study or baseline that is not there was asked for; the message says what was near."""


class UnknownStudyError(UnknownNameError):
    """A study has no results."""

    def __init__(self, study: str, hint: str) -> None:
        super().__init__(f"No results for a study named '{study}': {hint}")
        self.study = study


class UnknownBaselineError(UnknownNameError):
    """The baseline was never run."""


class Trial(NamedTuple):
    """One trained and evaluated network; `score` is None where there is nothing to count."""

    trial_id: str
    seed: int
    status: str
    reason: str
    score: float | None

    @property
    def blown_up(self) -> bool:
        """Whether training diverged or the free run left every bound (scored at the ceiling)."""
        return self.status in ("diverged", "unbounded")


@dataclass(frozen=True)
class Cell:
    """All trials of one regime with one set of parameters in one context, ordered by seed.

    `family` is the label without τ: the cells of a family form one curve over τ.
    """

    cell_id: str
    regime: str
    label: str
    family: str
    tau: int | None
    trials: tuple[Trial, ...]

    @cached_property
    def scores(self) -> dict[int, float]:
        """Seed → score, for the seeds that have one."""
        return {trial.seed: trial.score for trial in self.trials if trial.score is not None}

    @cached_property
    def for_ranks(self) -> dict[int, float]:
        """Seed → score as `scores`, a run that blew up at infinity: worse than any that did not."""
        return {t.seed: math.inf if t.blown_up else t.score for t in self.trials if t.score is not None}

    @property
    def median_trial(self) -> Trial | None:
        """The one with the median score, what blew up at the end, the better of two in the middle; None where
        none has a score.
        """
        ranks = self.for_ranks
        scored = sorted((t for t in self.trials if t.seed in ranks), key=lambda t: (ranks[t.seed], t.seed))
        return scored[(len(scored) - 1) // 2] if scored else None

    def count(self, status: str) -> int:
        """How many trials ended with `status`."""
        return sum(trial.status == status for trial in self.trials)

    @property
    def blown_up(self) -> int:
        """Trials counted at the ceiling."""
        return self.count("diverged") + self.count("unbounded")

    @property
    def ran(self) -> int:
        """Trials that ran to an outcome: failed ones (bugs) are not among them."""
        return len(self.trials) - self.count("failed")


@dataclass(frozen=True)
class Context:
    """Everything that one system × architecture × settings holds; `settings` is '' at the defaults."""

    context_id: str
    system: str
    architecture: str
    settings: str
    tau_pred: float | None
    lambda_max: float | None
    lambda_max_se: float | None
    lambda_from: str | None
    """`equations`, `data`, or `noise`: from data, but noise of their spectrum gives it too."""
    dt: float | None
    floor: float | None
    ceiling: float | None
    cells: tuple[Cell, ...]
    """Of which every seed was trained to the end."""
    partial: tuple[Cell, ...] = ()
    """Of which a search gave seeds up, with those that it did not, the luckier ones: never to be compared."""
    given_up: tuple[str, ...] = ()
    """Labels of those cells, and of those that were given up with all of their seeds."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """All settings by name, defaults too, `system.noise`; none where they are not in the database."""
    chosen: Mapping[str, Any] = field(default_factory=dict)
    """Those of them that are not at their defaults, and what else is of its identity; `system.name` is that
    of the variant."""

    @property
    def base(self) -> str:
        """The system as it is declared, of a variant too: `lorenz63` of `lorenz63(noise=0.1)`."""
        return base_of(self.system)

    @property
    def title(self) -> str:
        """'system × architecture', with the settings where they are not the defaults."""
        name = f"{self.system} × {self.architecture}"
        return f"{name} [{self.settings}]" if self.settings else name


def base_of(system: str) -> str:
    """The system as it is declared, of a variant too: `lorenz63` of `lorenz63(noise=0.1)`."""
    return system.partition("(")[0]


def family_of(label: str) -> str:
    """The regime's label without its τ: 'sparse_forcing(tau=30, noise=0.1)' → 'sparse_forcing(noise=0.1)'."""
    return _TAU.sub("", label).replace(", )", ")").replace("()", "").strip()

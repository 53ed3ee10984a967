"""What a comparison holds: rows with their evidence, one headline per context, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .evidence import NO_SHARE, Share
from .measures import MEASURES
from .scope import Scope
from .statistics import wilson_interval
from .trials import Context

Selection = Literal["tau_pred", "split", "fixed"]
"""How the challenger's τ was chosen: nearest to τ_pred, best on the other half of the seeds, or given."""

Outcome = Literal["better", "worse", "undecided", "one_seed", "both_at_ceiling", "no_common_seeds"]


@dataclass(frozen=True)
class Side:
    """One of the two cells of a row. Counts are over all trials of the cell, used as a pair or not.

    `geometric_mean` is over the seeds of the pairs alone, so that the row's ratio is that of its two sides.
    `failed` (a bug, no result) and `unscored` (a result whose score is missing) enter no pair.
    """

    cell_id: str
    regime: str
    label: str
    family: str
    name: str
    tau: int | None
    n: int
    diverged: int
    unbounded: int
    failed: int
    unscored: int
    geometric_mean: float | None

    @property
    def blown_up(self) -> int:
        """Trials counted at the ceiling."""
        return self.diverged + self.unbounded

    @property
    def ran(self) -> int:
        """Trials that ran to an outcome: failed ones (bugs) are not among them."""
        return self.n - self.failed

    @property
    def blown_up_share(self) -> Share:
        """The share of those that ran which blew up, with its 95% Wilson interval."""
        if not self.ran:
            return NO_SHARE
        return Share(self.blown_up / self.ran, *wilson_interval(self.blown_up, self.ran))


@dataclass(frozen=True)
class Row:
    """Challenger against baseline in one context. `ratio` = challenger / baseline; < 1: challenger better.

    `p_value` is that of the paired sign-flip test, `p_holm` the same adjusted for all rows of the comparison.
    `more_seeds` counts seeds to run, not pairs: of a tuned ("split") row only every second one is scored.
    """

    context_id: str
    system: str
    architecture: str
    context: str
    selection: Selection
    challenger: Side
    baseline: Side
    tau_pred: float | None
    tau_choices: int
    selection_seeds: int
    n_pairs: int
    ratio: float | None
    low: float | None
    high: float | None
    floor: float | None
    ceiling: float | None
    outcome: Outcome
    more_seeds: int | None
    seeds: tuple[int, ...] = ()
    """Of the pairs."""
    improvement: Share = NO_SHARE
    """P(challenger better at the same seed); a run that blew up loses against one that did not."""
    cliffs_delta: float | None = None
    """1: every challenger better than every baseline; over the seeds of the pairs."""
    p_value: float | None = None
    p_holm: float | None = None
    verdict: str = ""

    @property
    def tau(self) -> int | None:
        """The challenger's τ."""
        return self.challenger.tau

    def as_dict(self) -> dict[str, str | int | float | None]:
        """A flat row for JSON or CSV; None where there is no value."""
        flat: dict[str, str | int | float | None] = {
            "system": self.system,
            "architecture": self.architecture,
            "context": self.context,
            "context_id": self.context_id,
            "challenger": self.challenger.label,
            "baseline": self.baseline.label,
            "selection": self.selection,
            "tau": self.tau,
            "tau_pred": self.tau_pred,
            "n_pairs": self.n_pairs,
            "selection_seeds": self.selection_seeds,
            "ratio": self.ratio,
            "ratio_low": self.low,
            "ratio_high": self.high,
            "p_better": self.improvement.value,
            "p_better_low": self.improvement.low,
            "p_better_high": self.improvement.high,
            "cliffs_delta": self.cliffs_delta,
            "p_value": self.p_value,
            "p_holm": self.p_holm,
            "floor": self.floor,
            "ceiling": self.ceiling,
            "outcome": self.outcome,
            "more_seeds": self.more_seeds,
        }
        for role, side in (("challenger", self.challenger), ("baseline", self.baseline)):
            for name in ("cell_id", "n", "diverged", "unbounded", "failed", "unscored", "geometric_mean"):
                flat[f"{role}_{name}"] = getattr(side, name)
            for name, value in zip(("", "_low", "_high"), side.blown_up_share, strict=True):
                flat[f"{role}_blown_up{name}"] = value
        flat["verdict"] = self.verdict
        return flat


@dataclass(frozen=True)
class Headline:
    """The one line about a context and a baseline; `outcome` is that of its leading row."""

    context_id: str
    title: str
    baseline_cell_id: str
    baseline: str
    outcome: Outcome
    text: str


@dataclass(frozen=True)
class Comparison:
    """Everything that a table, a figure or a page needs; nothing in it refers back to the database."""

    baseline: str
    measure: str
    scope: Scope
    rows: tuple[Row, ...]
    headlines: tuple[Headline, ...]
    contexts: tuple[Context, ...]
    notes: tuple[str, ...]

    @property
    def measure_name(self) -> str:
        """The measure as written for people."""
        return MEASURES[self.measure].title

    def rows_of(self, headline: Headline) -> tuple[Row, ...]:
        """The rows that a headline sums up."""
        return tuple(
            row
            for row in self.rows
            if row.context_id == headline.context_id and row.baseline.cell_id == headline.baseline_cell_id
        )

    def context(self, context_id: str) -> Context:
        """The context of that identity."""
        return next(context for context in self.contexts if context.context_id == context_id)

    def as_dicts(self) -> list[dict[str, str | int | float | None]]:
        """The rows as plain dicts, for `--format json|csv`."""
        return [row.as_dict() for row in self.rows]

"""What is searched and how it was declared: a regime's τ in one system × architecture × settings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .identity import Trial, digest
from .knowledge import Knowledge, Proposal
from .models.regimes import Regime
from .prior import Prior


class TauSearch(BaseModel):
    """How τ is searched: the value of `tau` in a regime of a study."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    search: Literal["lyapunov", "uniform"] = Field(description="with the Lyapunov prior, or without")
    trials: int = Field(default=24, ge=1, le=10_000, description="evaluations of a τ, each of several seeds")
    seeds_per_trial: int = Field(default=5, ge=1, le=1_000, description="seeds of an evaluation")
    sampler: Literal["tpe", "gp", "random"] = Field(default="tpe", description="Optuna's sampler")
    width: float = Field(
        default=2.5, gt=1, le=1_000, description="one standard deviation of ln τ in the prior, as a factor"
    )
    tau_pred: float | None = Field(
        default=None, gt=0, le=1e9, description="the prior's centre in steps, where λ_max does not say"
    )
    low: int = Field(default=1, ge=1, description="the least τ")
    high: int | None = Field(default=None, ge=1, description="the greatest τ; the sequence length by default")
    transfer: bool = Field(default=False, description="begin at what was best on other systems, as τ/τ_pred")
    prune: bool = Field(default=True, description="end the training of a hopeless τ early")
    stop: bool = Field(default=True, description="stop once the seeds' noise hides what may still be gained")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.high is not None and self.high < self.low:
            raise ValueError(f"high must be at least low ({self.low}), not {self.high}")
        idle = {"transfer", "tau_pred", "width"} & self.model_fields_set
        if self.search == "uniform" and idle:
            raise ValueError(f"{', '.join(sorted(idle))}: a uniform search has no prior")
        return self


@dataclass(frozen=True)
class Search:
    """What is searched: a regime's τ in one system × architecture × settings."""

    first: Trial
    """The cell at the least τ, with the study's first seed."""
    settings: TauSearch

    @property
    def low(self) -> int:
        return self.settings.low

    @property
    def high(self) -> int:
        return self.settings.high or self.first.training.sequence_length

    @cached_property
    def search_id(self) -> str:
        """Names the random numbers of a search: what is searched, not how."""
        return digest({**self.first.cell, "regime": without_tau(self.first.cell["regime"])})

    @property
    def label(self) -> str:
        """`sparse_forcing(tau=search)`, with the regime's other settings."""
        return self.first.regime_label.replace(f"tau={self.low}", "tau=search")

    def cell(self, tau: int) -> Trial:
        """The cell at one τ, as its trial of the first seed."""
        return replace(self.first, regime=with_tau(self.first.regime, tau))

    def trials(self, proposal: Proposal) -> list[Trial]:
        """The trials of a proposal."""
        cell = self.cell(proposal.tau)
        return [cell.with_seed(seed) for seed in proposal.seeds]

    @property
    def seeds(self) -> range:
        """Seeds that may be proposed."""
        first = self.first.seed
        return range(first, first + self.settings.trials * self.settings.seeds_per_trial)

    @cached_property
    def taus(self) -> Mapping[str, int]:
        """Cell id → τ, of every τ that may be proposed."""
        return {self.cell(tau).cell_id: tau for tau in range(self.low, self.high + 1)}

    def to_propose(self, knowledge: Knowledge) -> int:
        """Trials that the budget leaves to be proposed."""
        size = self.settings.seeds_per_trial
        return max(0, self.settings.trials - knowledge.count(size)) * size

    def prior(self, tau_pred: float | None, *, ratio: float = 1.0) -> Prior:
        """The prior on a system whose exponent predicts `tau_pred` steps.

        Args:
            ratio: what the centre is to τ_pred, as learnt on other systems.

        Raises:
            ValueError: a Lyapunov search, and there is no prediction.
        """
        if self.settings.search == "uniform":
            return Prior(self.low, self.high)
        centre = self.settings.tau_pred or tau_pred
        if centre is None or not (math.isfinite(centre) and centre > 0):
            raise ValueError(
                f"{self.first.system} has no positive exponent, so nothing predicts its τ: give tau_pred in "
                'the search, or search = "uniform"'
            )
        return Prior(self.low, self.high, centre * ratio, self.settings.width)


def without_tau(regime: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a regime but for its τ."""
    return {key: value for key, value in regime.items() if key != "tau"}


def with_tau(regime: Regime, tau: int) -> Regime:
    """The same regime with another τ."""
    return type(regime)(**{**regime.model_dump(), "tau": tau})

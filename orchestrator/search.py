"""A search for τ: one per cell of the grid, asked for a τ and told what it was worth.

A search has no state of its own. What it knows are the trials of its cells in the results, whichever study
ran them: from these an Optuna study is made anew for every proposal, with what is under way as running
trials, so a search that was killed goes on as if it had not been.

    proposal n    τ
    0, 1, 2, 3    the prior's centre, which is τ_pred, and 0.7 below, 0.7 above and 1.4 below in standard
    deviations;
                  without a prior ln τ evenly spread, from a place that depends on the search
    4, 14, 24, …  probes: ln τ evenly spread between the bounds, whatever the prior says
    all others    Optuna's sampler on the prior's coordinate u

An evaluation of a τ is a block of seeds, scored by the mean of ln D_stsp: the logarithm is bounded by the
measure's floor and ceiling, no seed outweighs the others, and one that blew up counts as the ceiling. A τ
that is proposed again gets further seeds.
"""

import itertools
import math
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .identity import Trial, digest
from .models.regimes import Regime
from .prior import Prior
from .splitting import split

if TYPE_CHECKING:
    import optuna

START = (0.0, -0.7, 0.7, -1.4)
"""Where a search begins, in standard deviations of the prior from its centre: below it first, for what was
published lies there (Lorenz-63: the best τ is 30, τ_pred 63)."""

PROBE_EVERY, FIRST_PROBE = 10, 4
"""A tenth of the proposals are probes."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, are spread more evenly than random numbers."""

COVERED = 0.1
"""In ln τ: so near to a τ that was tried, a starting point or probe is not tried again."""

MOST_OF_ONE_TAU = 3
"""Evaluations of one τ that a search asks for, or counts: further seeds would tell little of where others
are."""

LEAST_EVALUATIONS = 10
"""Before so many evaluations no search is stopped for what its model says."""

SMALLEST_SCORE = 1e-6
"""D_stsp has no logarithm at 0."""


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


class Seen(NamedTuple):
    """What is known of one trial of a searched cell."""

    tau: int
    seed: int
    score: float | None
    """D_stsp, the ceiling where it blew up; of a pruned one as far as it was trained. None where it
    failed."""
    status: str
    at: float = 0.0
    """When it ended, in seconds since 1970: the order in which evaluations are told."""
    course: Mapping[int, float] = {}
    """Epoch → D_stsp there, the ceiling where the free run was unbounded."""
    fingerprint: str | None = None
    """Of the code that made its row, where that is known."""


@dataclass(frozen=True)
class Evaluation:
    """One τ with a block of seeds."""

    tau: int
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    """Of the seeds that have one."""
    pruned: bool
    at: float

    @property
    def value(self) -> float | None:
        """Mean of ln D_stsp; None where all failed."""
        logs = self.logs
        return fmean(logs) if logs else None

    @property
    def logs(self) -> list[float]:
        return [math.log(max(score, SMALLEST_SCORE)) for score in self.scores]


@dataclass(frozen=True)
class Proposal:
    """A τ to be evaluated."""

    tau: int
    seeds: tuple[int, ...]


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

    @cached_property
    def taus(self) -> Mapping[str, int]:
        """Cell id → τ, of every τ that may be proposed."""
        return {self.cell(tau).cell_id: tau for tau in range(self.low, self.high + 1)}

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


@dataclass
class Knowledge:
    """All trials of a search that have ended, and those that were asked for and have not."""

    seen: dict[tuple[int, int], Seen] = field(default_factory=dict)
    """By τ and seed."""
    pending: set[tuple[int, int]] = field(default_factory=set)
    """τ and seed of trials that were asked for: under way, or left behind by a run that was killed."""

    def add(self, trials: Iterable[Seen]) -> None:
        """Take in trials that have ended."""
        for trial in trials:
            self.seen[trial.tau, trial.seed] = trial
            self.pending.discard((trial.tau, trial.seed))

    def blocks(self, size: int) -> list[tuple[int, tuple[int, ...]]]:
        """τ and about `size` seeds of every evaluation, done or not, each seed in one.

        The seeds of a τ are cut into even blocks by their rank, whoever asked for them.
        """
        by_tau: dict[int, list[int]] = {}
        for tau, seed in sorted(self.seen.keys() | self.pending):
            by_tau.setdefault(tau, []).append(seed)
        return [(tau, tuple(block)) for tau, seeds in by_tau.items() for block in split(seeds, size)]

    def evaluations(self, size: int) -> list[Evaluation]:
        """Blocks all of whose seeds have ended, in the order in which they did."""
        found = []
        for tau, seeds in self.blocks(size):
            if all((tau, seed) in self.seen for seed in seeds):
                trials = [self.seen[tau, seed] for seed in seeds]
                scores = tuple(trial.score for trial in trials if trial.score is not None)
                pruned = any(trial.status == "pruned" for trial in trials)
                found.append(Evaluation(tau, seeds, scores, pruned, max(trial.at for trial in trials)))
        return sorted(found, key=lambda evaluation: (evaluation.at, evaluation.tau, evaluation.seeds))

    def under_way(self, size: int) -> list[int]:
        """The τ of every evaluation that is not done."""
        return [tau for tau, seeds in self.blocks(size) if any((tau, seed) in self.pending for seed in seeds)]

    def count(self, size: int) -> int:
        """Evaluations, done or not; of one τ no more than MOST_OF_ONE_TAU."""
        numbers = Counter(tau for tau, _ in self.blocks(size))
        return sum(min(number, MOST_OF_ONE_TAU) for number in numbers.values())

    def exhausted(self, size: int) -> set[int]:
        """The τ that have had all the seeds that a search spends on one."""
        numbers = Counter(tau for tau, _ in self.blocks(size))
        return {tau for tau, number in numbers.items() if number >= MOST_OF_ONE_TAU}

    def next_seeds(self, tau: int, *, first: int, count: int) -> tuple[int, ...]:
        """The first seeds that were not yet spent on a τ."""
        spent = {seed for known, seed in self.seen.keys() | self.pending if known == tau}
        return tuple(islice((seed for seed in itertools.count(first) if seed not in spent), count))

    def best(self) -> list[Seen]:
        """The trials of the τ with the lowest mean of ln D_stsp, as far as they were trained to the end.

        What was given up counts in the mean, as it was then, lest the seeds that were not win by luck.
        """
        scored: dict[int, list[Seen]] = {}
        for trial in self.seen.values():
            if trial.score is not None:
                scored.setdefault(trial.tau, []).append(trial)
        ended = {tau: [t for t in trials if t.status != "pruned"] for tau, trials in scored.items()}
        candidates = [tau for tau, trials in ended.items() if trials]
        if not candidates:
            return []
        return ended[min(candidates, key=lambda tau: (fmean(map(_log, scored[tau])), tau))]


def _log(trial: Seen) -> float:
    return math.log(max(trial.score or 0.0, SMALLEST_SCORE))


def propose(search: Search, prior: Prior, knowledge: Knowledge) -> Proposal | None:
    """The next τ to evaluate and the seeds to do it with; None where every τ has had all the seeds it gets.

    The same knowledge always gives the same proposal.
    """
    settings = search.settings
    size = settings.seeds_per_trial
    tau = next_tau(
        prior,
        knowledge.evaluations(size),
        knowledge.under_way(size),
        number=knowledge.count(size),
        sampler=settings.sampler,
        seed=search.search_id,
        exhausted=knowledge.exhausted(size),
    )
    if tau is None:
        return None
    return Proposal(tau, knowledge.next_seeds(tau, first=search.first.seed, count=size))


def next_tau(
    prior: Prior,
    evaluations: Sequence[Evaluation],
    pending: Sequence[int],
    *,
    number: int,
    sampler: str,
    seed: str,
    exhausted: Collection[int] = (),
) -> int | None:
    """The τ of proposal `number`, given what was evaluated and what is under way.

    Args:
        exhausted: τ that are not to be proposed again; the nearest other one is taken.
    """
    tried = [*(evaluation.tau for evaluation in evaluations), *pending]
    for tau in _due(prior, number=number, sampler=sampler, seed=seed):
        if not any(abs(math.log(other / tau)) < COVERED for other in tried):
            return tau
    drawn = _random_bits(seed, number)
    with quietly():
        study = optuna_study(prior, evaluations, pending, sampler=_sampler(sampler, drawn))
        u = study.ask({"u": _coordinate()}).params["u"]
    tau = prior.tau(u)
    if tau not in exhausted:
        return tau
    others = [other for other in range(prior.low, prior.high + 1) if other not in exhausted]
    return min(others, key=lambda other: (abs(math.log(other / tau)), other), default=None)


def _due(prior: Prior, *, number: int, sampler: str, seed: str) -> Iterator[int]:
    """The τ that proposal `number` must have behind it: starting points, and a tenth of probes."""
    if sampler != "random":
        for place, z in enumerate(START):
            yield prior.tau(_spread(seed, "start", place)) if prior.centre is None else prior.spread(z)
    everywhere = Prior(prior.low, prior.high)
    for place in range((number - FIRST_PROBE) // PROBE_EVERY + 1):
        yield everywhere.tau(_spread(seed, "probes", place))


def optuna_study(
    prior: Prior,
    evaluations: Sequence[Evaluation],
    pending: Sequence[int] = (),
    *,
    sampler: "optuna.samplers.BaseSampler | None" = None,
    study: "optuna.Study | None" = None,
    show_tau: bool = False,
) -> "optuna.Study":
    """An Optuna study that knows these evaluations, of which `pending` are running; in memory unless one is
    given.

    Its only parameter is the prior's coordinate `u` (for people to look at, τ may stand beside it); τ, seeds
    and the like are attributes of its trials, and the ln D_stsp of each seed is an intermediate value at the
    step that is the seed's rank.
    """
    import optuna
    from optuna.distributions import IntDistribution
    from optuna.trial import TrialState, create_trial

    if study is None:
        study = optuna.create_study(direction="minimize", sampler=sampler)
    coordinate = {"u": _coordinate()}
    distributions = coordinate | (
        {"tau": IntDistribution(prior.low, prior.high, log=True)} if show_tau else {}
    )
    for evaluation in evaluations:
        value = evaluation.value
        study.add_trial(
            create_trial(
                state=TrialState.FAIL if value is None else TrialState.COMPLETE,
                value=value,
                params={"u": prior.coordinate(evaluation.tau)}
                | ({"tau": evaluation.tau} if show_tau else {}),
                distributions=distributions,
                user_attrs={
                    "tau": evaluation.tau,
                    "seeds": list(evaluation.seeds),
                    "d_stsp": list(evaluation.scores),
                    "pruned": evaluation.pruned,
                },
                intermediate_values=dict(enumerate(evaluation.logs)),
            )
        )
    for tau in pending:
        params = {"u": prior.coordinate(tau)}
        study.add_trial(create_trial(state=TrialState.RUNNING, params=params, distributions=coordinate))
    return study


def gain_and_noise(
    prior: Prior, evaluations: Sequence[Evaluation], *, seed: str
) -> tuple[float, float] | None:
    """What a search can still hope to gain, and the noise that hides it; both in ln D_stsp.

    The gain is an upper bound of the regret (Makarova et al. 2022, as Optuna computes it: the greatest upper
    confidence bound anywhere less the greatest lower one among the better half), the noise the standard
    error over the seeds of the best τ. None where there are too few evaluations, or the best τ has a single
    seed.
    """
    scored = [evaluation for evaluation in evaluations if evaluation.value is not None]
    if len(scored) < LEAST_EVALUATIONS:
        return None
    knowledge: dict[int, list[float]] = {}
    for evaluation in scored:
        if not evaluation.pruned:
            knowledge.setdefault(evaluation.tau, []).extend(evaluation.logs)
    if not knowledge:
        return None
    best = min(knowledge.values(), key=fmean)
    if len(best) < 2:
        return None
    with quietly():
        from optuna.terminator import RegretBoundEvaluator

        study = optuna_study(prior, scored)
        evaluator = RegretBoundEvaluator(
            min_n_trials=LEAST_EVALUATIONS, seed=_random_bits(seed, "regret", len(scored))
        )
        gain = evaluator.evaluate(study.trials, study.direction)
    return float(gain), stdev(best) / math.sqrt(len(best))


def why_stop(search: Search, prior: Prior, evaluations: Sequence[Evaluation]) -> str | None:
    """In words, why a search may stop now: what may still be gained is less than the noise; else None."""
    found = gain_and_noise(prior, evaluations, seed=search.search_id) if search.settings.stop else None
    if found is None or found[0] >= found[1]:
        return None
    gain, noise = (math.expm1(value) for value in found)
    return f"at most {gain:.0%} may still be gained, less than the noise of the seeds ({noise:.0%})"


def _random_bits(*names: object) -> int:
    """32 bits that depend on nothing but these names."""
    return int(digest(list(names))[:8], 16)


def _spread(seed: str, purpose: str, place: int) -> float:
    """Numbers in (0, 1) that are spread more evenly than random ones, from a random place on."""
    return (_random_bits(seed, purpose) / 2**32 + GOLDEN * place) % 1.0


def _sampler(name: str, seed: int) -> "optuna.samplers.BaseSampler":
    import optuna

    # What matters is said here, and not left to defaults that a new version may change.
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "gp":
        return optuna.samplers.GPSampler(
            seed=seed, n_startup_trials=len(START), deterministic_objective=False
        )
    return optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=len(START), multivariate=True, constant_liar=True
    )


def _coordinate() -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import FloatDistribution

    return FloatDistribution(0.0, 1.0)


@contextmanager
def quietly() -> Iterator[None]:
    """Optuna without its log, and without warnings of what it calls experimental or will take away: the
    version is pinned below the one that does."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)

"""A search for τ: one per cell of the grid, asked for a τ and told what it was worth.

A search has no state of its own. What it knows are the trials of its cells in the results, whichever study
ran them: from these an Optuna study is made anew for every proposal, with what is under way as running
trials, so a search that was killed goes on as if it had not been.

    first         the prior's centre, which is τ_pred, and 0.7 and 1.4 standard deviations below it; without a
                  prior ln τ evenly spread, from a place that depends on the search; with the random sampler
                  nothing of the kind
    5th, 15th, …  probes: ln τ evenly spread between the bounds, whatever the prior says
    all others    Optuna's sampler on the prior's coordinate u

A starting point or probe within 10% of a τ that was tried is left out. Of one τ a search asks for three
evaluations at most, and counts no more: beyond that, the nearest other τ is taken.

An evaluation of a τ is a block of seeds, scored by the mean of ln D_stsp: the logarithm is bounded by the
measure's floor and ceiling, no seed outweighs the others, and one that blew up counts as the ceiling. A τ
that is proposed again gets further seeds.
"""

import math
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from .identity import digest
from .knowledge import Evaluation, Knowledge, Proposal
from .prior import Prior
from .search import Search

if TYPE_CHECKING:
    import optuna

START = (0.0, -0.7, -1.4)
"""Where a search begins, in standard deviations of the prior from its centre. Below it, for beyond τ_pred
gradients explode, and what was published lies below (Lorenz-63: the best τ is 30, τ_pred 63)."""

PROBE_EVERY, FIRST_PROBE = 10, 4
"""A tenth of the proposals are probes."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, are spread more evenly than random numbers."""

COVERED = 0.1
"""In ln τ: so near to a τ that was tried, a starting point or probe is not tried again."""

LEAST_EVALUATIONS = 10
"""Before so many evaluations no search is stopped for what its model says."""


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
    confidence bound anywhere less the greatest lower one among the better half, of ten at least), the noise
    the standard error over the seeds of the best τ. None where there are too few evaluations, or the best τ
    has a single seed.
    """
    scored = [evaluation for evaluation in evaluations if evaluation.value is not None]
    if len(scored) < LEAST_EVALUATIONS:
        return None
    knowledge: dict[int, list[float]] = {}
    for evaluation in scored:  # those given up too, lest the seeds that were not win by luck
        knowledge.setdefault(evaluation.tau, []).extend(evaluation.logs)
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

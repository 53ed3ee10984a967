"""All systems together: how well each method does over the contexts of a comparison.

Scores of different systems are put on one scale, logarithmic between the measure's floor and ceiling::

    y = ln(ceiling / score) / ln(ceiling / floor)

so that 1 is as good as the truth itself and 0 the worst there is; at 1/2, from where on a run is nearer to
the one than to the other, reconstructions begin. A run that blew up has y = 0. A *method* is a regime with
the way its τ was chosen; a tuned one is scored on other seeds than those. Every context weighs the same.

Interquartile mean, stratified bootstrap and performance profile after Agarwal et al. (2021), average ranks
after Friedman (1937) and Demšar (2006), with tests that flip or permute, for contexts are few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from .comparison import Comparison
from .evidence import Share, holm, sign_flip_test
from .methods import Part, methods_of, written
from .statistics import SMALLEST_SCORE, Array, wilson_interval
from .trials import Context

DRAWS, FEWEST_DRAWS, DRAWN_RUNS = 2000, 400, 2_000_000
"""Of the bootstrap, where runs are many fewer; and of the permutations of ranks."""

THRESHOLDS = np.linspace(0, 1, 51)
"""Of the performance profile."""

RECONSTRUCTED = 0.5


@dataclass(frozen=True)
class Method:
    """One way of training, over all contexts."""

    name: str
    runs: tuple[Array, ...]
    """y of every run, by context."""
    mean_rank: float
    """1: the best in every context; of equally good ones each has the mean of their ranks."""
    parts: tuple[Part, ...] = ()
    """Where these runs are from, by context."""

    @property
    def count(self) -> int:
        """Of runs."""
        return sum(map(len, self.runs))

    @cached_property
    def iqm(self) -> Share:
        """Interquartile mean of y with its 95% interval."""
        value = interquartile_mean(self.runs)
        low, high = _interval(self._drawn_means)
        # Percentiles of a bootstrap know nothing of how little a few runs say of their own spread: Student's
        # factor, of half the degrees of freedom since half of the runs make the estimate.
        freedom = max(1.0, sum(len(y) - 1 for y in self.runs) / 2)
        factor = float(special.stdtrit(freedom, 0.975) / special.ndtri(0.975))
        return Share(value, value - factor * (value - low), value + factor * (high - value))

    @cached_property
    def reconstructed(self) -> Share:
        """Share of runs with y above 1/2, every context weighing the same, with its 95% Wilson interval."""
        share = float(np.mean([np.mean(y > RECONSTRUCTED) for y in self.runs]))
        # As many runs in equal parts would say as much as these.
        worth = round(len(self.runs) ** 2 / sum(1 / len(y) for y in self.runs))
        return Share(share, *wilson_interval(share * worth, worth))

    @property
    def profile(self) -> Array:
        """Share of runs with y above each of THRESHOLDS."""
        shares: Array = np.mean([[np.mean(y > at) for at in THRESHOLDS] for y in self.runs], axis=0)
        return shares

    @property
    def profile_band(self) -> tuple[Array, Array]:
        """Its 95% interval, threshold by threshold."""
        profiles = [
            np.stack([(chosen > at).mean(axis=1) for at in THRESHOLDS], axis=1) for _, chosen in self._anew()
        ]
        low, high = np.quantile(np.mean(profiles, axis=0), (0.025, 0.975), axis=0)
        return low, high

    def _anew(self) -> Iterator[tuple[Array, Array]]:
        """Of each context its runs, and (draws, runs) of them drawn anew; the same from the same results."""
        random = np.random.default_rng(0)
        draws = min(DRAWS, max(FEWEST_DRAWS, DRAWN_RUNS // self.count))
        for y in self.runs:
            yield y, y[random.integers(0, len(y), (draws, len(y)))]

    @property
    def _drawn_means(self) -> Array:
        """Interquartile means of runs drawn anew."""
        drawn, weights = [], []
        for y, chosen in self._anew():
            # A sample of n drawn from n has the variance (n − 1)/n of what it stands for: made up for here.
            spread = math.sqrt(len(y) / (len(y) - 1)) if len(y) > 1 else 1.0
            middle = y.mean()
            drawn.append(middle + spread * (chosen - middle))
            weights.append(np.full(len(y), 1 / len(y)))
        return _middle_half(np.concatenate(drawn, axis=1), np.concatenate(weights))


@dataclass(frozen=True)
class Across:
    """The methods that were run in every context, best first."""

    methods: tuple[Method, ...]
    contexts: int
    friedman: float
    """p-value of all methods being alike, by permutation of ranks within contexts."""
    alike: tuple[tuple[int, int], ...]
    """First and last of each stretch of methods, by rank, of which no two can be told apart at 5% (Holm)."""
    left_out: tuple[str, ...]
    """Methods that some context lacks."""


def across(comparison: Comparison) -> Across | None:
    """None where fewer than two contexts, or two methods that are in all of them, can be put on one scale; or
    where a system and an architecture were run with several settings, which are not pooled.
    """
    if len({(context.base, context.architecture) for context in comparison.contexts}) < len(
        comparison.contexts
    ):
        return None  # other settings of one system are no other system (`along`)
    runs = methods_of(filter(_has_scale, comparison.contexts), comparison.rows)
    where = list(dict.fromkeys(context_id for parts in runs.values() for context_id in parts))
    cells = [cell for context in comparison.contexts for cell in context.cells]
    whole = {key: [parts[one] for one in where] for key, parts in runs.items() if len(parts) == len(where)}
    if len(where) < 2 or len(whole) < 2:
        return None
    y = {key: tuple(map(_on_one_scale, parts)) for key, parts in whole.items()}
    means = np.array([[one.mean() for one in scores] for scores in y.values()])
    ranks = _ranks(means)
    methods = [
        Method(written(key, parts, cells), y[key], float(rank), tuple(parts))
        for (key, parts), rank in zip(whole.items(), ranks.mean(axis=1), strict=True)
    ]
    order = sorted(range(len(methods)), key=lambda i: (methods[i].mean_rank, methods[i].name))
    return Across(
        tuple(methods[i] for i in order),
        len(where),
        _permuted(ranks),
        _alike(means[order]),
        tuple(written(key, parts.values(), cells) for key, parts in runs.items() if key not in whole),
    )


def _has_scale(context: Context) -> bool:
    return (
        context.floor is not None
        and context.ceiling is not None
        and max(context.floor, SMALLEST_SCORE) < context.ceiling
    )


def _on_one_scale(part: Part) -> Array:
    """y of a part's scores, 0 for what blew up and what is worse than the ceiling."""
    floor, ceiling = part.context.floor, part.context.ceiling
    assert floor is not None and ceiling is not None  # `_has_scale`
    scores = np.array([part.cell.for_ranks[seed] for seed in part.seeds], dtype=float)
    y: Array = np.log(ceiling / np.clip(scores, SMALLEST_SCORE, ceiling))
    return y / math.log(ceiling / max(floor, SMALLEST_SCORE))


def interquartile_mean(groups: Sequence[Array]) -> float:
    """Mean of the middle half of all values, every group weighing the same; a value may enter in part."""
    weights = np.concatenate([np.full(len(one), 1 / len(one)) for one in groups])
    return float(_middle_half(np.concatenate(groups)[None], weights)[0])


def _middle_half(values: Array, weights: Array) -> Array:
    """Interquartile mean of each row of (draws, n), with weights (n,)."""
    order = np.argsort(values, axis=1)
    weight = weights[order] / weights.sum()
    end = np.cumsum(weight, axis=1)
    kept = np.clip(np.minimum(end, 0.75) - np.maximum(end - weight, 0.25), 0, None)
    middle: Array = (np.take_along_axis(values, order, axis=1) * kept).sum(axis=1) / kept.sum(axis=1)
    return middle


def _interval(drawn: Array) -> tuple[float, float]:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _ranks(means: Array) -> Array:
    """Ranks of (methods, contexts) within contexts, 1 for the highest y."""
    rounded = np.round(means, 12)
    above = (rounded[:, None] < rounded).sum(axis=1)
    level = (rounded[:, None] == rounded).sum(axis=1)  # itself among them
    ranks: Array = above + (level + 1) / 2
    return ranks


def _permuted(ranks: Array) -> float:
    """p-value of Friedman's statistic, ranks permuted within contexts."""
    random = np.random.default_rng(0)
    columns = np.broadcast_to(ranks.T, (DRAWS, *ranks.T.shape))
    drawn = random.permuted(columns, axis=2).sum(axis=1).var(axis=1)
    extreme = np.count_nonzero(drawn >= ranks.sum(axis=1).var() - 1e-9)
    return float((extreme + 1) / (DRAWS + 1))


def _alike(means: Array) -> tuple[tuple[int, int], ...]:
    """Stretches of methods in their order, none within another, without a pair that differs."""
    count = len(means)
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    p = holm([sign_flip_test(means[i] - means[j]) for i, j in pairs])
    told = {pair for pair, value in zip(pairs, p, strict=True) if value is not None and value < 0.05}
    stretches: list[tuple[int, int]] = []
    for first in range(count):
        last = first
        while last + 1 < count and not any((i, last + 1) in told for i in range(first, last + 1)):
            last += 1
        if last > first and not (stretches and stretches[-1][1] >= last):
            stretches.append((first, last))
    return tuple(stretches)

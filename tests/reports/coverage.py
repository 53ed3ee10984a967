"""How often intervals hold the truth: made-up studies, the same for the tests and for the printed table.

    python -m tests.reports.coverage

95% intervals; runs are log-normal scores, or scores on one scale between ceiling (0) and floor (1).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from orchestrator.reports.across import Method, interquartile_mean
from orchestrator.reports.evidence import improvement
from orchestrator.reports.statistics import (
    Array,
    geometric_mean,
    median_interval,
    paired_ratio,
    wilson_interval,
)

Draw = Callable[[np.random.Generator, int], Array]


def even(random: np.random.Generator, n: int) -> Array:
    return random.normal(0, 0.15, n)


def in_two_heaps(random: np.random.Generator, n: int) -> Array:
    """Three in ten runs reconstruct nothing."""
    return np.where(random.random(n) < 0.3, random.normal(-0.5, 0.05, n), random.normal(0, 0.1, n))


def one_sided(random: np.random.Generator, n: int) -> Array:
    return -random.gamma(1.0, 0.15, n)


SHAPES: dict[str, Draw] = {"even": even, "in two heaps": in_two_heaps, "one-sided": one_sided}


def interquartile_means(shape: str, contexts: int, n: int, *, studies: int, seed: int = 0) -> float:
    """Of studies of so many contexts of n runs, the share whose interval holds the interquartile mean."""
    random = np.random.default_rng(seed)

    def runs(each: int) -> tuple[Array, ...]:
        levels = np.linspace(0.3, 0.9, contexts)
        return tuple(np.clip(level + SHAPES[shape](random, each), 0, 1.05) for level in levels)

    truth = interquartile_mean(runs(50_000))
    hits = 0
    for _ in range(studies):
        interval = Method("m", runs(n), 1.0).iqm
        assert interval.low is not None and interval.high is not None
        hits += interval.low <= truth <= interval.high
    return hits / studies


def ratios(n: int, *, studies: int, seed: int = 0) -> float:
    """Paired t-interval on logs: log-normal pairs that share their seed's effect; true ratio 0.4."""
    random = np.random.default_rng(seed)
    shared = random.normal(0, 1.0, (studies, n))
    ours = np.exp(math.log(0.4) + shared + random.normal(0, 0.7, (studies, n)))
    theirs = np.exp(shared + random.normal(0, 0.4, (studies, n)))
    return float(np.mean([_holds(paired_ratio(a, b), 0.4) for a, b in zip(ours, theirs, strict=True)]))


def ratios_where_some_blow_up(p: float, n: int, *, studies: int, seed: int = 0) -> float:
    """The same where a share p of the challenger's runs blows up, at a ceiling far from its others."""
    random = np.random.default_rng(seed)
    ours, ceiling = math.log(0.3), math.log(16.5)
    logs = np.where(random.random((studies, n)) < p, ceiling, random.normal(ours, 0.5, (studies, n)))
    theirs = np.exp(random.normal(math.log(8), 0.3, (studies, n)))
    truth = math.exp((1 - p) * ours + p * ceiling) / 8
    pairs = zip(np.exp(logs), theirs, strict=True)
    return float(np.mean([_holds(paired_ratio(a, b), truth) for a, b in pairs]))


def means(n: int, *, studies: int, seed: int = 0) -> float:
    """Geometric mean of log-normal scores."""
    drawn = np.exp(np.random.default_rng(seed).normal(0, 1, (studies, n)))
    return float(np.mean([_holds(geometric_mean(values), 1.0) for values in drawn]))


def medians(n: int, *, studies: int, seed: int = 0) -> float:
    """Median of log-normal scores, by order statistics."""
    drawn = np.exp(np.random.default_rng(seed).normal(0, 1, (studies, n)))
    return float(np.mean([_holds(median_interval(values), 1.0) for values in drawn]))


def shares(p: float, n: int) -> float:
    """Wilson's interval of a share, exactly: over all counts, weighed by how likely they are."""
    counts = np.arange(n + 1)
    likely = special.comb(n, counts) * p**counts * (1 - p) ** (n - counts)
    held = [low <= p <= high for low, high in (wilson_interval(int(count), n) for count in counts)]
    return float(likely[held].sum())


def improvements(shift: float, n: int, *, studies: int, seed: int = 0) -> float:
    """P(better) of pairs, of which a tenth blow up on either side."""
    random = np.random.default_rng(seed)

    def pairs(count: int) -> tuple[Array, Array]:
        ours, theirs = random.normal(-shift, 1, count), random.normal(0, 1, count)
        return (
            np.where(random.random(count) < 0.1, np.inf, ours),
            np.where(random.random(count) < 0.1, np.inf, theirs),
        )

    a, b = pairs(400_000)
    truth = float(np.mean(a < b) + np.mean(a == b) / 2)
    return float(np.mean([_holds(improvement(*pairs(n)), truth) for _ in range(studies)]))


def _holds(interval: object, truth: float) -> bool:
    low, high = getattr(interval, "low"), getattr(interval, "high")  # noqa: B009
    return low is not None and low <= truth <= high


def main() -> None:
    """Print the table."""
    seeds = (5, 8, 20)
    print(f"| interval | {' | '.join(f'{n} seeds' for n in seeds)} |\n|---|{'--:|' * len(seeds)}")

    def line(name: str, covered: Callable[[int], float]) -> None:
        print(f"| {name} | {' | '.join(f'{covered(n):.1%}' for n in seeds)} |", flush=True)

    line("ratio, paired t on logs", lambda n: ratios(n, studies=20_000))
    for p in (0.05, 0.1, 0.2):
        line(
            f"ratio, where {p:.0%} of one side blow up",
            lambda n, p=p: ratios_where_some_blow_up(p, n, studies=20_000),
        )
    line("geometric mean, t on logs", lambda n: means(n, studies=20_000))
    line("median, order statistics", lambda n: medians(n, studies=20_000) if n >= 6 else math.nan)
    for p in (0.02, 0.1, 0.5):
        line(f"share that blew up, {p:.0%}, Wilson", lambda n, p=p: shares(p, n))
    for shift in (0.0, 1.0, 2.0):
        line(f"P(better), shift {shift:g} SD", lambda n, s=shift: improvements(s, n, studies=20_000))
    for contexts in (3, 9):
        for shape in SHAPES:
            line(
                f"interquartile mean, {contexts} contexts, {shape}",
                lambda n, c=contexts, s=shape: interquartile_means(s, c, n, studies=1000),
            )


if __name__ == "__main__":
    main()

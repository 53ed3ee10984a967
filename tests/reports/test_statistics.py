"""Intervals and powers against closed forms, scipy and published tables; coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from orchestrator.reports.statistics import (
    SMALLEST_SCORE,
    geometric_mean,
    paired_power,
    paired_ratio,
    seeds_needed,
    wilson_interval,
)

A = [0.061, 0.12, 0.3, 0.085, 0.2, 0.55]
B = [7.4, 6.9, 9.1, 16.0, 5.2, 8.8]


def test_paired_ratio_is_the_paired_t_interval_of_the_logs() -> None:
    expected = stats.ttest_rel(np.log(A), np.log(B))
    interval = expected.confidence_interval(0.95)
    got = paired_ratio(A, B)
    assert got.n == 6
    assert got.value == pytest.approx(stats.gmean(np.array(A) / np.array(B)), rel=1e-12)
    assert got.low == pytest.approx(math.exp(interval.low), rel=1e-12)
    assert got.high == pytest.approx(math.exp(interval.high), rel=1e-12)


def test_interval_excludes_one_exactly_where_the_test_rejects() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        a, b = np.exp(random.normal(0.6, 1, 7)), np.exp(random.normal(0, 1, 7))
        got = paired_ratio(list(a), list(b))
        assert got.low is not None and got.high is not None
        assert (got.low > 1 or got.high < 1) == (stats.ttest_rel(np.log(a), np.log(b)).pvalue < 0.05)


def test_geometric_mean_of_three_by_hand() -> None:
    got = geometric_mean([1.0, math.e, math.e**2])  # logs 0, 1, 2: mean 1, s 1, t(2, 0.975) = 4.3027
    half = 4.302652729911275 / math.sqrt(3)
    assert got.value == pytest.approx(math.e)
    assert got.low == pytest.approx(math.exp(1 - half))
    assert got.high == pytest.approx(math.exp(1 + half))


def test_degenerate_samples() -> None:
    assert paired_ratio([], []) == paired_ratio([], [])
    assert paired_ratio([], []).value is None
    one = paired_ratio([2.0], [4.0])
    assert (one.n, one.low, one.high) == (1, None, None) and one.value == pytest.approx(0.5)
    same = paired_ratio([1.0, 2.0, 4.0], [2.0, 4.0, 8.0])
    assert same.low == pytest.approx(0.5) and same.high == pytest.approx(0.5)
    assert geometric_mean([0.0, -1.0]).value == pytest.approx(SMALLEST_SCORE)
    far = paired_ratio([1e-6, 1e6], [1e6, 1e-6])
    assert far.low is not None and far.high is not None and math.isfinite(far.high) and far.low > 0
    with pytest.raises(ValueError, match="equal lengths"):
        paired_ratio([1.0], [1.0, 2.0])


@pytest.mark.parametrize("n", [5, 8, 20])
def test_interval_covers_the_truth_95_percent_of_the_time(n: int) -> None:
    """Log-normal pairs that share a seed effect; true ratio 0.4."""
    random = np.random.default_rng(n)
    repeats = 4000
    shared = random.normal(0, 1.0, (repeats, n))
    challenger = np.exp(math.log(0.4) + shared + random.normal(0, 0.7, (repeats, n)))
    baseline = np.exp(shared + random.normal(0, 0.4, (repeats, n)))
    hits = 0
    for a, b in zip(challenger, baseline, strict=True):
        got = paired_ratio(a, b)
        assert got.low is not None and got.high is not None
        hits += got.low <= 0.4 <= got.high
    assert 0.94 <= hits / repeats <= 0.965


def test_wilson_interval_against_scipy() -> None:
    for count, n in [(0, 8), (1, 8), (4, 8), (8, 8), (37, 100)]:
        expected = stats.binomtest(count, n).proportion_ci(method="wilson")
        assert wilson_interval(count, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(9, 8)


@pytest.mark.parametrize(("effect", "total"), [(0.5, 34), (0.8, 15), (1.0, 10), (0.2, 199)])
def test_seeds_needed_agrees_with_the_usual_table(effect: float, total: int) -> None:
    """Paired t-test, two-sided, 5 %, 80 % power: totals as G*Power gives them."""
    differences = np.array([-1.0, 0.0, 1.0]) + effect  # sd exactly 1
    assert seeds_needed(differences) == total - 3


def test_power_against_simulation() -> None:
    random = np.random.default_rng(0)
    sample = random.normal(0.8, 1.0, (20000, 10))
    share = float((stats.ttest_1samp(sample, 0, axis=1).pvalue < 0.05).mean())
    assert paired_power(0.8, 10) == pytest.approx(share, abs=0.01)


def test_seeds_needed_says_when_it_cannot_say() -> None:
    assert seeds_needed([0.3]) is None
    assert seeds_needed([-1.0, 1.0]) is None  # no effect at all
    assert seeds_needed([-1.0, 1.0, 0.01]) is None  # far beyond the limit
    assert seeds_needed([0.5, 0.5, 0.5]) == 0

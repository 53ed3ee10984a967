"""Tests and effects against scipy, by hand and by counting; error rates by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from orchestrator.reports.evidence import cliffs_delta, holm, improvement, sign_flip_test, smallest_p


@pytest.mark.parametrize("n", [2, 5, 9])
def test_sign_flips_are_all_tried(n: int) -> None:
    random = np.random.default_rng(n)
    for _ in range(20):
        values = random.normal(0.4, 1, n)
        exact = stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
        )
        assert sign_flip_test(values) == pytest.approx(exact.pvalue, abs=1e-12)


def test_drawn_signs_agree_with_all_signs() -> None:
    """18 pairs, whose 131,072 patterns can still be counted."""
    values = np.random.default_rng(1).normal(0.15, 1, 18)
    bits = np.arange(2**17)[:, None] >> np.arange(18) & 1
    exact = np.mean(np.abs((1 - 2 * bits) @ values) >= abs(values.sum()) - 1e-9)
    assert 0.01 < exact < 0.3
    assert sign_flip_test(values) == pytest.approx(exact, abs=0.004)
    assert sign_flip_test(values) == sign_flip_test(values)


def test_least_p() -> None:
    for n in (1, 5, 14, 60):
        assert sign_flip_test([1.0] * n) == smallest_p(n)
    assert smallest_p(5) == 0.0625 and smallest_p(60) < 1e-4
    assert sign_flip_test([]) is None and sign_flip_test([0.0, 0.0]) == 1.0
    assert sign_flip_test([1e-300, 1e-300]) == 0.5  # no scale is too small


def test_a_true_null_is_rejected_as_often_as_it_says() -> None:
    """Skewed pairs, which have no normal logs: exchangeable within a pair is enough."""
    random = np.random.default_rng(0)
    p = [sign_flip_test(d) for d in random.gamma(0.5, size=(4000, 10)) - random.gamma(0.5, size=(4000, 10))]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.011)


def test_improvement_and_delta_by_hand() -> None:
    won = improvement([1.0, 2.0, math.inf, math.inf], [2.0, 2.0, math.inf, 5.0])
    assert won.value == 0.5  # won, tied, tied, lost
    assert won.low == pytest.approx(0.150, abs=1e-3) and won.high == pytest.approx(0.850, abs=1e-3)
    assert improvement([], []).value is None
    assert cliffs_delta([1.0, 2.0, math.inf], [2.0, math.inf]) == pytest.approx((2 + 1 - 1) / 6)
    assert cliffs_delta([1.0], [2.0]) == 1.0 and cliffs_delta([], [1.0]) is None
    a, b = np.random.default_rng(2).normal(size=(2, 9))
    u = stats.mannwhitneyu(b, a).statistic  # how often b > a
    assert cliffs_delta(list(a), list(b)) == pytest.approx(2 * u / 81 - 1)
    with pytest.raises(ValueError, match="NaN"):
        improvement([math.nan], [1.0])


def test_holm_steps_down() -> None:
    """Holm's own order of steps; agrees with Bonferroni for the least."""
    assert holm([0.01, None, 0.04, 0.03, 0.005]) == pytest.approx([0.03, None, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0] and holm([]) == []

"""Measures: exact answers first, then the faults that `published` keeps, floors, ceilings and broken runs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.systems.dataset import Dataset
from orchestrator.systems.measures import (
    PRESETS,
    Hellinger,
    MeasureSet,
    MixtureDivergence,
    StateSpaceDivergence,
    hellinger,
    outside_share,
    power_spectrum_correlation,
    state_space_divergence,
)
from orchestrator.systems.measures.base import Definition
from orchestrator.systems.measures.presets import definitions

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def measures(published: Dataset) -> MeasureSet:
    return MeasureSet(published.test)


def uniform(low: float, high: float, n: int = 1001) -> Array:
    return np.linspace(low, high, n)[:, None]


def test_divergence_of_two_known_histograms() -> None:
    """Truth half and half in two bins, generated 3:1: KL = ½ ln(½ / ¾) + ½ ln(½ / ¼)."""
    truth = np.repeat([0.0, 1.0], [500, 500])[:, None]
    generated = np.repeat([0.0, 1.0], [750, 250])[:, None]
    definition = StateSpaceDivergence(bins=2, epsilon=1e-12)
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert state_space_divergence(truth, generated, definition=definition) == pytest.approx(
        expected, rel=1e-9
    )


def test_divergence_agrees_with_the_full_histogram() -> None:
    rng = np.random.default_rng(0)
    truth, generated = rng.normal(size=(5_000, 2)), rng.normal(0.1, 1.2, size=(3_000, 2))
    sd = truth.std(axis=0)
    edges = [np.linspace(t.min() - 0.1 * s, t.max() + 0.1 * s, 11) for t, s in zip(truth.T, sd, strict=True)]
    p, _ = np.histogramdd(truth, edges)
    q, _ = np.histogramdd(generated, edges)
    p, q = np.append(p, 0) + 1e-5, np.append(q, len(generated) - q.sum()) + 1e-5
    p, q = p / p.sum(), q / q.sum()
    expected = float((p * np.log(p / q)).sum())
    value = state_space_divergence(truth, generated, definition=StateSpaceDivergence(bins=10))
    assert value == pytest.approx(expected, rel=1e-10)


def test_truth_against_itself(published: Dataset, measures: MeasureSet) -> None:
    scores = measures.evaluate(published.test)
    assert scores["orch"] == {"d_stsp": 0.0, "d_h": 0.0, "psc": pytest.approx(1.0), "outside_share": 0.0}
    assert scores["published"]["d_stsp"] == 0.0
    assert scores["published"]["psc"] == pytest.approx(1.0)


def test_divergence_of_shifted_gaussians_by_mixtures() -> None:
    """Of N(0, 1) and N(μ, 1) in six dimensions, kernels of variance 1: |μ|² / (2 (1 + 1))."""
    rng = np.random.default_rng(0)
    truth, other = rng.standard_normal((2, 10_000, 6))
    bound = MixtureDivergence(variance=1.0, epsilon=1e-12, samples=2_000).bind(truth)
    assert bound.score(truth) == 0.0
    assert bound.score(other + np.array([1.0, 0, 0, 0, 0, 0])) == pytest.approx(0.25, abs=0.04)
    assert bound.score(other + np.array([0, 0, 0, 0, 2.0, 0])) == pytest.approx(1.0, abs=0.1)


def test_mixtures_have_a_ceiling_that_what_is_far_away_scores() -> None:
    truth = np.random.default_rng(0).standard_normal((5_000, 10))
    bound = MixtureDivergence(variance=1.0).bind(truth)
    assert bound.score(np.full((100, 10), 999.0)) == pytest.approx(bound.ceiling(), abs=1e-6)
    assert bound.score(np.zeros((100, 10))) < bound.ceiling() / 2
    assert math.isnan(bound.score(np.full((100, 10), np.nan)))


def test_kernels_as_wide_as_the_attractor_prefer_a_network_that_stands_still() -> None:
    """Of N(0, 1) in ten dimensions against its mean alone: 2.5 − 5 ln 2 < 0 with kernels of variance 1."""
    truth = np.random.default_rng(0).standard_normal((20_000, 10))
    still = np.zeros((1_000, 10))
    wide, default = MixtureDivergence(variance=1.0).bind(truth), MixtureDivergence().bind(truth)
    assert wide.score(still) == pytest.approx(2.5 - 5 * math.log(2), abs=0.2)
    assert default.score(still) > 10


def test_d_stsp_is_binned_where_bins_can_be_filled() -> None:
    kinds = {n: definitions(dimension=n) for n in (4, 5, 6)}
    assert isinstance(kinds[4]["orch"]["d_stsp"], StateSpaceDivergence)
    assert all(isinstance(kinds[n]["orch"]["d_stsp"], MixtureDivergence) for n in (5, 6))
    assert ["d_stsp" in kinds[n]["published"] for n in (4, 5, 6)] == [True, False, False]


def test_published_hellinger_of_identical_series_is_not_zero(
    measures: MeasureSet, published: Dataset
) -> None:
    """A fault of the released code, kept: 0.132 for the Lorenz file against itself."""
    assert measures.evaluate(published.test)["published"]["d_h"] == pytest.approx(0.132, abs=0.02)


def test_first_bin_counts_in_orch_and_not_in_published() -> None:
    """Points in the lowest bin (below −1.87 SD of a box of ±2 SD in 30 bins) are invisible to `published`."""
    truth = uniform(-1.0, 1.0)
    half_width = 2 * truth.std()
    low = np.full((100, 1), -half_width + half_width / 60)  # middle of bin 0 of the published box
    middle = np.full((100, 1), 0.01)
    published, orch = PRESETS["published"]["d_stsp"].bind(truth), PRESETS["orch"]["d_stsp"].bind(truth)
    assert math.isnan(published.score(low))
    both = np.concatenate([middle, low])
    assert published.score(both) == pytest.approx(published.score(middle), rel=1e-12)
    # In `orch` the lowest bin of the truth, the first of its box, is worth about as much as any other.
    lowest = np.full((100, 1), -1.0 + 0.01)
    assert orch.score(lowest) == pytest.approx(orch.score(middle), abs=0.5)
    assert orch.score(np.concatenate([truth, lowest])) > orch.score(truth) + 0.01


def test_points_outside_cost_in_orch_and_are_dropped_in_published(
    published: Dataset, measures: MeasureSet
) -> None:
    half = published.train.copy()
    half[::2] = 50.0
    clean, spoilt = measures.evaluate(published.train), measures.evaluate(half)
    assert spoilt["orch"]["outside_share"] == pytest.approx(0.5, abs=0.001)
    assert spoilt["orch"]["d_stsp"] > clean["orch"]["d_stsp"] + 0.6  # at least ln 2 for the mass that is gone
    assert spoilt["published"]["d_stsp"] < clean["published"]["d_stsp"] + 0.2


def test_white_noise_fails(measures: MeasureSet) -> None:
    scores = measures.evaluate(np.random.default_rng(0).standard_normal((100_000, 3)))
    for preset in ("orch", "published"):
        assert scores[preset]["d_h"] > 0.8
        assert scores[preset]["d_stsp"] > 3.0
        assert abs(scores[preset]["psc"]) < 0.5
    assert scores["orch"]["psc"] == pytest.approx(0.0, abs=0.05)


@pytest.mark.filterwarnings("error")
def test_collapsed_run_is_at_the_ceiling(measures: MeasureSet) -> None:
    ceilings = measures.ceilings()
    inside = measures.evaluate(np.full((100_000, 3), 0.1))
    for preset in ("orch", "published"):
        assert inside[preset]["d_stsp"] == pytest.approx(ceilings[preset]["d_stsp"], abs=0.01)
        assert math.isnan(inside[preset]["d_h"])
        assert math.isnan(inside[preset]["psc"])
    far = measures.evaluate(np.full((100_000, 3), 1e6))
    assert far["orch"]["d_stsp"] == pytest.approx(ceilings["orch"]["d_stsp"])
    assert far["orch"]["outside_share"] == 1.0
    assert math.isnan(far["published"]["d_stsp"])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_run_that_is_not_finite_has_no_score(measures: MeasureSet, published: Dataset, value: float) -> None:
    broken = published.train[:20_000].copy()
    broken[-1, 0] = value
    assert all(math.isnan(v) for scores in measures.evaluate(broken).values() for v in scores.values())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_huge_but_finite_run_does_not_overflow_aloud(measures: MeasureSet, scale: float) -> None:
    scores = measures.evaluate(scale * np.random.default_rng(0).standard_normal((20_000, 3)))
    assert scores["orch"]["outside_share"] == 1.0
    assert math.isnan(scores["published"]["d_stsp"])


def test_rounding_noise_around_a_fixed_point_has_no_spectrum(measures: MeasureSet) -> None:
    jitter = 0.3 + 1e-15 * np.random.default_rng(0).standard_normal((100_000, 3))
    assert math.isnan(measures.evaluate(jitter)["orch"]["d_h"])


def test_shorter_run(measures: MeasureSet, published: Dataset) -> None:
    scores = measures.evaluate(published.train[:50_000])
    assert scores["orch"]["d_stsp"] < 0.3
    assert scores["orch"]["d_h"] < 0.15
    assert scores["orch"]["psc"] > 0.95
    same = measures.evaluate(published.test[:50_000])
    assert same["orch"]["d_h"] == 0.0
    assert same["orch"]["psc"] == pytest.approx(1.0)


@pytest.mark.parametrize("length", [0, 1, 10, 500])
def test_run_too_short_for_a_spectrum(measures: MeasureSet, published: Dataset, length: int) -> None:
    scores = measures.evaluate(published.train[:length])
    for preset in ("orch", "published"):
        assert math.isnan(scores[preset]["d_h"])
        assert math.isnan(scores[preset]["psc"])
    assert math.isnan(scores["orch"]["d_stsp"]) == (length == 0)


def test_hellinger_of_disjoint_spectra_is_one_and_sees_time() -> None:
    t = np.arange(20_000)
    slow, fast = np.sin(0.1 * t)[:, None], np.sin(1.0 * t)[:, None]
    definition = Hellinger(sigma_bins=1.0)
    assert hellinger(slow, fast, definition=definition) == pytest.approx(1.0, abs=0.01)
    assert hellinger(slow, 5.0 + 3.0 * slow, definition=definition) == pytest.approx(
        0.0, abs=1e-6
    )  # z-scored


def test_double_speed_is_seen_by_hellinger_alone(published: Dataset, measures: MeasureSet) -> None:
    twice = np.concatenate([published.train[::2], published.train[1::2]])
    scores = measures.evaluate(twice)["orch"]
    assert scores["d_stsp"] < 0.15
    assert scores["d_h"] == pytest.approx(0.40, abs=0.08)


def test_psc_keeps_its_sign() -> None:
    rng = np.random.default_rng(0)
    red = np.cumsum(rng.standard_normal((20_000, 1)), axis=0)
    blue = np.diff(rng.standard_normal((20_001, 1)), axis=0)
    assert power_spectrum_correlation(red, blue) < -0.5
    assert power_spectrum_correlation(red, red) == pytest.approx(1.0)


def test_outside_share_of_known_points() -> None:
    truth = uniform(0.0, 1.0)
    margin = 0.1 * truth.std()
    generated = np.array([[0.5], [1.0 + 0.9 * margin], [1.0 + 1.1 * margin], [-1.1 * margin]])
    assert outside_share(truth, generated) == 0.5


def test_too_many_bins_are_refused_by_name() -> None:
    truth = np.random.default_rng(0).standard_normal((100, 6))
    with pytest.raises(ValueError, match=r"30 bins in 6 dimensions .* limit of 1e\+08"):
        StateSpaceDivergence().bind(truth)
    assert state_space_divergence(truth, truth, definition=StateSpaceDivergence(bins=6)) == 0.0


def test_data_of_the_wrong_shape_are_refused(measures: MeasureSet) -> None:
    with pytest.raises(ValueError, match=r"generated must be \(T, 3\)"):
        measures.evaluate(np.zeros((10, 2)))
    with pytest.raises(ValueError, match="truth is constant"):
        MeasureSet(np.zeros((10, 2)))
    with pytest.raises(ValueError, match=r"unknown preset 'gft': known presets: orch, published"):
        MeasureSet(np.random.default_rng(0).standard_normal((10, 2)), presets=("gft",))


def test_definitions_say_everything_and_are_json(measures: MeasureSet) -> None:
    definitions = measures.definitions()
    assert json.loads(json.dumps(definitions)) == definitions
    assert definitions["published"]["d_stsp"]["keep_first_bin"] is False
    assert definitions["orch"]["d_h"]["sigma_bins"] == 20.0
    assert {key: set(value) for key, value in definitions.items()} == {
        key: set(value) for key, value in measures.ceilings().items()
    }
    definition: Definition
    for definition in PRESETS["orch"].values():
        assert {"measure", "version"} <= set(definition.as_dict())

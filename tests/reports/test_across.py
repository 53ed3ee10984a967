"""All systems together: known ranks and means come back, intervals hold the truth, contexts weigh alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from orchestrator.reports import compare
from orchestrator.reports.across import THRESHOLDS, Across, Method, across, interquartile_mean

from . import coverage
from .conftest import CEILING, FLOOR, Database

SEEDS = range(8)


def together(database: Database) -> Across:
    made = across(compare(database.connection, "clipping"))
    assert made is not None
    return made


def systems(database: Database, count: int) -> None:
    """Forcing is at the floor, clipping at the ceiling but for seed 0, zero reset half way between."""
    middle = (FLOOR * CEILING) ** 0.5
    for place in range(count):
        system = f"s{place}"
        database.add("sparse_forcing", {s: FLOOR for s in SEEDS}, tau=30, system=system)
        base: dict[int, float | str] = {s: "diverged" for s in SEEDS}
        base[0] = middle
        database.add("clipping", base, system=system)
        database.add("zero_reset", {s: middle / 1.0001 for s in SEEDS}, tau=30, system=system)


def test_scale_ranks_and_shares(database: Database) -> None:
    systems(database, 8)
    made = together(database)
    assert [m.name for m in made.methods] == ["forcing", "zero reset", "clipping"]
    assert [m.mean_rank for m in made.methods] == [1, 2, 3]
    assert [m.iqm.value for m in made.methods] == pytest.approx([1, 0.5, 0], abs=1e-4)
    forcing, _, clipping = made.methods
    assert (forcing.reconstructed.value, clipping.reconstructed.value) == (1.0, 0.0)
    assert clipping.runs[0] == pytest.approx([0.5] + [0] * 7)
    assert clipping.profile[0] == pytest.approx(1 / 8) and THRESHOLDS[0] == 0
    assert made.alike == () and made.friedman < 0.001 and made.left_out == ()


def test_what_is_not_everywhere_is_left_out_and_said(database: Database) -> None:
    systems(database, 2)
    database.add("noise", {s: 1.0 for s in SEEDS}, system="s0")
    made = together(database)
    assert made.left_out == ("noise",) and len(made.methods) == 3
    assert made.alike == ((0, 2),)  # two contexts tell nothing


def names(database: Database, baseline: str) -> tuple[list[str], tuple[str, ...]]:
    made = across(compare(database.connection, baseline))
    assert made is not None
    return sorted(m.name for m in made.methods), made.left_out


def test_a_method_is_the_same_wherever_it_is_looked_at(database: Database) -> None:
    """By its family and the choice of τ, not by names that are made short where nothing is beside them."""
    good, bad = {s: 0.1 for s in SEEDS}, {s: 8.0 for s in SEEDS}
    for system, taus in (("grid", (10, 20, 30)), ("single", (25,))):
        for tau in taus:
            database.add("sparse_forcing", good, tau=tau, system=system)
        database.add("clipping", bad, system=system)
    both = ["clipping", "forcing near τ_pred", "forcing tuned"]
    assert names(database, "clipping") == (both, ())
    for seed, score in good.items():  # a τ that is far from τ_pred does not stand for it
        database.add("sparse_forcing", {seed: score}, tau=5, system="far")
        database.add("clipping", {seed: bad[seed]}, system="far")
    found, left_out = names(database, "clipping")
    assert found == ["clipping", "forcing tuned"] and "forcing near τ_pred" in left_out


def test_a_baseline_has_its_own_tau_in_each_system(database: Database) -> None:
    good, bad = {s: 0.1 for s in SEEDS}, {s: 8.0 for s in SEEDS}
    for system, tau in (("a", 30), ("b", 10)):
        database.add("sparse_forcing", good, tau=tau, system=system)
        database.add("clipping", bad, system=system)
    assert names(database, "sparse_forcing") == (["clipping", "forcing, the baseline"], ())


def test_variants_are_not_pooled_across_systems(database: Database) -> None:
    good, bad = {s: 0.1 for s in SEEDS}, {s: 8.0 for s in SEEDS}
    for system, variant in (("a", "max_norm=1"), ("b", "max_norm=10")):
        database.add("clipping", bad, system=system, parameters=variant)
        database.add("sparse_forcing", good, tau=30, system=system)
        database.add("zero_reset", bad, tau=30, system=system)
    found, left_out = names(database, "clipping")
    assert found == ["forcing", "zero reset"]
    assert set(left_out) == {"clipping(max_norm=1)", "clipping(max_norm=10)"}


def test_of_one_system_there_is_nothing(database: Database) -> None:
    systems(database, 1)
    assert across(compare(database.connection, "clipping")) is None


def test_a_tuned_method_is_scored_on_the_seeds_that_it_was_not_chosen_on(
    database: Database, fill: Callable[[Database], None]
) -> None:
    fill(database)
    tuned = next(m for m in together(database).methods if m.name == "forcing tuned")
    assert [len(y) for y in tuned.runs] == [4] * 6


def test_interquartile_mean_is_the_trimmed_mean_and_weighs_groups_alike() -> None:
    random = np.random.default_rng(0)
    groups = [random.normal(size=8) for _ in range(3)]
    assert interquartile_mean(groups) == pytest.approx(stats.trim_mean(np.concatenate(groups), 0.25))
    twice = [np.repeat(groups[0], 2), *groups[1:]]
    assert interquartile_mean(twice) == pytest.approx(interquartile_mean(groups))
    assert interquartile_mean([np.array([0.0, 1.0, 2.0])]) == pytest.approx(1.0)


def test_stretches_overlap_where_only_the_ends_differ(database: Database) -> None:
    """Three methods, of which neighbours cannot be told apart: two bars."""
    wiggle = [1.0, -1.0, 0.9, -0.8, 0.7, -0.9, 0.8, -0.7, 1.0, -1.0]
    for place, step in enumerate(wiggle):
        system = f"s{place}"
        database.add("sparse_forcing", {s: 0.3 for s in SEEDS}, tau=30, system=system)
        database.add("clipping", {s: 0.33 * np.exp(0.7 * step) for s in SEEDS}, system=system)
        database.add("zero_reset", {s: 0.38 for s in SEEDS}, tau=30, system=system)
    made = together(database)
    assert made.alike == ((0, 1), (1, 2))


@pytest.mark.parametrize(("shape", "low"), [("even", 0.925), ("in two heaps", 0.92), ("one-sided", 0.86)])
def test_intervals_of_the_interquartile_mean_hold_it(shape: str, low: float) -> None:
    """The hardest that the table in docs/comparisons.md has: three contexts of five seeds."""
    assert low <= coverage.interquartile_means(shape, 3, 5, studies=400) <= 0.98


def test_other_intervals_hold_their_truth() -> None:
    assert coverage.medians(8, studies=2000) >= 0.94
    assert coverage.improvements(1.0, 8, studies=2000) >= 0.94
    # Wilson's interval is right on average over shares, not for each of them.
    assert np.mean([coverage.shares(p, 8) for p in np.linspace(0.02, 0.98, 49)]) == pytest.approx(
        0.95, abs=0.015
    )


def test_a_band_of_one_run_is_a_line() -> None:
    method = Method("m", (np.array([0.4]), np.array([0.6])), 1.0)
    low, high = method.profile_band
    assert (low == high).all() and method.iqm.value == pytest.approx(0.5)

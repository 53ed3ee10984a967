"""The choice of τ: nearest on a log scale, and blind to the seeds that score it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from orchestrator.reports.selection import best_on, nearest_tau, split_seeds
from orchestrator.reports.trials import Cell, Trial, family_of


def cell(tau: int, scores: Mapping[int, float | None] | None = None) -> Cell:
    trials = tuple(Trial(f"{tau}-{seed}", seed, "ok", "", score) for seed, score in (scores or {}).items())
    return Cell(f"cell{tau}", "sparse_forcing", f"sparse_forcing(tau={tau})", "sparse_forcing", tau, trials)


@pytest.mark.parametrize(
    ("tau_pred", "nearest"),
    [(26.4, 30), (24.0, 20), (1.0, 10), (900.0, 100), (math.sqrt(20 * 30), 20), (45.0, 30), (60.0, 100)],
)
def test_nearest_is_on_a_log_scale_and_ties_go_to_the_smaller(tau_pred: float, nearest: int) -> None:
    assert nearest_tau([cell(tau) for tau in (100, 10, 30, 20)], tau_pred).tau == nearest


def test_nearest_refuses_what_has_no_answer() -> None:
    for tau_pred in (0.0, -3.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="no τ"):
            nearest_tau([cell(10)], tau_pred)


def test_split_is_by_rank_and_disjoint() -> None:
    assert split_seeds([7, 3, 5, 1, 9]) == ((1, 5, 9), (3, 7))
    assert split_seeds([4]) == ((4,), ())
    assert split_seeds([]) == ((), ())


def test_best_is_chosen_on_the_given_seeds_alone() -> None:
    cells = [cell(10, {0: 1.0, 1: 9.0, 2: 1.0}), cell(20, {0: 2.0, 1: 0.001, 2: 2.0})]
    best = best_on(cells, (0, 2))
    assert best is not None and best.tau == 10


def test_one_lucky_seed_does_not_win() -> None:
    cells = [cell(10, {0: 1.0, 1: 1.0, 2: 1.0}), cell(20, {0: 0.1, 1: None})]
    best = best_on(cells, (0, 1, 2))
    assert best is not None and best.tau == 10
    assert best_on([], (0, 1)) is None


@pytest.mark.parametrize(
    ("label", "family"),
    [
        ("sparse_forcing(tau=30)", "sparse_forcing"),
        ("sparse_forcing(tau=30, noise=0.1)", "sparse_forcing(noise=0.1)"),
        ("sparse_forcing(noise=0.1, tau=30)", "sparse_forcing(noise=0.1)"),
        ("annealed(min_tau=5, tau=30)", "annealed(min_tau=5)"),
        ("clipping(max_norm=1)", "clipping(max_norm=1)"),
        ("zero_reset", "zero_reset"),
    ],
)
def test_family_is_the_label_without_its_tau(label: str, family: str) -> None:
    assert family_of(label) == family

"""Along a setting: a known trend is found, and what differs otherwise stays apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from orchestrator.reports import UnknownNameError, along, along_said, compare, render_along
from orchestrator.reports.across import across
from orchestrator.reports.html.along_section import along_query, along_sections
from orchestrator.reports.trend import trend

from .conftest import Database

SEEDS = range(8)


def settings(noise: float, points: int = 10_000, **more: Any) -> dict[str, Any]:
    return {
        "system": {"name": "lorenz63", "noise": noise, "train_points": points, **more},
        "architecture": {"name": "lstm", "latent_dim": 30},
        "training": {"epochs": 100},
    }


def study(database: Database, noises: tuple[float, ...] = (0.02, 0.1, 0.5), points: int = 10_000) -> None:
    """Forcing at τ 30 gets worse in proportion to the noise, clipping is as it is."""
    for noise in noises:
        of: dict[str, Any] = {"system": f"lorenz63(noise={noise})", "context": f"n={points}"}
        of["settings"] = settings(noise, points)
        database.add("clipping", {s: 8 * 1.05**s for s in SEEDS}, **of)
        database.add("sparse_forcing", {s: noise * 1.1**s for s in SEEDS}, tau=30, **of)
        database.add("sparse_forcing", {s: 7.0 for s in SEEDS}, tau=90, **of)


@pytest.mark.parametrize("scores", [[3.1, 2, 5, 4, 7, 1], [1, 2, 3, 4, 5], [2, 1]])
def test_one_seed_has_kendalls_correlation(scores: list[float]) -> None:
    found, exact = trend({0: dict(enumerate(scores))}), kendalltau(range(len(scores)), scores, method="exact")
    assert found[:2] == pytest.approx((exact.statistic, exact.pvalue))


def test_two_values_are_a_sign_test_and_only_directions_count() -> None:
    rising = {seed: {0.0: 10.0**seed, 1.0: 1.001 * 10.0**seed} for seed in range(6)}
    assert trend(rising)[:2] == (1, 2 / 2**6)
    rising[6] = {0.0: 1.0, 1.0: float("inf")}  # it blew up
    assert trend(rising)[:2] == (1, 2 / 2**7)
    rising[7] = {0.0: float("inf"), 1.0: float("inf")}
    assert trend(rising)[0] == 7 / 8 and trend(rising)[1] == pytest.approx(2 / 2**7)
    assert trend({0: {1.0: 1.0}})[:2] == (None, None) and trend({})[:2] == (None, None)


@pytest.mark.parametrize("ties", [False, True])
def test_at_chance_a_trend_is_seen_no_more_often_than_said(ties: bool) -> None:
    random = np.random.default_rng(5)
    draw = (lambda: random.integers(0, 3, 5)) if ties else (lambda: random.standard_normal(5))
    found = [trend({s: dict(enumerate(draw().astype(float))) for s in range(5)}).p for _ in range(1000)]
    assert 0.015 < np.mean([p is not None and p < 0.05 for p in found]) < 0.06


def test_a_known_trend_comes_back_with_its_size(database: Database) -> None:
    study(database)
    (one,) = along(compare(database.connection, "clipping"))
    assert (one.setting, one.title, one.baseline) == ("noise", "lorenz63 × lstm [n=10000]", "clipping")
    assert list(one.contexts) == [0.02, 0.1, 0.5]
    base, near, tuned = one.lines
    assert [line.name for line in one.lines] == ["clipping", "forcing near τ_pred", "forcing tuned"]
    assert near.ends.value == pytest.approx(25) and near.ends.low == pytest.approx(25)
    assert (
        near.scores.concordance == 1
        and near.ratios.concordance == 1
        and near.scores.p == pytest.approx(2 / 6**8)
    )
    assert base.scores[:2] == (0, 1) and base.ratios.p is None and base.ends.value == pytest.approx(1)
    assert tuned.points[0].mean.n == 4 and near.points[0].mean.n == 8  # the others chose its τ
    trends = [line.scores for line in one.lines] + [line.ratios for line in one.lines[1:]]
    assert near.scores.p_holm == pytest.approx(len(trends) * near.scores.p)
    said = list(along_said.sentences(one, "D_stsp"))
    assert said[1] == (
        "forcing near τ_pred: D_stsp 0.028 at noise=0.02, 0.70 at 0.5, 25× (95% 25× to 25×): rises "
        "(p <0.001, Holm <0.001); better than clipping at 0.02, 0.1, 0.5; its ratio to clipping: rises "
        "(p <0.001, Holm <0.001)"
    )
    rows = one.as_dicts()
    assert len(rows) == 9 and rows[3]["ratio"] == near.points[0].part.row.ratio  # type: ignore[union-attr]
    render_along(compare(database.connection, "clipping"), [one])


def test_what_differs_otherwise_stays_apart(database: Database) -> None:
    study(database)
    study(database, (0.02, 0.5), points=2_000)
    comparison = compare(database.connection, "clipping")
    found = along(comparison)
    assert [(one.setting, len(one.contexts)) for one in found] == [
        ("noise", 2), ("noise", 3), ("train_points", 2), ("train_points", 2),
    ]  # fmt: skip
    assert [one.setting for one in along(comparison, "system.train_points")] == ["train_points"] * 2
    assert across(comparison) is None  # variants of one system are no systems
    noises = [context.values["system.noise"] for context in comparison.contexts]
    assert noises == sorted(noises)


def test_what_there_is_is_said(database: Database) -> None:
    study(database)
    comparison = compare(database.connection, "clipping")
    for asked, said in (
        ("nose", "did you mean 'noise'?"),
        ("latent_dim", "it is 30 in all of them. Contexts differ in noise"),
    ):
        with pytest.raises(UnknownNameError, match=said):
            along(comparison, asked)


def test_names_that_two_settings_have_are_told_apart(database: Database) -> None:
    for noise in (0.1, 0.2):
        for other in (1.0, 2.0):
            of = settings(noise)
            of["training"]["noise"] = other
            where = {"system": f"lorenz63(noise={noise})", "settings": of, "context": f"noise={other}"}
            database.add("clipping", {s: 1.0 + s for s in SEEDS}, **where)
            database.add("noise", {s: 1.0 for s in SEEDS}, **where)
    comparison = compare(database.connection, "clipping")
    assert {one.setting for one in along(comparison)} == {"system.noise", "training.noise"}
    assert [one.title for one in along(comparison, "system.noise")] == [
        "lorenz63 × lstm [noise=1.0]", "lorenz63 × lstm [noise=2.0]",
    ]  # fmt: skip
    with pytest.raises(UnknownNameError, match=r"system\.noise, training\.noise"):
        along(comparison, "noise")


def test_its_sql_gives_its_numbers(database: Database) -> None:
    study(database)
    database.add("sparse_forcing", {99: "unbounded"}, tau=30, system="lorenz63(noise=0.1)", context="n=10000")
    comparison = compare(database.connection, "clipping")
    (one,) = along(comparison)
    points = sorted(
        ((p, line.name) for line in one.lines for p in line.points), key=lambda found: found[0].value
    )
    answer = database.connection.execute(along_query(comparison, one)).fetchall()
    for (point, name), (value, method, tau, seeds, *numbers, blew_up) in zip(points, answer, strict=True):
        row, mean = point.part.row, point.mean
        assert (value, method, tau, seeds) == (point.value, name, point.part.cell.tau, mean.n)
        assert blew_up == point.part.cell.blown_up
        against = (row.ratio, row.low, row.high) if row else (None, None, None)
        for number, ours in zip(numbers, (mean.value, mean.low, mean.high, *against), strict=True):
            assert number == (None if ours is None else pytest.approx(ours))
    (page,) = along_sections(comparison, [one], database.connection)
    assert page.count("<table") == 1 and "Along noise" in page and "<svg" in page

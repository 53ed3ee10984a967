"""Along a setting: a known trend is found, and what differs otherwise stays apart."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import kendalltau

from orchestrator.reports import (
    NothingToCompareError,
    UnknownNameError,
    along,
    compare,
    contexts_of,
    render_along,
    without_pairs,
)  # fmt: skip
from orchestrator.reports.across import across
from orchestrator.reports.along_said import sentences as along_sentences
from orchestrator.reports.html.along_section import along_query, along_sections
from orchestrator.reports.trend import trend

from .conftest import Database

SEEDS = range(8)


NONE: Mapping[str, Any] = {}


def where(noise: float, points: int = 10_000, training: Mapping[str, Any] = NONE) -> dict[str, Any]:
    """A context of Lorenz-63 that was trained on with noise."""
    inside = [f"train_points={points}"] * (points < 10_000) + [f"noise={noise}"] * (noise > 0)
    system = f"lorenz63({', '.join(inside)})" if inside else "lorenz63"
    settings = {
        "system": {"name": "lorenz63", "noise": noise, "train_points": points},
        "architecture": {"name": "lstm", "latent_dim": 30, "precision": "float32"},
        "training": {"epochs": 100, "noise": 0.0, **training},
        "evaluation": {"steps": 1000},
    }
    config = {"system": {"name": system}, "architecture": {"name": "lstm"}, "training": dict(training)}
    return {"system": system, "context": str(training), "settings": settings, "config": config}


def study(database: Database, noises: tuple[float, ...] = (0.02, 0.1, 0.5), points: int = 10_000) -> None:
    """Forcing at τ 30 gets worse in proportion to the noise, clipping is as it is."""
    for noise in noises:
        of = where(noise, points)
        database.add("clipping", {s: 8 * 1.05**s for s in SEEDS}, **of)
        database.add("sparse_forcing", {s: noise * 1.1**s for s in SEEDS}, tau=30, **of)
        database.add("sparse_forcing", {s: 7.0 for s in SEEDS}, tau=90, **of)


@pytest.mark.parametrize("scores", [[3.1, 2, 5, 4, 7, 1], [1, 2, 3, 4, 5], [2, 1]])
def test_one_seed_has_kendalls_correlation(scores: list[float]) -> None:
    found, exact = trend({0: dict(enumerate(scores))}), kendalltau(range(len(scores)), scores, method="exact")
    assert (found.concordance, found.p) == pytest.approx((exact.statistic, exact.pvalue))


@pytest.mark.parametrize("blocks", [[[0, 1, 1, 2]], [[1, 0, 0], [2, 2, 2, 0, 1]], [[3, 3], [0, 1, 1]]])
def test_where_scores_are_alike_every_order_counts(blocks: list[list[int]]) -> None:
    def rising(order: tuple[int, ...]) -> int:
        return sum((b > a) - (b < a) for a, b in combinations(order, 2))

    found = trend({seed: dict(enumerate(map(float, block))) for seed, block in enumerate(blocks)})
    observed = abs(sum(rising(tuple(block)) for block in blocks))
    sums = [abs(sum(map(rising, orders))) for orders in product(*map(permutations, blocks))]
    assert found.p == pytest.approx(np.mean([one >= observed for one in sums]))
    assert found.least_p == pytest.approx(np.mean([one == max(sums) for one in sums]))


def test_two_values_are_a_sign_test_and_only_directions_count() -> None:
    rising = {seed: {0.0: 10.0**seed, 1.0: 1.001 * 10.0**seed} for seed in range(6)}
    assert trend(rising)[:4] == (6, 1, 2 / 2**6, 2 / 2**6)
    rising[6] = {0.0: 1.0, 1.0: float("inf")}  # it blew up
    assert trend(rising)[:3] == (7, 1, 2 / 2**7)
    rising[7] = {0.0: float("inf"), 1.0: float("inf")}
    assert trend(rising)[:3] == (8, 7 / 8, 2 / 2**7)
    assert trend({0: {1.0: 1.0}})[:3] == trend({})[:3] == (0, None, None)


def test_a_known_trend_comes_back_with_its_size(database: Database) -> None:
    study(database)
    (one,) = along(compare(database.connection, "clipping"))
    assert (one.setting, one.title, one.baseline) == ("noise", "lorenz63 × lstm", "clipping")
    assert list(one.contexts) == [0.02, 0.1, 0.5]
    base, near, tuned = one.lines
    assert [line.name for line in one.lines] == ["clipping", "forcing nearest τ_pred", "forcing tuned"]
    assert near.ends.value == pytest.approx(25) and near.ends.low == pytest.approx(25)
    assert (
        near.scores.concordance == 1
        and near.ratios.concordance == 1
        and near.scores.p == pytest.approx(2 / 6**8)
    )
    assert base.scores[:3] == (8, 0, 1) and base.ratios.p is None and base.ends.value == pytest.approx(1)
    assert tuned.points[0].mean.n == 4 and near.points[0].mean.n == 8  # the others chose its τ
    trends = [line.scores for line in one.lines] + [line.ratios for line in one.lines[1:]]
    assert near.scores.p_holm == pytest.approx(len(trends) * near.scores.p)
    said = list(along_sentences(one, "D_stsp"))
    assert said[1] == (
        "forcing nearest τ_pred: D_stsp 0.028 at noise=0.02, 0.70 at 0.5, which is 25× as much (95% 25× to "
        "25×): rises (p <0.001, Holm <0.001, 8 seeds); better than clipping at 0.02, 0.1, 0.5; against "
        "clipping as noise grows: loses ground (p <0.001, Holm <0.001, 8 seeds)"
    )
    rows = one.as_dicts()
    assert len(rows) == 9 and rows[3]["ratio"] == near.points[0].part.row.ratio  # type: ignore[union-attr]
    shown = io.StringIO()
    Console(file=shown, width=80).print(render_along(compare(database.connection, "clipping"), [one]))
    assert "lorenz63 × lstm, along noise" in shown.getvalue() and "0/8" in shown.getvalue()


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
        ("SYSTEM.noi", "did you mean 'noise'?"),
        ("latent_dim", "it is 30 wherever it is known. Contexts differ in noise"),
        ("steps", "it is 1000 wherever it is known"),
        ("tau", "`--tau` the report on it"),
    ):
        with pytest.raises(UnknownNameError, match=said.replace("?", r"\?")):
            along(comparison, asked)


def test_a_systems_name_stands_for_its_variants(database: Database) -> None:
    study(database, (0.0, 0.1))
    database.add("clipping", {0: 1.0}, system="roessler")
    every = {context.context_id for context in compare(database.connection, "clipping").contexts}
    both = contexts_of(database.connection, systems=["lorenz63"])
    assert both is not None and both < every and len(both) == 2
    assert len(contexts_of(database.connection, systems=["lorenz63(noise=0.1)"]) or ()) == 1
    with pytest.raises(UnknownNameError, match=r"did you mean 'lorenz63'\?"):
        contexts_of(database.connection, systems=["lorenz64"])


def test_names_that_two_settings_have_are_told_apart(database: Database) -> None:
    for noise in (0.1, 0.2):
        for other in (1.0, 2.0):
            of = where(noise, training={"noise": other})
            database.add("clipping", {s: 1.0 + s for s in SEEDS}, **of)
            database.add("noise", {s: 1.0 for s in SEEDS}, **of)
    comparison = compare(database.connection, "clipping")
    assert {one.setting for one in along(comparison)} == {"system.noise", "training.noise"}
    assert [one.title for one in along(comparison, "system.noise")] == [
        "lorenz63 × lstm [noise=1]", "lorenz63 × lstm [noise=2]",
    ]  # fmt: skip
    assert [one.title for one in along(comparison, "training.noise")] == [
        "lorenz63(noise=0.1) × lstm", "lorenz63(noise=0.2) × lstm",
    ]  # fmt: skip
    with pytest.raises(UnknownNameError, match=r"system\.noise, training\.noise"):
        along(comparison, "noise")


def test_a_setting_that_came_to_be_later_has_its_default_in_earlier_results(database: Database) -> None:
    for noise in (0.1, 0.2):
        of = where(noise)
        if noise == 0.2:
            of["settings"]["training"]["later"] = 3
        database.add("clipping", {s: 1.0 for s in SEEDS}, **of)
        database.add("noise", {s: 1.0 for s in SEEDS}, **of)
    (one,) = along(compare(database.connection, "clipping"))
    assert list(one.contexts) == [0.1, 0.2]


def test_what_is_not_everywhere_is_said(database: Database) -> None:
    study(database)
    database.add("zero_reset", {s: 9.0 for s in SEEDS}, tau=30, **where(0.1))
    database.add("noise", {s: 9.0 for s in SEEDS}, **where(0.02))
    database.add("noise", {s: 10.0 for s in (0, 1, 9)}, **where(0.5))
    (one,) = along(compare(database.connection, "clipping"))
    said = list(along_sentences(one, "D_stsp"))
    assert said[-1] == "at one value alone, and left out: zero reset"
    (noise,) = [line for line in said if line.startswith("noise: ")]
    assert (
        "not compared at 0.1" in noise
        and "too few to show a trend (2 seeds cannot give p below 0.50)" in noise
    )


def test_a_tau_near_the_prediction_here_and_far_from_it_there_is_one_line(database: Database) -> None:
    for noise, tau_pred in ((0.1, 26.4), (0.2, 200.0)):
        of = where(noise)
        for tau in (10, 30):
            database.add("sparse_forcing", {s: noise for s in SEEDS}, tau=tau, tau_pred=tau_pred, **of)
        database.add("clipping", {s: 9.0 for s in SEEDS}, tau_pred=tau_pred, **of)
    (one,) = along(compare(database.connection, "clipping"))
    assert [line.name for line in one.lines] == ["clipping", "forcing nearest τ_pred", "forcing tuned"]
    assert "far from τ_pred at 0.2" in list(along_sentences(one, "D_stsp"))[1]


def test_what_blew_up_is_worse_than_any_other_in_ratios_too(database: Database) -> None:
    """By the ceiling the ratio would fall: 12 / 5 to 16 / 9."""
    for noise, score, base in ((0.1, 12.0, 5.0), (0.2, "diverged", 9.0)):
        database.add("noise", {s: score for s in SEEDS}, **where(noise))
        database.add("clipping", {s: base for s in SEEDS}, **where(noise))
    (one,) = along(compare(database.connection, "clipping"))
    assert one.lines[1].ratios.concordance == 1


def test_where_nothing_is_compared_scores_have_a_trend_all_the_same(database: Database) -> None:
    for noise in (0.1, 0.2):
        database.add("sparse_forcing", {s: noise for s in SEEDS}, tau=30, **where(noise))
    comparison = without_pairs(database.connection, "clipping", "there is none")
    (one,) = along(comparison)
    assert one.baseline == "" and one.lines[0].scores.concordance == 1
    (page,) = along_sections(comparison, [one], database.connection)
    assert "sparse_forcing(tau=30): D_stsp 0.10 at noise=0.1, 0.20 at 0.2" in page and "ratio to" not in page


def test_where_all_failed_there_is_nothing(database: Database) -> None:
    for noise in (0.1, 0.2):
        database.add("clipping", {0: "failed"}, **where(noise))
    comparison = without_pairs(database.connection, "clipping", "there is none")
    assert along(comparison) == ()
    with pytest.raises(NothingToCompareError, match="no method has scores at two values"):
        along(comparison, "noise")


def test_its_sql_gives_its_numbers(database: Database) -> None:
    study(database)
    database.add("sparse_forcing", {99: "unbounded"}, tau=30, **where(0.1))
    of: dict[int, float | str] = {0: 1e-7, 1: "diverged", 2: "failed", 3: 2e-7}
    for noise in (0.02, 0.1):
        database.add("noise", of, **where(noise))
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

"""Known ratios come back exactly; what blew up counts; nothing leaks; every error says why."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable

import duckdb
import pytest
from rich.console import Console
from scipy import stats

from orchestrator.reports import (
    Comparison,
    NothingToCompareError,
    ReportError,
    Row,
    StaleError,
    UnknownBaselineError,
    UnknownNameError,
    compare,
    contexts_of,
    render_comparison,
    without_pairs,
)
from orchestrator.reports.html import cells_query, comparison_page
from orchestrator.reports.scope import Scope

from .conftest import CEILING, Database

SEEDS = range(8)


def one(comparison: Comparison, **fields: object) -> Row:
    """The only row with these fields."""
    rows = [
        row
        for row in comparison.rows
        if all(getattr(row, name, None) == value for name, value in fields.items())
    ]
    assert len(rows) == 1, rows
    return rows[0]


def test_known_ratio_is_recovered(database: Database) -> None:
    base = {seed: 5.0 * math.exp(0.3 * math.sin(seed)) for seed in SEEDS}
    noise = {seed: 0.1 * (-1) ** seed for seed in SEEDS}  # balanced: the mean log ratio is exact
    database.add("clipping", base, parameters="max_norm=1")
    database.add("sparse_forcing", {s: base[s] / 31 * math.exp(noise[s]) for s in SEEDS}, tau=30)
    row = one(compare(database.connection, "clipping"))
    assert row.ratio == pytest.approx(1 / 31, rel=1e-12)
    half = stats.t.ppf(0.975, 7) * stats.tstd(list(noise.values())) / math.sqrt(8)
    assert row.low == pytest.approx(math.exp(-half) / 31) and row.high == pytest.approx(math.exp(half) / 31)
    assert (row.selection, row.tau, row.n_pairs, row.outcome) == ("fixed", 30, 8, "better")
    assert "forcing at τ=30 (the only τ run; τ_pred 26.4) scores 31× better than clipping" in row.verdict
    assert row.challenger.geometric_mean is not None and row.baseline.geometric_mean is not None
    assert row.challenger.geometric_mean / row.baseline.geometric_mean == pytest.approx(row.ratio)


def test_pairs_are_the_common_seeds_only(database: Database) -> None:
    database.add("clipping", {0: 1.0, 1: 2.0, 2: 4.0, 9: 1e-3})
    database.add("sparse_forcing", {1: 1.0, 2: 2.0, 3: 1e3, 0: 0.5}, tau=30)
    row = one(compare(database.connection, "clipping"))
    assert row.n_pairs == 3
    assert row.ratio == pytest.approx(0.5)
    assert row.low == pytest.approx(0.5) and row.high == pytest.approx(0.5)  # zero variance


def test_of_fewer_than_four_pairs_none_is_a_win(database: Database) -> None:
    """However much two or three numbers happen to agree."""
    for seeds, outcome in ((3, "undecided"), (4, "better")):
        database.add("clipping", {s: 4.0 + 0.01 * s for s in range(seeds)}, system=f"s{seeds}")
        database.add("sparse_forcing", {s: 1.0 + 0.01 * s for s in range(seeds)}, tau=30, system=f"s{seeds}")
        (row,) = (r for r in compare(database.connection, "clipping").rows if r.system == f"s{seeds}")
        assert row.outcome == outcome and row.high is not None and row.high < 1
        if seeds == 3:
            assert row.more_seeds == 1 and "not enough seeds to tell" in row.verdict
            assert "fewer than 4 pairs decide nothing" in row.verdict
        else:  # which no test confirms: two signs of four pairs in sixteen
            said = compare(database.connection, "clipping").headlines[-1].text
            assert said.startswith("forcing comes closer than clipping (by the interval alone, p 0.12): ")


def test_a_prediction_at_the_ceiling_does_not_speak_for_a_tau_that_may_not_be(database: Database) -> None:
    database.add("clipping", {s: CEILING for s in range(6)})
    database.add("sparse_forcing", {s: CEILING for s in range(6)}, tau=26, tau_pred=26.0)
    database.add("sparse_forcing", dict(enumerate((2.0, 5.0, 1.0, 15.9, 3.0, 9.0))), tau=10, tau_pred=26.0)
    (headline,) = compare(database.connection, "clipping").headlines
    assert headline.outcome == "undecided" and headline.text.startswith(
        "undecided between forcing and clipping"
    )


def test_the_tau_nearest_to_the_prediction_is_one_of_enough_pairs(database: Database) -> None:
    database.add("clipping", {s: 4.0 + 0.01 * s for s in range(8)})
    database.add("sparse_forcing", {s: 1.0 + 0.01 * s for s in range(8)}, tau=40, tau_pred=46.0)
    database.add("sparse_forcing", {s: 1.0 for s in range(3)}, tau=46, tau_pred=46.0)
    made = compare(database.connection, "clipping")
    assert [(row.tau, row.n_pairs) for row in made.rows if row.selection == "tau_pred"] == [(40, 8)]
    assert any(
        "forcing at τ=46 is nearer to τ_pred than at τ=40, and has 3 of the 4" in n for n in made.notes
    )


def test_worse_near_the_prediction_alone_is_no_defeat(database: Database) -> None:
    database.add("clipping", {s: 4.0 + 0.01 * s for s in range(8)})
    database.add("sparse_forcing", {s: 9.0 + 0.01 * s for s in range(8)}, tau=26, tau_pred=26.0)
    scattered = {s: 4.0 * math.exp((-1) ** (s // 2) * (1 + s)) / 10 for s in range(8)}
    database.add("sparse_forcing", scattered, tau=10, tau_pred=26.0)
    (headline,) = compare(database.connection, "clipping").headlines
    assert headline.outcome == "worse" and " forcing near τ_pred: " in headline.text


@pytest.mark.parametrize(
    ("spread", "seeds", "says"),
    [(0.001, 6, "alike: "), (0.001, 2, "cannot tell: "), (2.0, 6, "cannot tell: ")],
)
def test_an_interval_about_1_says_alike_where_it_is_narrow(
    database: Database, spread: float, seeds: int, says: str
) -> None:
    level = {s: 4.0 * math.exp(spread * (-1) ** s * (1 + s // 2)) for s in range(seeds)}
    database.add("clipping", {s: 4.0 for s in range(seeds)})
    database.add("sparse_forcing", level, tau=30)
    row = one(compare(database.connection, "clipping"))
    assert row.outcome == "undecided" and row.verdict.startswith(says)


def test_without_a_baseline_there_is_still_what_was_run(database: Database) -> None:
    database.add("sparse_forcing", {0: 4.0, 1: 2.0}, tau=30)
    database.add("sparse_forcing", {0: "diverged", 1: 2.0}, tau=60)
    with pytest.raises(UnknownBaselineError, match="'clipping': There are sparse_forcing"):
        compare(database.connection, "clipping")
    made = without_pairs(database.connection, "clipping", "Why.")
    assert made.rows == () and made.notes[0] == "Why." and len(made.contexts[0].cells) == 2
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(render_comparison(made))
    said = console.export_text()
    assert "Why." in said and "sparse_forcing(tau=60)" in said and "50% (9–91)" in said
    page = comparison_page(made, database.connection).html()
    assert "<h1>Results</h1>" in page and "Why." in page and page.count("<svg") >= 1


def test_blown_up_seeds_count_as_the_ceiling_and_failed_ones_are_left_out(database: Database) -> None:
    database.add("clipping", {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0})
    database.add("sparse_forcing", {0: 1.0, 1: "diverged", 2: "unbounded", 3: "failed"}, tau=30)
    comparison = compare(database.connection, "clipping")
    row = one(comparison)
    assert row.n_pairs == 3
    assert row.ratio == pytest.approx(CEILING ** (2 / 3))
    side = row.challenger
    assert (side.n, side.diverged, side.unbounded, side.failed, side.unscored) == (4, 1, 1, 1, 0)
    assert (row.baseline.n, row.baseline.blown_up, row.baseline.failed) == (4, 0, 0)
    assert any("1 of 8 trials failed" in note for note in comparison.notes)


def test_measure_published_uses_its_own_scores(database: Database) -> None:
    database.add("clipping", {0: 1.0, 1: 2.0})
    database.add("sparse_forcing", {0: 0.5, 1: 1.0}, tau=30)
    row = one(compare(database.connection, "clipping", measure="d_stsp_published"))
    assert row.challenger.geometric_mean == pytest.approx(2 * math.sqrt(0.5))
    assert row.ceiling == 2 * CEILING


def test_measures_of_spectra_have_scores_for_what_blew_up_and_what_stood_still(database: Database) -> None:
    database.add("clipping", {0: 1.0, 1: "diverged", 2: 1.0})
    database.add("sparse_forcing", {0: 0.5, 1: 1.0, 2: 1.0}, tau=30)
    database.connection.execute("UPDATE results SET psc = 'nan' WHERE regime = 'clipping' AND seed = 2")
    database.connection.execute(
        """INSERT INTO systems VALUES ('lorenz63', '{"orch": {"d_h": 0.05, "psc": 0.98}}', 100000)"""
    )
    row = one(compare(database.connection, "clipping", measure="psc"))
    assert (row.floor, row.ceiling) == (pytest.approx(0.02), 2.0)  # of 1 − PSC
    assert row.baseline.geometric_mean == pytest.approx((0.1 * 2 * 2) ** (1 / 3))
    row = one(compare(database.connection, "clipping", measure="d_h"))
    assert (row.floor, row.ceiling, row.ratio) == (0.05, 1.0, pytest.approx(0.2 ** (1 / 3)))


def test_spectra_have_the_floor_of_their_length_and_no_score_where_there_can_be_none(
    database: Database,
) -> None:
    """Short runs: a perfect model does worse than at full length, or has no spectrum at all."""
    database.add("clipping", {0: 1.0, 1: "diverged", 2: 1.0})
    database.add("sparse_forcing", {0: 0.5, 1: 1.0, 2: 1.0}, tau=30)
    database.connection.execute(
        """INSERT INTO systems VALUES ('lorenz63', '{"orch": {"d_h": 0.05, "psc": 0.98}}', 100000)"""
    )
    database.connection.execute("UPDATE results SET evaluation_steps = 5000")
    assert one(compare(database.connection, "clipping", measure="d_h")).floor is None
    database.connection.execute("UPDATE results SET floor_d_h = 0.13")
    assert one(compare(database.connection, "clipping", measure="d_h")).floor == 0.13
    database.connection.execute("UPDATE results SET floor_d_h = 'inf', d_h = NULL")
    with pytest.raises(ReportError, match="no seeds in common"):
        compare(database.connection, "clipping", measure="d_h")


def give_up(database: Database, where: str) -> None:
    """As many further seeds of these cells, given up by a search."""
    database.connection.execute(
        f"""INSERT INTO pruned (context_id, cell_id, regime_label, tau, seed, d_stsp_score)
        SELECT context_id, cell_id, regime_label, tau, 6 + seed, 12 FROM results WHERE {where}"""
    )


def test_cells_of_which_a_search_gave_seeds_up_are_left_out(database: Database) -> None:
    """What finished of them was luckier: six of twelve seeds at 0.9 would beat the baseline."""
    database.add("clipping", {seed: 2.0 + seed / 10 for seed in range(6)})
    for tau in (20, 30):
        database.add("sparse_forcing", {seed: 0.9 + seed / 20 for seed in range(6)}, tau=tau)
    give_up(database, "tau = 30")
    comparison = compare(database.connection, "clipping")
    assert {row.challenger.tau for row in comparison.rows} == {20}
    [note] = [note for note in comparison.notes if "gave some of the seeds up" in note]
    assert "sparse_forcing(tau=30) left out" in note
    [context] = comparison.contexts  # nor are they drawn or listed
    assert {cell.tau for cell in context.cells} == {20, None}
    assert [cell.tau for cell in context.partial] == [30]
    table = cells_query("d_stsp", without={context.partial[0].cell_id})
    assert [row[2] for row in database.connection.execute(table).fetchall()].count(30) == 0


def test_where_nothing_else_is_left_the_reason_is_that_a_search_gave_seeds_up(database: Database) -> None:
    database.add("clipping", {0: 2.0, 1: 2.1})
    database.add("sparse_forcing", {0: 0.9, 1: 1.0}, tau=30)
    give_up(database, "tau = 30")
    for baseline, why in (("clipping", "all trained to the end"), ("sparse_forcing", "gave up some seeds")):
        with pytest.raises(NothingToCompareError, match=why):
            compare(database.connection, baseline)
    shown = without_pairs(database.connection, "clipping", "so it is")
    assert [cell.regime for cell in shown.contexts[0].cells] == ["clipping"]
    assert "sparse_forcing(tau=30) left out" in shown.notes[1]
    # Given up with all of its seeds, it is named all the same.
    database.connection.execute("DELETE FROM results WHERE tau = 30")
    database.add("zero_reset", {0: 3.0, 1: 3.0}, tau=5)
    assert "sparse_forcing(tau=30) left out" in " ".join(compare(database.connection, "clipping").notes)


def test_ranks_put_what_blew_up_last_and_holm_counts_every_row(database: Database) -> None:
    database.add("clipping", {0: CEILING, 1: "diverged", 2: "unbounded", 3: 4.0})
    database.add("sparse_forcing", {0: "diverged", 1: CEILING, 2: "diverged", 3: 1.0}, tau=30)
    database.add("zero_reset", {seed: 1.0 for seed in range(4)}, tau=30)
    rows = {row.challenger.regime: row for row in compare(database.connection, "clipping").rows}
    forced = rows["sparse_forcing"]
    # Lost, won, tied, won: the scores alone would say tied, tied, tied, won.
    assert forced.improvement.value == pytest.approx(2.5 / 4)
    # Against inf, inf, 16, 4: of 16 pairings 1 beats all, 16 beats two and ties one, inf ties two of two.
    assert forced.cliffs_delta == pytest.approx((4 + (2 - 1) + 2 * (0 - 2)) / 16)
    assert forced.p_value == 1.0 and forced.p_holm == 1.0
    assert (rows["zero_reset"].p_value, rows["zero_reset"].p_holm) == (2 / 16, 4 / 16)
    assert rows["zero_reset"].baseline.blown_up_share.value == 0.5


def test_systems_and_architectures_asked_for_are_all_there_is(database: Database) -> None:
    for system in ("lorenz63", "rössler 2"):
        for architecture in ("rnn", "lstm"):
            where = {"system": system, "architecture": architecture}
            database.add("clipping", {0: 4.0, 1: 5.0}, **where)
            database.add("sparse_forcing", {0: 1.0, 1: 1.0}, tau=30, **where)
    contexts = contexts_of(database.connection, systems=["rössler 2"], architectures=["rnn"])
    row = one(compare(database.connection, "clipping", scope=Scope(contexts=contexts)))
    assert (row.system, row.architecture) == ("rössler 2", "rnn")
    assert contexts_of(database.connection) is None
    with pytest.raises(UnknownNameError, match="the system 'rössler': did you mean 'rössler 2'"):
        contexts_of(database.connection, systems=["rössler"])


def sweep(database: Database, *, a: float = 1.0, b: float = 1.0) -> None:
    """τ = 10 is best on seeds of even rank; `a` and `b` scale the scores of τ = 20 on either half."""
    wiggle = [1.0, 1.1, 0.9, 1.05, 0.95, 1.2, 0.8, 1.0]
    database.add("clipping", {seed: 8.0 * wiggle[seed] for seed in SEEDS})
    for tau, level in ((10, 1.0), (20, 2.0), (50, 3.0)):
        scale = [1.0 if tau != 20 else (a if seed % 2 == 0 else b) for seed in SEEDS]
        database.add("sparse_forcing", {s: level * scale[s] * wiggle[-1 - s] for s in SEEDS}, tau=tau)


def test_scoring_seeds_do_not_touch_the_choice(database: Database) -> None:
    sweep(database, b=1e-3)  # τ = 20 is superb, but on the scoring half alone
    row = one(compare(database.connection, "clipping"), selection="split")
    assert row.tau == 10
    assert (row.n_pairs, row.selection_seeds) == (4, 4)


def test_choosing_seeds_do_not_touch_the_score(database: Database) -> None:
    sweep(database)
    before = one(compare(database.connection, "clipping"), selection="split")
    database.connection.execute(
        "UPDATE results SET d_stsp_score = d_stsp_score / 100 WHERE tau = 10 AND seed % 2 = 0"
    )
    after = one(compare(database.connection, "clipping"), selection="split")
    assert before.tau == after.tau == 10
    assert (before.ratio, before.low, before.high) == (after.ratio, after.low, after.high)


def test_choosing_seeds_decide_the_choice(database: Database) -> None:
    sweep(database, a=1e-3)
    comparison = compare(database.connection, "clipping")
    assert one(comparison, selection="split").tau == 20
    near = one(comparison, selection="tau_pred")  # 26.4 is nearer to 20 than to 50; all seeds score
    assert (near.tau, near.n_pairs) == (20, 8)
    assert "(near τ_pred 26.4)" in near.verdict
    assert "(best on 4 seeds, scored on 4 others)" in one(comparison, selection="split").verdict


def test_variants_of_the_baseline_are_never_pooled(database: Database) -> None:
    for norm, level in ((1, 4.0), (10, 8.0)):
        database.add("clipping", {seed: level for seed in SEEDS}, parameters=f"max_norm={norm}")
    database.add("sparse_forcing", {seed: 1.0 for seed in SEEDS}, tau=30)
    comparison = compare(database.connection, "clipping")
    found = {row.baseline.label: row.ratio for row in comparison.rows}
    assert found == {
        "clipping(max_norm=1)": pytest.approx(1 / 4),
        "clipping(max_norm=10)": pytest.approx(1 / 8),
    }
    assert "clipping(max_norm=10)" in comparison.rows[1].verdict
    assert len(comparison.headlines) == 2
    only = compare(database.connection, "clipping(max_norm=1)")  # by label: the other variant is a challenger
    assert {row.challenger.label for row in only.rows} == {"sparse_forcing(tau=30)", "clipping(max_norm=10)"}


def test_contexts_are_never_pooled(database: Database) -> None:
    for context, level in (("", 1.0), ("epochs=300", 2.0)):
        database.add("clipping", {seed: 4.0 for seed in SEEDS}, context=context)
        database.add("sparse_forcing", {seed: level for seed in SEEDS}, tau=30, context=context)
    database.add("sparse_forcing", {0: 1.0}, tau=30, context="epochs=5")
    comparison = compare(database.connection, "clipping")
    assert [(row.context, row.ratio) for row in comparison.rows] == [
        ("", pytest.approx(0.25)),
        ("epochs=300", pytest.approx(0.5)),
    ]
    assert any("epochs=5" in note and "left out" in note for note in comparison.notes)


def test_zero_reset_enters_like_forcing(database: Database) -> None:
    sweep(database)
    for tau in (5, 30):
        database.add("zero_reset", {seed: 9.0 for seed in SEEDS}, tau=tau)
    comparison = compare(database.connection, "clipping")
    resets = [row for row in comparison.rows if row.challenger.regime == "zero_reset"]
    assert [(row.selection, row.tau) for row in resets] == [("tau_pred", 30), ("split", 5)]
    assert comparison.headlines[0].text.startswith("forcing comes closer than clipping: ")
    assert "zero reset" in comparison.headlines[0].text


def test_without_a_prediction_the_tuned_row_stands_alone(database: Database) -> None:
    for tau in (10, 20):
        database.add("sparse_forcing", {seed: 1.0 for seed in SEEDS}, tau=tau, tau_pred=None)
    database.add("clipping", {seed: 4.0 for seed in SEEDS}, tau_pred=None)
    comparison = compare(database.connection, "clipping")
    assert [row.selection for row in comparison.rows] == ["split"]
    assert any("No τ_pred" in note for note in comparison.notes)


def test_an_exponent_that_noise_has_too_is_said_to_be_one(database: Database) -> None:
    database.add("sparse_forcing", {seed: 2.0 for seed in SEEDS}, tau=30)
    database.add("clipping", {seed: 4.0 for seed in SEEDS})
    assert not any("noise" in note for note in compare(database.connection, "clipping").notes)
    database.connection.execute("UPDATE results SET lambda_from = 'noise'")
    notes = compare(database.connection, "clipping").notes
    assert any("λ_max and τ_pred of lorenz63 are those of a slope which noise" in note for note in notes)
    database.connection.execute("UPDATE results SET lambda_from = 'data'")
    notes = compare(database.connection, "clipping").notes
    assert any("lorenz63 are those of a slope read off data" in note for note in notes)


@pytest.mark.parametrize(
    ("challenger", "outcome", "says"),
    [
        ({0: 8.0, 1: 9.0, 2: 8.5, 3: 8.2}, "worse", "× worse than clipping (95%"),
        ({0: 1.0, 1: 3.0, 2: 2.2, 3: 1.2}, "undecided", "more would"),
        ({0: 1.0}, "one_seed", "only 1 common seed: no interval"),
        ({7: 1.0}, "no_common_seeds", "no common seeds"),
        ({0: 0.05, 1: 0.055, 2: 0.05, 3: 0.052}, "better", "; at the floor"),
    ],
)
def test_verdicts(database: Database, challenger: dict[int, float], outcome: str, says: str) -> None:
    database.add("clipping", {0: 2.0, 1: 2.2, 2: 1.9, 3: 2.1})
    database.add("sparse_forcing", challenger, tau=30)
    database.add("zero_reset", {0: 2.0}, tau=30)  # so that something is always comparable
    rows = compare(database.connection, "clipping").rows
    row = next(row for row in rows if row.challenger.regime == "sparse_forcing")
    assert row.outcome == outcome
    assert says in row.verdict


def test_both_at_the_ceiling(database: Database) -> None:
    database.add("clipping", {seed: "diverged" for seed in SEEDS})
    database.add("sparse_forcing", {seed: "unbounded" for seed in SEEDS}, tau=30)
    comparison = compare(database.connection, "clipping")
    assert one(comparison).outcome == "both_at_ceiling"
    assert "neither forcing at τ=30" in one(comparison).verdict
    assert comparison.headlines[0].text.startswith("neither forcing nor clipping reconstructs")


def test_rows_are_plain_and_fit_json(database: Database, fill: Callable[[Database], None]) -> None:
    fill(database)
    rows = compare(database.connection, "clipping").as_dicts()
    assert len({tuple(row) for row in rows}) == 1  # the same keys everywhere, as CSV needs
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_studies_filter_both_sides(database: Database) -> None:
    database.add("clipping", {0: 4.0, 1: 4.0}, study="first")
    database.add("sparse_forcing", {0: 1.0, 1: 1.0}, tau=30, study="first")
    database.add("sparse_forcing", {0: 2.0, 1: 2.0}, tau=20, study="it's second")
    assert {row.tau for row in compare(database.connection, "clipping", scope=Scope(["first"])).rows} == {30}
    with pytest.raises(ReportError, match="No results for the baseline 'clipping'"):
        compare(database.connection, "clipping", scope=Scope(["it's second"]))


def test_errors(database: Database) -> None:
    connection = database.connection
    with pytest.raises(ReportError, match="There are no results yet"):
        compare(connection, "clipping")
    database.add("clipping", {0: 4.0}, study="windows")
    with pytest.raises(ReportError, match="clipping is the only regime"):
        compare(connection, "clipping")
    with pytest.raises(ReportError, match="named 'windws': did you mean 'windows'"):
        compare(connection, "clipping", scope=Scope(["windws"]))
    with pytest.raises(ReportError, match="named 'zzz': there are results for windows"):
        compare(connection, "clipping", scope=Scope(["zzz"]))
    with pytest.raises(ReportError, match="Unknown measure 'd_hh': did you mean 'd_h'"):
        compare(connection, "clipping", measure="d_hh")
    database.add("sparse_forcing", {1: 4.0}, tau=30)
    with pytest.raises(ReportError, match="no seeds in common"):
        compare(connection, "clipping")
    with pytest.raises(
        ReportError, match=r"'cliping': did you mean 'clipping'\? There are clipping, sparse_"
    ):
        compare(connection, "cliping")
    with pytest.raises(ReportError, match="lacks the view 'results'"):
        compare(duckdb.connect(":memory:"), "clipping")


def test_never_side_by_side(database: Database) -> None:
    database.add("clipping", {0: 4.0}, context="epochs=3")
    database.add("sparse_forcing", {0: 4.0}, tau=30)
    with pytest.raises(ReportError, match="never run in the same context"):
        compare(database.connection, "clipping")


@pytest.mark.parametrize(
    ("clipping", "forcing", "what"),
    [
        ("a-s-r-c", "a-s-r-f", None),  # regimes differ in their own code, as they must
        (None, None, None),
        ("a-s-r-c", "b-s-r-f", "shared code"),
        ("a-s-r-c", "a-t-q-f", "system, architecture"),
        ("a-s-r-c", None, "of some it was not recorded"),
    ],
)
def test_results_of_different_code_are_pooled_only_on_request(
    database: Database, clipping: str | None, forcing: str | None, what: str | None
) -> None:
    database.add("clipping", {seed: 5.0 for seed in SEEDS}, code=clipping)
    database.add("sparse_forcing", {seed: 1.0 + seed for seed in SEEDS}, tau=30, code=forcing)
    if what is None:
        assert compare(database.connection, "clipping").rows
        return
    with pytest.raises(StaleError, match=rf"\({what}\).*\(8\), .*\(8\)[\s\S]*--allow-stale"):
        compare(database.connection, "clipping")
    notes = compare(database.connection, "clipping", allow_stale=True).notes
    assert any(what in note for note in notes)


def test_one_regime_of_two_codes_is_not_pooled(database: Database) -> None:
    database.add("clipping", {seed: 5.0 for seed in SEEDS}, code="a-s-r-c")
    database.add("sparse_forcing", {seed: 1.0 + seed for seed in SEEDS}, tau=30, code="a-s-r-f")
    database.add("sparse_forcing", {seed: 1.0 + seed for seed in SEEDS}, tau=20, code="a-s-r-g")
    with pytest.raises(StaleError, match="regime sparse_forcing"):
        compare(database.connection, "clipping")


def test_a_win_among_those_that_fail_is_no_reconstruction(database: Database) -> None:
    """And a τ far from τ_pred is not called near it, however near it comes among those that were run."""
    for tau in (1, 2):
        database.add("sparse_forcing", {seed: 12.0 + 0.1 * seed for seed in SEEDS}, tau=tau, tau_pred=46.1)
    database.add("clipping", {seed: 14.5 + 0.1 * seed for seed in SEEDS}, tau_pred=46.1)
    comparison = compare(database.connection, "clipping")
    row = one(comparison, selection="tau_pred")
    assert "τ=2 (far from τ_pred 46.1) scores 1.20× better" in row.verdict
    assert "but 12.3 is no reconstruction, the floor is 0.050" in row.verdict
    assert comparison.headlines[0].text.startswith(
        "forcing comes closer than clipping: 1.20× better at τ=2 (far"
    )


def test_the_rule_by_which_seeds_were_added_is_stated(database: Database) -> None:
    for regime, tau in (("clipping", None), ("sparse_forcing", 30)):
        database.add(regime, {seed: 1.0 + seed for seed in SEEDS}, tau=tau)
    assert not any("Seeds of" in note for note in compare(database.connection, "clipping").notes)
    declared = '{"seeds": {"until": "ci 20%", "max": 30}, "regimes": {"clipping": {}}}'
    database.connection.execute("INSERT INTO studies VALUES ('demo', ?, now())", [declared])
    [note] = [n for n in compare(database.connection, "clipping").notes if n.startswith("Seeds of")]
    assert (
        "until the 95% interval of each ratio to clipping was within 20% or there were 30 seeds, over" in note
    )

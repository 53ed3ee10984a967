"""A page is written whatever is lacking, and says in a sentence what that is."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestrator.reports import ReportError, compare
from orchestrator.reports.html import Attractor, Run, comparison_page
from orchestrator.reports.html.courses import shown_contexts

from .pages import made, trajectory
from .test_rendering import Strict

Page = Callable[..., str]


@pytest.fixture
def written(tmp_path: Path) -> Page:
    """The words of the page of a database, what is drawn or run left out."""

    def write(connection: duckdb.DuckDBPyConnection, *, networks: bool = True) -> str:
        comparison = compare(connection, "clipping")
        kept = Run("clipping", "seed 0", trajectory(200) if networks else None)
        attractors = [
            Attractor(c.context_id, c.title, ("x", "y", "z"), "", (Run("true", "", trajectory(200)), kept))
            for c in shown_contexts(comparison)
        ]
        page = comparison_page(comparison, connection, attractors=attractors).html()
        parser = Strict()
        parser.feed(page)
        parser.close()
        assert parser.open == [] and "nan" not in parser.text and "None" not in parser.text
        assert re.search(r"<section.*?>\n<h2[^>]*>[^<]*</h2>\n</section>", page) is None
        bare = re.sub(r"<(script|style|svg)\b.*?</\1>", "", page, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", bare)).split())

    return write


def test_all_diverged(written: Page) -> None:
    connection = made(["lorenz63"], 6)
    connection.execute(
        "UPDATE trials SET status = 'diverged', reason = 'loss is not finite', d_stsp = 'nan'::DOUBLE, "
        "diverged_epoch = 20 + seed, dynamics = NULL, net_lambda_max = NULL, net_spectrum = NULL"
    )
    connection.execute("DELETE FROM curves WHERE quantity = 'd_stsp' OR epoch >= 20")
    said = written(connection)
    assert "All of 120 trials blew up, in training or running freely: every score is the ceiling." in said
    assert "neither forcing nor clipping reconstructs" in said
    assert "diverged loss is not finite 120 20 2" in said


def test_one_seed(written: Page) -> None:
    said = written(made(["lorenz63"], 1))
    assert "only 1 seed" in said and "only 1 common seed: no interval" in said
    assert "blew up, in training" not in said


def test_no_exponent(written: Page) -> None:
    connection = made(["mine"], 6)
    connection.execute("DELETE FROM systems")
    said = written(connection)
    assert "No positive λ_max is known of mine, so there is no τ_pred to compare τ with" in said
    assert "There is nothing to compare: no positive λ_max is known of any of these systems." in said
    assert "undecided between forcing and clipping: not enough seeds to tell" in said  # three pairs


def test_no_curves_and_no_classes_and_no_networks(written: Page) -> None:
    connection = made(["mine"], 6)
    connection.execute("DELETE FROM curves")
    connection.execute("UPDATE trials SET dynamics = NULL, net_lambda_max = NULL, net_spectrum = NULL")
    said = written(connection, networks=False)
    for sentence in (
        "There are none: the course of training of these trials is not in the database.",
        "Not known: the free runs of these networks were not looked at.",
        "The parameters of none of these networks are here: only the test data are drawn.",
    ):
        assert said.count(sentence) == 1


@pytest.mark.parametrize(  # three at a time: of more, not all networks are drawn
    "names",
    [["</script>", "two words", "Δ ж 火 'x' \"y\""], ["a<!--b", "$x$ $\\frac{", "[x] `y`"], ["\u202eabc"]],
)
def test_any_name(written: Page, names: list[str]) -> None:
    connection = made(names, 3)
    connection.execute("UPDATE trials SET regime_label = replace(regime_label, 'sparse', system)")
    said = written(connection)
    assert [name for name in names if " ".join(f"{name} × rnn".split()) not in said] == []


def test_settings_that_all_share_are_said_once(written: Page) -> None:
    connection = made(["a", "b"], 4)
    assert written(connection).count("epochs=300") == 1
    connection.execute("UPDATE trials SET context = 'epochs=9', context_id = 'x' WHERE system = 'b'")
    said = written(connection)
    assert "a × rnn [epochs=300]: " in said.replace(" :", ":")


def test_many_verdicts_are_counted(written: Page) -> None:
    connection = made([f"s{i}" for i in range(10)], 4)
    said = written(connection)
    assert "20 verdicts, each by its leading comparison: 20 better than clipping." in said
    assert said.index("20 verdicts") < said.index("s0 × lstm")
    assert said.count("Part 1 of 2.") == said.count("Part 2 of 2.") == 2  # figures higher than a sheet


def test_nothing_to_pair_is_no_page(written: Page) -> None:
    connection = made(["a"], 2)
    connection.execute("UPDATE trials SET status = 'failed', reason = 'KeyError', d_stsp = NULL")
    with pytest.raises(ReportError, match="nothing can be paired"):
        written(connection)

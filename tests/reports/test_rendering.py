"""The table fits its terminal; figure and page are deterministic, whole, escaped and self-contained."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from rich.console import Console

from orchestrator.reports import compare, render_comparison
from orchestrator.reports.figures import tau_curve, to_svg
from orchestrator.reports.html import cells_query, comparison_page
from orchestrator.reports.scope import Scope
from orchestrator.reports.verdict import number, times

from .conftest import Database

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Strict(HTMLParser):
    """Fails on a tag closed out of order; remembers tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.scripts = 0
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script"
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def filled(database: Database, fill: Callable[[Database], None]) -> Database:
    fill(database)
    return database


@pytest.mark.parametrize("width", [80, 120])
def test_table_reads_well(filled: Database, width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(render_comparison(compare(filled.connection, "clipping")))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    row = next(line for line in lines if "near τ_pred" in line)  # one row is one line
    assert re.search(r"forcing +30 near τ_pred +8 +0\.013× +0\.0083–0\.019 +0\.083 : 6\.64 +0/8 : 1/8", row)
    text = " ".join(" ".join(lines).split())
    assert "lorenz63 × lstm: forcing beats clipping: 80× better at τ=30 (near τ_pred)" in text
    assert "Blown-up seeds count" in text


def test_brackets_in_names_are_not_markup(database: Database) -> None:
    database.add("clipping", {0: 4.0, 1: 5.0}, system="[bold]x[/nope]")
    database.add("sparse_forcing", {0: 1.0, 1: "failed"}, tau=30, system="[bold]x[/nope]")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render_comparison(compare(database.connection, "clipping"), legend=False))
    text = console.export_text()
    assert "[bold]x[/nope] × lstm" in text
    assert "1 : 0" in text  # failed trials get a column where there are any


@pytest.mark.parametrize(
    ("value", "written"),
    [(31.2, "31×"), (3.14, "3.1×"), (9.97, "10×"), (1.052, "1.05×"), (0.0125, "0.013×"),
     (0.00083, "0.00083×"), (1234.5, "1,234×"), (1e9, ">10⁶×"), (1e-9, "<10⁻⁶×"), (None, "–")],
)  # fmt: skip
def test_factors(value: float | None, written: str) -> None:
    assert times(value) == written


def test_numbers() -> None:
    assert [number(x) for x in (0.0618, 0.5, 7.18, 16.0, 123.4, 1e-5, None)] == [
        "0.062", "0.50", "7.18", "16.0", "123", "1.0e-05", "–",
    ]  # fmt: skip


def test_svg_is_deterministic_and_its_text_is_text(filled: Database) -> None:
    comparison = compare(filled.connection, "clipping")
    first = to_svg(tau_curve(comparison))
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "svg.fonttype": "path"}):
        second = to_svg(tau_curve(compare(filled.connection, "clipping")))
    assert first == second
    ElementTree.fromstring(first)
    for words in ("τ_pred 26.4", "lorenz63", "roessler", "floor", "learning interval τ (steps)"):
        assert words in first
    assert "<dc:date>" not in first


def test_missing_tau_breaks_the_line(filled: Database) -> None:
    """The PLRNN has no τ = 20: its curve holds NaN there, the others do not."""
    axis = tau_curve(compare(filled.connection, "clipping")).axes[0]
    curves = [line for line in axis.get_lines() if len(line.get_xdata()) == 6 and line.get_marker() in "os^"]
    holes = {
        line.get_marker(): int(np.isnan(np.asarray(line.get_ydata(), dtype=float)).sum()) for line in curves
    }
    assert holes == {"o": 0, "s": 1, "^": 0}


def test_figure_of_next_to_nothing(database: Database) -> None:
    """No τ_pred, no forcing, no ceiling to speak of: still a figure."""
    database.add("clipping", {0: 4.0}, tau_pred=None)
    database.add("zero_reset", {0: 0.0}, tau=3, tau_pred=None)
    ElementTree.fromstring(to_svg(tau_curve(compare(database.connection, "clipping"))))
    ElementTree.fromstring(to_svg(tau_curve(compare(database.connection, "zero_reset"))))


def test_page_is_whole_and_self_contained(filled: Database, tmp_path: Path) -> None:
    comparison = compare(filled.connection, "clipping", scope=Scope(["demo"]))
    made = comparison_page(comparison, filled.connection)
    paths = made.write(tmp_path / "new", stem="clipping", provenance="at <commit>")
    assert [path.name for path in paths] == ["clipping.html", "clipping.svg"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["clipping.html", "clipping.svg"]
    page = paths[0].read_text(encoding="utf-8")
    assert "http:" not in page and "https:" not in page
    assert not re.search(r"\bsrc=|@import|url\((?!#)|<link", page)
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert {"svg", "table", "figure", "style", "pre"} <= parser.tags
    assert all(value.startswith("#") for name, value in parser.attributes if name in ("href", "xlink:href"))
    text = " ".join(parser.text)
    assert "at <commit>" in text
    assert comparison.rows[0].verdict in text
    assert "FROM study_trials WHERE study IN ('demo')" in text
    assert page.index("forcing beats clipping") < page.index("<table")  # the verdict comes first
    assert comparison_page(comparison, filled.connection).html(provenance="at <commit>") == page


def test_names_are_escaped(database: Database) -> None:
    evil = "<script>alert('x')</script>&\""
    for regime, tau in (("clipping", None), ("sparse_forcing", 30), ("<script>x", 20)):
        database.add(
            regime, {0: 1.0, 1: 2.0}, tau=tau, system=evil, architecture=evil, context=evil, study=evil
        )
    comparison = compare(database.connection, "clipping", scope=Scope([evil]))
    parser = Strict()
    parser.feed(comparison_page(comparison, database.connection).html(provenance=evil))
    assert parser.scripts == 2  # the page's own
    assert evil in "".join(parser.text)


def test_cells_query_counts_and_averages(filled: Database) -> None:
    rows = filled.connection.execute(cells_query("d_stsp")).fetchall()
    cell = next(row for row in rows if row[:2] == ("lorenz63", "lstm") and row[4] == 100)
    assert cell[5:9] == (8, 1, 1, 0)
    comparison = compare(filled.connection, "clipping")
    base = next(row for row in rows if row[:2] == ("lorenz63", "lstm") and row[3] == "clipping(max_norm=1)")
    assert base[9] == pytest.approx(comparison.rows[0].baseline.geometric_mean)


def test_a_stem_is_a_file_name(filled: Database, tmp_path: Path) -> None:
    page = comparison_page(compare(filled.connection, "clipping"), filled.connection)
    for stem in ("", "../up", "a/b"):
        with pytest.raises(ValueError, match="no file name"):
            page.write(tmp_path, stem=stem)

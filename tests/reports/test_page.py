"""The page of a comparison: its SQL gives its tables, nothing in it is foreign, and it stays small."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import duckdb
import numpy as np
import pytest

from orchestrator.attractors import projection, read_attractors
from orchestrator.reports import compare, read_exponents
from orchestrator.reports.across import across
from orchestrator.reports.comparison import Comparison
from orchestrator.reports.html import Attractor, Run, comparison_page
from orchestrator.reports.html.attractor import GAP, LIMIT, UNIT, attractor_figure, box, quantised, restored
from orchestrator.reports.html.courses import read_courses
from orchestrator.reports.html.document import document
from orchestrator.reports.html.pairs import pair_tables
from orchestrator.reports.html.pairs_sql import pairs_query
from orchestrator.reports.html.parts import Shown, figure, table
from orchestrator.reports.html.queries import blown_up_query, exponents_query
from orchestrator.reports.html.together_sql import together_query
from orchestrator.reports.scope import Scope
from orchestrator.reports.statistics import wilson_interval
from orchestrator.reports.trials import ReportError
from orchestrator.systems.parts import Parts

from .pages import EVIL, attractors_of, made, trajectory
from .test_rendering import Strict


class Tables(HTMLParser):
    """The tables of a page, each with the SQL that comes next, which may be that of several: (headings, rows
    of (text, value), sql).
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[list[str], list[list[tuple[str, str | None]]], str]] = []
        self._heads: list[str] = []
        self._rows: list[list[tuple[str, str | None]]] = []
        self._text, self._value = "", None
        self._waiting: list[tuple[list[str], list[list[tuple[str, str | None]]]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._heads, self._rows = [], []
        elif tag == "tr":
            self._rows.append([])
        if tag in ("th", "td", "code"):
            self._text, self._value = "", dict(attrs).get("data-v")

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "th":
            self._heads.append(self._text)
        elif tag == "td":
            self._rows[-1].append((self._text, self._value))
        elif tag == "table":
            self._waiting.append((self._heads, self._rows[1:]))
        elif tag == "code":
            self.found += [(*table, self._text) for table in self._waiting]
            self._waiting = []


@pytest.fixture(scope="module")
def small() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = made(["lorenz63", EVIL], 12)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def comparison(small: duckdb.DuckDBPyConnection) -> Comparison:
    return compare(small, "clipping", scope=Scope(["big's"]))


@pytest.fixture(scope="module")
def page(small: duckdb.DuckDBPyConnection, comparison: Comparison) -> str:
    return comparison_page(comparison, small, attractors=attractors_of(comparison)).html(provenance=EVIL)


def test_sql_beside_a_table_gives_that_table(
    page: str, small: duckdb.DuckDBPyConnection, comparison: Comparison
) -> None:
    tables = Tables(page).found
    assert len(tables) == 2 * len(comparison.headlines) + 13 and page.count("<table") == len(tables)
    for heads, rows, query in tables:
        result = small.execute(query)
        columns, answer = [str(one[0]) for one in result.description or []], result.fetchall()
        if {"ratio", "P(better)", "method"} & set(heads):  # whose SQL has intervals as two columns
            assert len(rows) == len(answer)
            for row, values in zip(rows, answer, strict=True):
                _stands_there(heads, row, dict(zip(columns, values, strict=True)))
            continue
        assert heads == columns and rows and len(rows) == min(len(answer), 200)
        for row, values in zip(rows, answer, strict=False):
            for (written, key), value in zip(row, values, strict=True):
                if key is None:
                    assert written == ("–" if value is None else value)
                else:
                    assert float(key) == value


def _stands_there(heads: list[str], row: list[tuple[str, str | None]], said: dict[str, object]) -> None:
    """Whether a row of a table is what a query said; an interval, '95%', belongs to the number before it."""
    for place, (head, (written, key)) in enumerate(zip(heads, row, strict=True)):
        if head == "95%" and heads[place - 1] == "interquartile mean":
            continue  # from runs drawn anew
        of = "" if heads[place - 1] == "ratio" else f"{heads[place - 1]} "
        value = said[head if head != "95%" else ("95% low" if not of else f"{of}low")]
        if key is None:
            assert written == ("–" if value is None else value), head
        else:
            assert float(key) == pytest.approx(value, rel=1e-9, abs=1e-12), head


@pytest.mark.parametrize("change", [
    "DELETE FROM trials WHERE seed = 0 AND tau IS NOT NULL AND tau <> 46",
    "UPDATE trials SET status = 'failed', d_stsp = NULL WHERE tau = 46",
    "UPDATE trials SET regime = 'clipping', regime_label = format('clipping(max_norm={})', tau), tau = NULL "
    "WHERE tau < 30",
])  # fmt: skip
def test_sql_of_pairs_in_odd_results(change: str) -> None:
    """Seeds that some cells lack, a cell without a result, several baselines in one context."""
    connection = made(["lorenz63"], 12)
    connection.execute(change)
    for baseline in ("clipping", "sparse_forcing(tau=46)"):
        try:
            comparison = compare(connection, baseline)
        except ReportError:
            continue  # as where the baseline is what has no result
        for heads, rows, query in Tables("\n".join(pair_tables(comparison))).found:
            result = connection.execute(query)
            columns = [str(one[0]) for one in result.description or []]
            for row, values in zip(rows, result.fetchall(), strict=True):
                _stands_there(heads, row, dict(zip(columns, values, strict=True)))
        one = made(["lorenz63"], 13)  # what comes later changes nothing in what was compared
        one.execute(change)
        asked = pairs_query(comparison, comparison.rows)
        then, now = (one.execute(asked).fetchall()[0][3:14] for one in (connection, one))
        assert list(now) == [value if value is None else pytest.approx(value, rel=1e-9) for value in then]
        one.close()
    connection.close()


@pytest.mark.parametrize("seeds", [12, 36])
def test_sql_of_a_comparison_gives_all_that_its_tables_show(seeds: int) -> None:
    """Of 36 seeds no test tries all signs, and more than one number has them."""
    connection = made(["lorenz63", EVIL], seeds)
    comparison = compare(connection, "clipping")
    rows = comparison.rows
    assert {row.selection for row in rows} == {"tau_pred", "split"}
    result = connection.execute(pairs_query(comparison, rows, named=True))
    names = [str(one[0]) for one in result.description or []]
    answer = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
    for row, said in zip(rows, answer, strict=True):
        assert [said[name] for name in ("system", "architecture", "challenger", "τ", "pairs")] == [
            row.system, row.architecture, row.challenger.label, row.tau, row.n_pairs
        ]  # fmt: skip
        expected = {
            "ratio": row.ratio, "95% low": row.low, "95% high": row.high,
            "challenger's mean": row.challenger.geometric_mean,
            "baseline's mean": row.baseline.geometric_mean,
            "P(better)": row.improvement, "Cliff's δ": row.cliffs_delta,
            "p (sign flips)": row.p_value, "p (Holm)": row.p_holm,
            "blew up": row.challenger.blown_up_share, "baseline's": row.baseline.blown_up_share,
        }  # fmt: skip
        for name, value in expected.items():
            columns = [name, f"{name} low", f"{name} high"] if isinstance(value, tuple) else [name]
            values = value if isinstance(value, tuple) else (value,)
            assert [said[column] for column in columns] == pytest.approx(values, rel=1e-9), name
    some = rows[2:5]  # of the family that Holm is over
    alone = connection.execute(pairs_query(comparison, some)).fetchall()
    columns = [names.index(name) for name in ("challenger", "ratio", "p (Holm)")]
    shift = len(names) - len(alone[0])  # of one context, without its names
    for row, one in zip(alone, answer[2:5], strict=True):
        expected = [one[names[c]] for c in columns]
        assert [row[c - shift] for c in columns] == [expected[0], *map(pytest.approx, expected[1:])]
    connection.close()


def test_sql_of_all_systems_gives_what_their_table_shows(
    small: duckdb.DuckDBPyConnection, comparison: Comparison
) -> None:
    together = across(comparison)
    assert together is not None and len(together.methods) == 3
    answer = small.execute(together_query(comparison, together)).fetchall()
    assert len({row[2] for row in answer}) == 3
    for method, (name, runs, *numbers) in zip(together.methods, answer, strict=True):
        assert (name, runs) == (method.name, method.count)
        expected = [method.iqm.value, *method.reconstructed, method.mean_rank]
        assert numbers == pytest.approx(expected, rel=1e-9)


def test_sql_counts_as_python_does(small: duckdb.DuckDBPyConnection, comparison: Comparison) -> None:
    cells = [cell for context in comparison.contexts for cell in context.cells]
    shares = small.execute(blown_up_query(comparison)).fetchall()
    by_name = {(row[0], row[1], row[2]): row[3:] for row in shares}
    for context in comparison.contexts:
        for cell in context.cells:
            trials, diverged, unbounded, failed, share, low, high = by_name[
                context.system, context.architecture, cell.label
            ]
            assert trials == len(cell.trials) and failed == cell.count("failed")
            blown, ran = diverged + unbounded, trials - failed
            assert share == pytest.approx(100 * blown / ran)
            assert (low, high) == pytest.approx([100 * x for x in wilson_interval(blown, ran)])
    assert len(by_name) == len(cells)
    result = small.execute(exponents_query(comparison))
    names = [str(one[0]) for one in result.description or []]
    found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    read = {
        (one.system, one.architecture, one.regime): one for one in read_exponents(small, comparison.contexts)
    }
    assert len(found) == len(read)
    for row in found:
        one = read[row["system"], row["architecture"], row["regime"]]
        assert (row["networks"], row["within 20%"]) == (one.measured, one.recovered)
        assert (row["λ_max"], row["lowest"], row["highest"]) == (one.median, one.lowest, one.highest)
        assert (row["% low"], row["% high"]) == pytest.approx((100 * one.share_low, 100 * one.share_high))
        assert (row["D_KY"], row["D_KY of data"]) == (one.kaplan_yorke, one.kaplan_yorke_of_data)
        said = ", ".join(f"{count} {kind}" for kind, count in one.kinds.items())
        assert sorted(said.split(", ")) == sorted(row["free runs"].split(", "))


def test_nothing_of_a_name_becomes_markup_or_script(page: str) -> None:
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert parser.scripts == 2 + 4  # the page's own, and the points of four contexts
    assert not any(name.startswith("on") or name == "style" for name, _ in parser.attributes)
    assert EVIL in "".join(parser.text) and "alert('ж')</script>" not in page
    ids = [value for name, value in parser.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = [value for name, value in parser.attributes if name in ("href", "xlink:href")]
    assert all(link[0] == "#" and link[1:] in ids for link in links)
    packed = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert all(json.loads(one)["axes"] == ["x", EVIL, "z"] for one in packed)


def test_policy_allows_what_is_in_the_page_and_nothing_else(page: str) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.split(" ", 1) for rule in html.unescape(policy).split("; "))
    assert rules.keys() == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"

    def hashes(tag: str) -> list[str]:
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        return [
            f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in inside
        ]

    assert rules["script-src"].split() == hashes("script") and len(hashes("script")) == 2
    assert rules["style-src"].split() == hashes("style") and len(hashes("style")) == 1
    assert not re.search(r"https?:|\bsrc=|@import|url\((?!#)|<link|<iframe|\bfetch\(|XMLHttp", page)


def test_sections_come_in_order_each_with_its_landmark(page: str) -> None:
    titles = re.findall(r'<section aria-labelledby="([^"]+)">\n<h2 id="\1">', page)
    assert titles == [
        "comparison", "d-stsp-against", "all-systems-together", "attractors", "learning-curves",
        "do-the-networks-have-the-exponent-of-their-data", "runs-that-blew-up-or-failed", "trials",
        "where-this-comes-from", "how-to-read-this",
    ]  # fmt: skip
    assert page.index("forcing beats clipping") < page.index("<table")
    assert all(f'<a href="#{title}">' in page for title in titles)
    assert '<main id="main"' in page and "<footer>" in page and '<a class="skip" href="#main">' in page
    assert "Error: &lt;/script&gt;" in page and "Traceback" not in page
    for words in ("abababababab", "2026-01-02 03:04", "máquina", "torch", "big&#x27;s"):
        assert words in page


def test_a_page_of_two_thousand_trials_is_small(tmp_path: Path) -> None:
    connection = made([f"system{i}" for i in range(5)], 20)
    assert connection.execute("SELECT count(*) FROM results").fetchone() == (2000,)
    comparison = compare(connection, "clipping")
    page = comparison_page(comparison, connection, attractors=attractors_of(comparison))
    written = page.write(tmp_path, stem="big")
    size = written[0].stat().st_size
    assert size < 3_000_000, f"{size:,} bytes"
    said = written[0].read_text(encoding="utf-8")
    assert "The first 200 of 2,000; the query gives all." in said
    assert "page stays small: system3 × lstm, system3 × rnn, system4 × lstm and 1 other." in said


def test_database_of_before_there_were_columns_still_has_a_page(
    small: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    old = duckdb.connect(":memory:")
    columns = (
        "trial_id, cell_id, context_id, context, system, architecture, regime, regime_label, tau, seed, "
        "status, reason, d_stsp, d_h, psc, d_stsp_score, floor_d_stsp, ceiling_d_stsp, tau_pred, lambda_max, "
        "lambda_max_se, lambda_from, dt, code_fingerprint, dynamics, net_lambda_max, net_kaplan_yorke, "
        "kaplan_yorke, dynamics_evidence"
    )
    for name, chosen in (
        ("results", columns),
        ("study_trials", "*"),
        ("studies", "study, declaration, recorded_at"),
    ):
        file = tmp_path / f"{name}.parquet"
        small.execute(f"COPY (SELECT {chosen} FROM {name}) TO '{file}' (FORMAT parquet)")
        old.execute(f"CREATE TABLE {name} AS FROM '{file}'")
    said = comparison_page(compare(old, "clipping"), old).html()
    assert said.count("this database lacks what is asked for") == 5
    assert "the course of training of these trials is not in the database" in said


def test_a_diverged_seed_is_worse_than_any_number(
    small: duckdb.DuckDBPyConnection, comparison: Comparison
) -> None:
    courses = read_courses(small, comparison, comparison.contexts)
    assert [one.title for one in courses] == [context.title for context in comparison.contexts]
    for one in courses:
        assert {course.regime for course in one.loss} == {course.regime for course in one.measure}
        assert all(len(course.ended) in (0, 3) for course in one.loss)
        for course in one.measure:
            assert max(course.high) <= 48 and course.epochs == (100, 200, 300)


def test_whole_numbers_keep_the_points() -> None:
    points = trajectory() * [3.0, 40.0, 0.5] + [100.0, 0.0, -7.0]
    middle, half = box(points)
    whole = quantised(points, middle, half)
    assert whole.dtype == np.int16 and np.abs(whole).max() <= UNIT
    assert np.abs(restored(whole, middle, half) - points).max() <= 0.5001 * half / UNIT
    wild = np.vstack([points[:3], points[:1] + 10 * half, [[np.nan, 0, 0]], [[np.inf, 0, 0]], points[3:4]])
    kept = quantised(wild, middle, half)
    assert (kept[3:6] == GAP).all() and (np.abs(kept[[0, 1, 2, 6]]) <= LIMIT).all()
    assert np.isnan(restored(kept, middle, half)[3:6]).all()
    assert box(np.full((3, 3), np.nan)) == (pytest.approx(np.zeros(3)), 1.0)
    assert box(np.ones((3, 3)))[1] == 1.0


def test_a_figure_draws_what_there_is_and_says_what_there_is_not() -> None:
    runs = (
        Run("true", "test data", trajectory(100)),
        Run("far", "seed 1", trajectory(100) + 50),
        Run("half", "seed 2", np.vstack([trajectory(50), np.full((50, 3), np.nan)])),
        Run("none", "no parameters of trial 0123"),
    )
    made = attractor_figure(Attractor("c", "a × b", ("x", "y", "z"), "Three.", runs), "f")
    assert made.count("<svg") == 2 and made.count('class="view missing"') == 2
    assert "seed 1; it lies wholly outside of what is drawn" in made
    assert "seed 2; 50% of it lies outside of what is drawn" in made
    assert "<p>no parameters of trial 0123</p>" in made
    packed = json.loads(re.findall(r"json\">(.*?)</script>", made)[0])
    assert [run["place"] for run in packed["runs"]] == [0, 2]
    points = np.frombuffer(base64.b64decode(packed["runs"][0]["data"]), dtype="<i2").reshape(-1, 3)
    assert np.array_equal(points, quantised(trajectory(100), *box(trajectory(100))))
    as_drawn = attractor_figure(
        Attractor("c", "a", ("x", "y", "z"), "", (runs[0], Run("f(tau=3)", "", trajectory(9), "f"))),
        "f",
        colours={"clipping": 0, "f": 4},
    )
    assert 'class="view true"' in as_drawn and 'class="view run5"' in as_drawn
    assert "<strong>f<wbr>(tau=3)</strong>" in as_drawn
    nothing = Attractor("c", "a", ("x", "y", "z"), "", (Run("mine", "the data of mine are not here"),))
    assert "the data of mine are not here" in attractor_figure(nothing, "f")


@pytest.mark.parametrize(("columns", "axes"), [(1, "a(t−"), (2, "b"), (3, "b"), (5, "PC 2")])
def test_any_number_of_variables_is_seen_in_three(columns: int, axes: str) -> None:
    data = np.column_stack([trajectory(3000), trajectory(3000, phase=0.5)])[:, :columns]
    seen = projection(data, "abcde"[:columns])
    shown = seen.project(data)
    assert shown.shape[1] == 3 and len(shown) >= 0.7 * len(data)
    assert seen.axes[1].startswith(axes) and "SD" in seen.said
    if columns > 3:
        assert (np.diff(shown.std(axis=0)) < 0).all() and "% of their variance" in seen.said
    if columns == 1:
        delay = int(seen.said.split(" steps a delay")[0].split()[-1])
        assert np.array_equal(shown[:, 1], data[delay : len(data) - delay, 0])


def test_networks_that_are_not_here_are_said_in_words(
    small: duckdb.DuckDBPyConnection, comparison: Comparison, tmp_path: Path
) -> None:
    import orchestrator.systems.dataset

    class Data:
        test = trajectory(3000)
        test_parts = Parts((3000,))
        variables = ("x", "y", "z")

    def load(name: str, *, cache: Path) -> Data:
        if name != "lorenz63":
            raise orchestrator.systems.UnknownSystemError(name, ())
        return Data()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orchestrator.systems.dataset, "load", load)
        read = read_attractors(small, comparison, tmp_path)
    by_title = {one.title: one for one in read}
    assert len(read) == len(comparison.headlines)
    lorenz = by_title["lorenz63 × rnn [epochs=300]"]
    true, *networks = lorenz.runs
    assert true.points is not None and len(true.points) <= 2500
    assert [run.label.split(",")[0] for run in networks][:2] == ["clipping", "sparse_forcing(tau=46)"]
    assert all(
        run.points is None and "this version of orch cannot build trial" in run.said for run in networks
    )
    assert "the median of 11" in networks[0].said
    (other,) = by_title[f"{EVIL} × rnn [epochs=300]"].runs
    assert other.points is None and "are not here" in other.said


def test_the_median_counts_what_blew_up(comparison: Comparison) -> None:
    cell = next(cell for cell in comparison.contexts[0].cells if cell.tau == 200)
    median = cell.median_trial
    assert median is not None and median.score == sorted(cell.scores.values())[(len(cell.scores) - 1) // 2]


def test_tables_carry_what_they_are_sorted_by() -> None:
    rows = [(1.23456, Shown("46×", 46.0), "a", None), (float("nan"), Shown(None, None), "b" * 40, True)]
    made = table(["n", "ratio", "t", "x"], rows, numeric=(0, 1), caption="C & D")
    assert '<td class="n" data-v="1.23456">1.23</td><td class="n" data-v="46.0">46×</td><td>a</td>' in made
    assert '<td class="n">–</td><td class="n">–</td><td class="t">' in made and "<td>True</td>" in made
    assert "<caption>C &amp; D</caption>" in made and '<th scope="col" class="n">n</th>' in made


def test_styles_of_figures_become_classes_that_the_policy_allows() -> None:
    svg = (
        '<svg id="f"><style>*{x: y}</style><!-- a --><path style="fill: #0072b2"/>'
        '<text style="fill: none"> style="a"</text></svg>'
    )
    page = document("t", [figure(svg, "c", "one"), figure(svg, "c", "two")])
    assert page.count('<path class="s0"/>') == 2 and page.count(".s0 { fill: var(--c1) }") == 1
    assert '<text class="s1"> style="a"</text>' in page and "<!-- a" not in page and "*{x" not in page
    for name in ("page.js", "attractor.js"):
        script = resources.files("orchestrator.reports.html").joinpath(name).read_text(encoding="utf-8")
        assert "</script" not in script and "<!--" not in script and "innerHTML" not in script

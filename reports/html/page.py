"""The report as one HTML file that needs nothing else: no network, no script; and its figure beside it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from ..comparison import Comparison
from ..exponents import WITHIN, answer, classes, read_exponents, share
from ..figures import exponent_curve, tau_curve, to_svg
from ..statistics import wilson_interval
from ..table import blown_up
from ..verdict import LEGEND, SELECTIONS, number, times
from .document import document, write
from .parts import cells_query, element, figure, table, text

CAPTION = (
    "{measure} against the learning interval τ. Points: geometric means over seeds with 95% t-intervals on "
    "the logs; dots: single seeds; crosses at the ceiling: forced runs that blew up, with their number. "
    "Dashed, with a band: {baseline}; dash-dotted: zero reset; how many of these blew up, over all panels, "
    "is in the legend. A line breaks where a τ was not run. Architectures "
    "are moved apart sideways by a few per cent."
)

EXPONENTS = (
    "λ_max of the networks, running freely, in units of the data's own, against the learning interval τ. "
    "Points: medians over networks; dots: single networks; levels: regimes without τ. Grey: within "
    "{within:.0%} of the data's. Between −1 and 1 the scale is linear, beyond it is logarithmic."
)


def write_report(
    comparison: Comparison,
    connection: duckdb.DuckDBPyConnection,
    directory: Path,
    *,
    stem: str,
    provenance: str = "",
) -> list[Path]:
    """Write `stem`.html and `stem`.svg into `directory`, each whole or not at all; returns their paths."""
    if not stem or Path(stem).name != stem:
        raise ValueError(f"'{stem}' is no file name")
    svg = to_svg(tau_curve(comparison))
    page = render_page(comparison, connection, svg, provenance=provenance)
    directory.mkdir(parents=True, exist_ok=True)
    return [write(directory / f"{stem}.html", page), write(directory / f"{stem}.svg", svg)]


def render_page(
    comparison: Comparison,
    connection: duckdb.DuckDBPyConnection,
    svg: str,
    *,
    provenance: str = "",
) -> str:
    """The page as text: verdict, evidence, figure, counts, cells, how to read it, the SQL behind it."""
    measure, baseline = comparison.measure_name, comparison.baseline
    scope = f"Studies: {', '.join(comparison.studies)}" if comparison.studies else "All results"
    title = f"Every regime against {baseline}"
    caption = CAPTION.format(measure=measure, baseline=baseline)
    query = cells_query(comparison.measure, studies=comparison.studies, contexts=comparison.only_contexts)
    sections = [
        element("h1", title),
        element("p", f"{scope} · {measure} · paired by seed", css="soft"),
        _headlines(comparison),
        element("h2", "Comparison"),
        *_comparison_tables(comparison),
        _notes(comparison),
        element("h2", f"{measure} against τ"),
        figure(svg, caption),
        *_exponents(comparison, connection),
        element("h2", "Runs that blew up"),
        element("p", "Share of the trials that ran to an outcome, with a 95% Wilson interval.", css="soft"),
        _divergence(comparison),
        element("h2", "Cells"),
        _cells(connection, query),
        element("h2", "How to read this"),
        "<ul>" + "".join(element("li", line.format(measure=measure)) for line in LEGEND) + "</ul>",
        element("h2", "The query behind the table of cells"),
        element("pre", query),
    ]
    return document(title, sections, provenance=provenance)


def _headlines(comparison: Comparison) -> str:
    lines = (
        f'<li class="{line.outcome}"><strong>{text(line.title)}</strong>: {text(line.text)}</li>'
        for line in comparison.headlines
    )
    return f'<ul class="headline">{"".join(lines)}</ul>'


def _comparison_tables(comparison: Comparison) -> list[str]:
    columns = [
        "challenger",
        "choice of τ",
        "τ",
        "pairs",
        "ratio",
        "95%",
        "challenger",
        "baseline",
        "blown up",
    ]
    parts: list[str] = []
    for line in comparison.headlines:
        context = comparison.context(line.context_id)
        rows = comparison.rows_of(line)
        facts = f"τ_pred {number(context.tau_pred)} steps, floor {number(context.floor)}"
        if context.lambda_max is not None:
            error = f" ± {context.lambda_max_se:.2g}" if context.lambda_max_se is not None else ""
            facts += f", λ_max {number(context.lambda_max)}{error}, dt {text(context.dt)}"
        parts.append(element("h3", f"{line.title}, against {line.baseline}"))
        parts.append(element("p", f"{facts}, ceiling {number(context.ceiling)}.", css="soft"))
        cells = [
            (
                row.challenger.label,
                SELECTIONS[row.selection] if row.tau_choices > 1 else None,
                row.tau,
                row.n_pairs,
                times(row.ratio),
                None if row.low is None else f"{times(row.low)} to {times(row.high)}",
                row.challenger.geometric_mean,
                row.baseline.geometric_mean,
                f"{blown_up(row.challenger)} : {blown_up(row.baseline)}",
            )
            for row in rows
        ]
        parts.append(table(columns, cells, numeric=(2, 3, 4, 6, 7), css=[row.outcome for row in rows]))
        parts.append("<ul>" + "".join(element("li", row.verdict) for row in rows) + "</ul>")
    return parts


def _notes(comparison: Comparison) -> str:
    if not comparison.notes:
        return ""
    return element("h3", "Notes") + f"<ul>{''.join(element('li', note) for note in comparison.notes)}</ul>"


def _exponents(comparison: Comparison, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """λ of the networks beside λ of their data; nothing where no network's is known."""
    rows = read_exponents(connection, comparison.contexts)
    if not rows:
        return []
    parts = [element("h2", "Do the networks have the exponent of their data?"), "<ul>"]
    for context in comparison.contexts:
        if any(row.context_id == context.context_id for row in rows):
            said = f"<strong>{text(context.title)}</strong>: {text(answer(context, rows))}"
            parts.append(f"<li>{said}</li>")
    parts.append("</ul>")
    svg = to_svg(exponent_curve(comparison.contexts, rows))
    parts.append(figure(svg, EXPONENTS.format(within=WITHIN)))
    titles = {context.context_id: context.title for context in comparison.contexts}
    parts.append(
        table(
            ["context", "regime", "networks", "λ_max", "lowest", "highest", "λ_max of data",
             f"within {WITHIN:.0%}", "D_KY", "D_KY of data", "free runs"],
            [
                (titles[row.context_id], row.regime, row.measured, row.median, row.lowest, row.highest,
                 row.of_data, share(row) if row.measured else None, row.kaplan_yorke,
                 row.kaplan_yorke_of_data, classes(row))
                for row in rows
            ],
            numeric=(2, 3, 4, 5, 6, 8, 9),
        )
    )  # fmt: skip
    return parts


def _divergence(comparison: Comparison) -> str:
    columns = [
        "context",
        "regime",
        "trials",
        "diverged in training",
        "unbounded free run",
        "failed",
        "blown up",
    ]
    rows = []
    for context in comparison.contexts:
        for cell in context.cells:
            diverged, unbounded, failed = map(cell.count, ("diverged", "unbounded", "failed"))
            ran = len(cell.trials) - failed
            low, high = wilson_interval(diverged + unbounded, ran)
            share = f"{(diverged + unbounded) / ran:.0%} ({low:.0%} to {high:.0%})" if ran else None
            rows.append((context.title, cell.label, len(cell.trials), diverged, unbounded, failed, share))
    return table(columns, rows, numeric=(2, 3, 4, 5, 6))


def _cells(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """What the query answers now; the page shows both, so that each explains the other."""
    result = connection.execute(query)
    columns = [str(column[0]) for column in result.description or []]
    rows = result.fetchall()
    return table(columns, rows, numeric=tuple(range(4, len(columns))))

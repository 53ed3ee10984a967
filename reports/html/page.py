"""A comparison as one HTML file that needs nothing else: no network, and no script to be read.

The verdict comes first, then each figure with the numbers behind it and the SQL that gives them, and last
where all of it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ..comparison import Comparison
from ..exponents import WITHIN, answer, read_exponents
from ..figures import exponent_curve, tau_curve, to_svg
from ..figures.learning_curves import learning_curves
from ..verdict import LEGEND
from .answered import ROWS, answered
from .attractor import Attractor, attractor_figure, without
from .compared import across_section, comparison_tables
from .courses import courses_query, read_courses, shown_contexts
from .document import document, write
from .parts import bullets, contents, element, figure, folded, section, text
from .queries import (
    blown_up_query,
    cells_query,
    exponents_query,
    names,
    provenance_queries,
    trials_query,
    troubles_query,
)

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

CURVES = (
    "Training of the cells that the comparison names: the loss (left) and {measure} (right) over epochs. "
    "Lines: medians over seeds; bands: quartiles. A seed that diverged counts as worse than any other from "
    "there on; crosses: where it ended. A line breaks where most seeds have diverged."
)

ATTRACTORS = (
    "The test data, and a free run of the network with the median score of each cell. All panels of a row "
    "have one scale and turn together."
)


def write_report(
    comparison: Comparison,
    connection: duckdb.DuckDBPyConnection,
    directory: Path,
    *,
    stem: str,
    provenance: str = "",
    attractors: Sequence[Attractor] = (),
) -> list[Path]:
    """Write `stem`.html and `stem`.svg into `directory`, each whole or not at all; returns their paths."""
    if not stem or Path(stem).name != stem:
        raise ValueError(f"'{stem}' is no file name")
    svg = to_svg(tau_curve(comparison))
    page = render_page(comparison, connection, svg, provenance=provenance, attractors=attractors)
    directory.mkdir(parents=True, exist_ok=True)
    return [write(directory / f"{stem}.html", page), write(directory / f"{stem}.svg", svg)]


def render_page(
    comparison: Comparison,
    connection: duckdb.DuckDBPyConnection,
    svg: str,
    *,
    provenance: str = "",
    attractors: Sequence[Attractor] = (),
) -> str:
    """The page as text; `svg` is the figure of `tau_curve`."""
    measure, baseline = comparison.measure_name, comparison.baseline
    scope = f"Studies: {', '.join(comparison.studies)}" if comparison.studies else "All results"
    title = f"Every regime against {baseline}"
    sections = page_sections(comparison, connection, svg, attractors=attractors)
    head = [element("h1", title), element("p", f"{scope} · {measure} · paired by seed", css="soft")]
    return document(
        title,
        [*head, _headlines(comparison), contents(sections), *sections],
        provenance=provenance,
        scripts=("page.js", "attractor.js"),
    )


def page_sections(
    comparison: Comparison,
    connection: duckdb.DuckDBPyConnection,
    svg: str,
    *,
    attractors: Sequence[Attractor] = (),
) -> list[str]:
    """What stands below the verdict, a section each; '' for one that has nothing to show."""
    measure, baseline = comparison.measure_name, comparison.baseline
    cells = cells_query(
        comparison.measure,
        studies=comparison.studies,
        contexts=comparison.only_contexts,
        seeds={len(cell.scores) for context in comparison.contexts for cell in context.cells},
        named=names(comparison),
    )
    return [
        section("Comparison", *comparison_tables(comparison), _notes(comparison)),
        section(
            f"{measure} against τ",
            figure(svg, CAPTION.format(measure=measure, baseline=baseline), "tau"),
            answered(connection, cells, caption="Cells: all trials that differ in the seed alone."),
        ),
        across_section(comparison),
        _attractors(comparison, attractors),
        _curves(comparison, connection),
        _exponents(comparison, connection),
        _blown_up(comparison, connection),
        _every_trial(comparison, connection),
        section(
            "Where this comes from",
            *(
                answered(connection, query, caption=f"{name}.")
                for name, query in provenance_queries(comparison).items()
            ),
        ),
        section("How to read this", bullets(line.format(measure=measure) for line in LEGEND)),
    ]


def _headlines(comparison: Comparison) -> str:
    lines = (
        f'<li class="{line.outcome}"><strong>{text(line.title)}</strong>: {text(line.text)}</li>'
        for line in comparison.headlines
    )
    return f'<ul class="headline" aria-label="Verdict">{"".join(lines)}</ul>'


def _notes(comparison: Comparison) -> str:
    return element("h3", "Notes") + bullets(comparison.notes) if comparison.notes else ""


def _attractors(comparison: Comparison, attractors: Sequence[Attractor]) -> str:
    if not attractors:
        return ""
    drawn = {attractor.context_id for attractor in attractors}
    left_out = [c.title for c in comparison.contexts if c.context_id not in drawn]
    return section(
        "Attractors",
        element("p", ATTRACTORS, css="soft"),
        *(attractor_figure(one, f"attractor-{place}") for place, one in enumerate(attractors)),
        element("p", without(left_out), css="soft") if left_out else "",
    )


def _curves(comparison: Comparison, connection: duckdb.DuckDBPyConnection) -> str:
    contexts = shown_contexts(comparison)
    courses = read_courses(connection, comparison, contexts)
    if not courses:
        return ""
    shown = {context.title for context in contexts}
    left_out = [context.title for context in comparison.contexts if context.title not in shown]
    svg = to_svg(learning_curves(courses, comparison.measure_name))
    numbers = answered(
        connection,
        courses_query(comparison, contexts),
        caption=f"Loss and {comparison.measure_name} where the networks were evaluated, over seeds.",
        at_most=ROWS,
    )
    return section(
        "Learning curves",
        figure(svg, CURVES.format(measure=comparison.measure_name), "curves"),
        element("p", without(left_out), css="soft") if left_out else "",
        folded("The numbers", numbers),
    )


def _exponents(comparison: Comparison, connection: duckdb.DuckDBPyConnection) -> str:
    """λ of the networks beside λ of their data; nothing where no network's is known."""
    rows = read_exponents(connection, comparison.contexts)
    if not rows:
        return ""
    answers = [
        f"<li><strong>{text(context.title)}</strong>: {text(answer(context, rows))}</li>"
        for context in comparison.contexts
        if any(row.context_id == context.context_id for row in rows)
    ]
    svg = to_svg(exponent_curve(comparison.contexts, rows))
    return section(
        "Do the networks have the exponent of their data?",
        f"<ul>{''.join(answers)}</ul>",
        figure(svg, EXPONENTS.format(within=WITHIN), "exponents"),
        answered(
            connection,
            exponents_query(comparison),
            caption="λ_max of the networks (median, range) beside the data's, and how many recover it, with "
            "a 95% Wilson interval.",
        ),
    )


def _blown_up(comparison: Comparison, connection: duckdb.DuckDBPyConnection) -> str:
    return section(
        "Runs that blew up, or failed",
        answered(
            connection,
            blown_up_query(comparison),
            caption="Share of the trials that ran to an outcome, with a 95% Wilson interval.",
        ),
        answered(
            connection,
            troubles_query(comparison),
            caption="Trials that did not end well; `orch trial show` says more of each.",
            empty="Every trial ended well.",
            at_most=ROWS,
        ),
    )


def _every_trial(comparison: Comparison, connection: duckdb.DuckDBPyConnection) -> str:
    trials = answered(connection, trials_query(comparison), caption="Every trial.", at_most=ROWS)
    return section("Trials", folded("Trial by trial", trials)) if trials else ""

"""A comparison as one HTML file that needs nothing else: no network, and no script to be read.

The verdict comes first, then each figure with the numbers behind it and the SQL that gives them, and last
where all of it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import duckdb

from ..along import along
from ..comparison import Comparison
from ..exponents import WITHIN, answer, read_exponents
from ..figures import exponent_curve, tau_curve, to_svg
from ..figures.along_setting import along_setting
from ..figures.learning_curves import Courses, learning_curves, places
from ..trials import Context
from ..verdict import LEGEND
from .along_section import along_sections
from .answered import ROWS, answered
from .attractor import Attractor, attractor_figure, without
from .courses import courses_query, read_courses, shown_contexts
from .document import Page
from .pairs import headlines, pair_tables, shared_settings, short
from .parts import bullets, contents, element, figure, section, text
from .queries import (
    blown_up_query,
    cells_query,
    exponents_query,
    names,
    provenance_queries,
    reasons_query,
    trials_query,
    troubles_query,
)
from .together import across_section

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
    "Lines: medians over seeds, of an even number the better of the middle two; bands: quartiles. A seed "
    "that diverged counts as worse than any other from there on; crosses: where it ended. A line breaks "
    "where most seeds have diverged."
)

ATTRACTORS = (
    "The test data, and a free run of the network with the median score of each cell, of an even number of "
    "seeds the better of the middle two. All panels of a row have one scale and turn together."
)

NO_NETWORKS = "The parameters of none of these networks are here: only the test data are drawn."
NO_CURVES = "There are none: the course of training of these trials is not in the database."
NO_CLASSES = "Not known: the free runs of these networks were not looked at."
NO_EXPONENT = "There is nothing to compare: no positive λ_max is known of any of these systems."


def comparison_page(
    comparison: Comparison,
    connection: duckdb.DuckDBPyConnection,
    *,
    attractors: Sequence[Attractor] = (),
    over: str | None = None,
) -> Page:
    """The page of a comparison, with all that its queries answer now; along one setting or all."""
    svg = to_svg(tau_curve(comparison))
    measure, baseline = comparison.measure_name, comparison.baseline
    scope = f"Studies: {', '.join(comparison.scope.studies)}" if comparison.scope.studies else "All results"
    title = f"Every regime against {baseline}" if comparison.rows else "Results"
    settings = shared_settings(comparison)
    said = " · ".join(filter(None, [scope, measure, "paired by seed", settings]))
    sections = page_sections(comparison, connection, svg, attractors=attractors, over=over)
    head = [element("h1", title), element("p", said, css="soft")]
    verdict = headlines(comparison) if comparison.rows else bullets(comparison.notes[:1], css="warnings")
    parts = ["\n".join([*head, verdict]), contents(sections), *sections]
    if over is not None:  # whose figure is asked for
        svg = to_svg(along_setting(along(comparison, over), measure))
    return Page(title, parts, svg, scripts=("page.js", "attractor.js"))


def page_sections(
    comparison: Comparison,
    connection: duckdb.DuckDBPyConnection,
    svg: str,
    *,
    attractors: Sequence[Attractor] = (),
    over: str | None = None,
) -> list[str]:
    """What stands below the verdict, a section each; '' for one that has nothing to show."""
    measure, baseline = comparison.measure_name, comparison.baseline
    courses = read_courses(connection, comparison, shown_contexts(comparison))
    cells = cells_query(
        comparison.measure,
        scope=comparison.scope,
        seeds={len(cell.scores) for context in comparison.contexts for cell in context.cells},
        named=names(comparison),
        without={cell.cell_id for context in comparison.contexts for cell in context.partial},
        spectra="floor_d_h" in {row[0] for row in connection.execute("DESCRIBE results").fetchall()},
    )
    return [
        *along_sections(comparison, along(comparison, over), connection),
        section("Comparison", *pair_tables(comparison), _notes(comparison)),
        section(
            f"{measure} against τ",
            _sheets(
                comparison.contexts,
                lambda only: to_svg(tau_curve(comparison, only)) if only else svg,
                CAPTION.format(measure=measure, baseline=baseline),
                "tau",
            ),
            answered(connection, cells, caption="Cells: all trials that differ in the seed alone."),
        ),
        across_section(comparison),
        _attractors(comparison, attractors, places(courses)),
        _curves(comparison, connection, courses),
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


def _notes(comparison: Comparison) -> str:
    return element("h3", "Notes") + bullets(comparison.notes) if comparison.notes else ""


PANELS = 8
"""Of a figure, at most: more would be higher than a sheet of paper."""


def _sheets(
    contexts: Sequence[Context], draw: Callable[[set[str] | None], str], caption: str, name: str
) -> str:
    """A figure with a panel per system and settings, in as many parts as it takes; `draw` makes the SVG of
    some contexts, of all where it is given None.
    """
    panels: dict[tuple[str, str], set[str]] = {}
    for context in contexts:
        panels.setdefault((context.system, context.settings), set()).add(context.context_id)
    if len(panels) <= PANELS:
        return figure(draw(None), caption, name)
    ids = list(panels.values())
    parts = [set().union(*ids[start : start + PANELS]) for start in range(0, len(ids), PANELS)]
    said = [f"Part {part} of {len(parts)}." for part in range(1, len(parts))]
    said.append(f"Part {len(parts)} of {len(parts)}. {caption}")
    return "\n".join(
        figure(draw(only), words, f"{name}-{part}")
        for part, (only, words) in enumerate(zip(parts, said, strict=True), start=1)
    )


def _attractors(comparison: Comparison, attractors: Sequence[Attractor], colours: Mapping[str, int]) -> str:
    """Networks have the colours of their learning curves."""
    if not attractors:
        return ""
    drawn = {attractor.context_id for attractor in attractors}
    left_out = [short(c.title, comparison) for c in comparison.contexts if c.context_id not in drawn]
    networks = [run for one in attractors for run in one.runs[1:]]
    none = networks and all(run.points is None for run in networks)
    figures = (
        attractor_figure(
            replace(one, title=short(one.title, comparison)), f"attractor-{place}", colours=colours
        )
        for place, one in enumerate(attractors)
    )
    return section(
        "Attractors",
        element("p", ATTRACTORS, css="soft"),
        element("p", NO_NETWORKS) if none else "",
        *figures,
        element("p", without(left_out), css="soft") if left_out else "",
    )


def _curves(comparison: Comparison, connection: duckdb.DuckDBPyConnection, courses: Sequence[Courses]) -> str:
    title = "Learning curves"
    if not courses:
        return section(title, element("p", NO_CURVES, css="soft"))
    contexts = shown_contexts(comparison)
    shown = {context.context_id for context in contexts}
    left_out = [short(c.title, comparison) for c in comparison.contexts if c.context_id not in shown]
    drawn = [replace(one, title=short(one.title, comparison)) for one in courses]
    svg = to_svg(learning_curves(drawn, comparison.measure_name))
    numbers = answered(
        connection,
        courses_query(comparison, contexts),
        caption=f"Loss and {comparison.measure_name} where the networks were evaluated, over seeds.",
        at_most=ROWS,
    )
    return section(
        title,
        figure(svg, CURVES.format(measure=comparison.measure_name), "curves"),
        element("p", without(left_out), css="soft") if left_out else "",
        numbers,
    )


def _exponents(comparison: Comparison, connection: duckdb.DuckDBPyConnection) -> str:
    """λ of the networks beside λ of their data; in a word, where there is nothing to compare."""
    title = "Do the networks have the exponent of their data?"
    rows = read_exponents(connection, comparison.contexts)
    if not rows:
        known = any((context.lambda_max or 0) > 0 for context in comparison.contexts)
        return section(title, element("p", NO_CLASSES if known else NO_EXPONENT, css="soft"))
    found = {row.context_id for row in rows}
    asked = [context for context in comparison.contexts if context.context_id in found]
    answers = [
        f"<li><strong>{text(short(context.title, comparison))}</strong>: {text(answer(context, rows))}</li>"
        for context in asked
    ]
    return section(
        title,
        f"<ul>{''.join(answers)}</ul>",
        _sheets(
            asked,
            lambda only: to_svg(exponent_curve(comparison.contexts, rows, only)),
            EXPONENTS.format(within=WITHIN),
            "exponents",
        ),
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
            reasons_query(comparison),
            caption="What went wrong, and how often.",
            empty="Every trial ended well.",
        ),
        answered(
            connection,
            blown_up_query(comparison),
            caption="Share of the trials that ran to an outcome, with a 95% Wilson interval.",
        ),
        answered(
            connection,
            troubles_query(comparison),
            caption="Trials that did not end well; `orch trial show` says more of each.",
            at_most=ROWS,
        ),
    )


def _every_trial(comparison: Comparison, connection: duckdb.DuckDBPyConnection) -> str:
    trials = answered(connection, trials_query(comparison), caption="Every trial.", at_most=ROWS)
    return section("Trials", trials)

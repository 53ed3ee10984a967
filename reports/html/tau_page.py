"""What was found about τ as one HTML file that needs nothing else: sentences, figure, points."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ..doubts import of_exponents
from ..figures.style import to_svg
from ..figures.tau_response import tau_response
from ..measures import BLEW_UP, MEASURES
from ..scope import ALL, Scope, quoted
from ..tau import LEGEND, TauAnswer, sentence
from .answered import answered
from .document import Page
from .parts import element, figure
from .queries import mean_log

CAPTION = (
    "D_stsp against the learning interval τ. Circles: the τ that were tried, geometric means over seeds with "
    "95% intervals, dots single seeds; triangles: given up early by a search. Line and band: the fitted "
    "curve with its 95% band. Hatched: the prior of τ. Diamond and bar: τ_opt with its 95% interval."
)


def tau_page(
    answers: Sequence[TauAnswer],
    connection: duckdb.DuckDBPyConnection,
    *,
    scope: Scope = ALL,
) -> Page:
    """The sentences, the figure, and the points of it, as read from the trials of this scope."""
    svg = to_svg(tau_response(answers))
    title = "Which τ reconstructs"
    said = [f"{answer.context.title}, {answer.regime}: {sentence(answer)}" for answer in answers]
    sections = [
        element("h1", title),
        "<ul>" + "".join(element("li", line) for line in said) + "</ul>",
        *(element("p", note) for note in of_exponents(answer.context for answer in answers)),
        figure(svg, CAPTION),
        element("p", LEGEND, css="soft"),
        element("h2", "The points"),
        answered(connection, points_query(answers, scope), caption="Every τ that was tried."),
    ]
    return Page(title, sections, svg)


def points_query(answers: Sequence[TauAnswer], scope: Scope) -> str:
    """Every τ of these answers with its seeds; curves are fitted to those without any that was given up."""
    values = (
        f"({place}, {quoted(answer.context.system)}, {quoted(answer.context.architecture)}, "
        f"nullif({quoted(answer.context.settings)}, ''), {quoted(answer.regime)}, {point.tau}, "
        f"{answer.context.tau_pred or 'NULL'}, {quoted(answer.context.context_id)}, "
        f"{quoted(point.cell_id) if point.cell_id else 'NULL'}, [{', '.join(map(quoted, point.labels))}])"
        for place, (answer, point) in enumerate(
            ((answer, point) for answer in answers for point in answer.points), start=1
        )
    )
    mean, half = mean_log("score", {len(p.scores) for answer in answers for p in answer.points})
    return f"""WITH asked(place, system, architecture, settings, regime, tau, tau_pred, context_id, cell_id,
           labels) AS (VALUES
    {f",{chr(10)}    ".join(values)}
), tried AS (
    SELECT place, {MEASURES["d_stsp"].score} AS score, {BLEW_UP} AS blown_up, NULL AS given_up
    FROM asked JOIN (FROM {scope.rows}) USING (cell_id)
    UNION ALL BY NAME
    SELECT place, d_stsp_score AS given_up FROM asked JOIN pruned USING (context_id, tau)
    WHERE list_contains(labels, regime_label)
)
SELECT system, architecture, settings, regime, tau AS "τ", tau / tau_pred AS "τ/τ_pred",
       count(score) AS seeds, exp({mean}) AS "D_stsp",
       exp({mean} - {half}) AS "95% low",
       exp({mean} + {half}) AS "95% high",
       count(*) FILTER (blown_up) AS "blown up", count(given_up) AS "given up early"
FROM asked LEFT JOIN tried USING (place)
GROUP BY place, system, architecture, settings, regime, tau, tau_pred
ORDER BY place"""

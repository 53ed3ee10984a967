"""What was found about τ as one HTML file that needs nothing else: sentences, figure, points."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ..figures.style import to_svg
from ..figures.tau_response import tau_response
from ..measures import BLEW_UP, MEASURES
from ..statistics import SMALLEST_SCORE
from ..tau import LEGEND, TauAnswer, sentence
from ..trials import trial_filter
from .answered import answered
from .document import Page
from .parts import element, figure
from .queries import quoted, t_factor

CAPTION = (
    "D_stsp against the learning interval τ. Circles: the τ that were tried, geometric means over seeds with "
    "95% intervals, dots single seeds; triangles: given up early by a search. Line and band: the fitted "
    "curve with its 95% band. Hatched: the prior of τ. Diamond and bar: τ_opt with its 95% interval."
)


FAMILY = r"""trim(replace(replace(regexp_replace(
               regime_label, '([\s(,])(tau|τ)\s*=\s*[^,()]*(,\s*)?', '\1'), ', )', ')'), '()', ''))"""
"""A regime's label without τ, as `trials.family_of`."""


def tau_page(
    answers: Sequence[TauAnswer],
    connection: duckdb.DuckDBPyConnection,
    *,
    studies: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Page:
    """The sentences, the figure, and the points of it, as read from the trials of these studies (none named:
    of all).
    """
    svg = to_svg(tau_response(answers))
    title = "Which τ reconstructs"
    said = [f"{answer.context.title}, {answer.regime}: {sentence(answer)}" for answer in answers]
    sections = [
        element("h1", title),
        "<ul>" + "".join(element("li", line) for line in said) + "</ul>",
        *(element("p", note, css="soft") for note in notes),
        figure(svg, CAPTION),
        element("p", LEGEND, css="soft"),
        element("h2", "The points"),
        answered(connection, points_query(answers, studies), caption="Every τ that was tried."),
    ]
    return Page(title, sections, svg)


def points_query(answers: Sequence[TauAnswer], studies: Sequence[str]) -> str:
    """Every τ of these answers with its seeds: what the curves are fitted to."""
    values = (
        f"({place}, {quoted(answer.context.context_id)}, {quoted(answer.context.system)}, "
        f"{quoted(answer.context.architecture)}, {quoted(answer.context.settings)}, "
        f"{quoted(answer.regime)}, {answer.context.tau_pred or 'NULL'})"
        for place, answer in enumerate(answers, start=1)
    )
    log = f"CASE WHEN score IS NOT NULL THEN ln(greatest(score, {SMALLEST_SCORE:g})) END"
    counts = {len(point.scores) for answer in answers for point in answer.points}
    half = f"{t_factor('count(score)', counts)} * stddev_samp({log}) / sqrt(count(score))"
    return f"""WITH asked(place, context_id, system, architecture, settings, regime, tau_pred) AS (VALUES
    {f",{chr(10)}    ".join(values)}
), tried AS (
    SELECT context_id, regime_label, tau, {BLEW_UP} AS blown_up, NULL AS given_up,
           {MEASURES["d_stsp"].score} AS score
    FROM {f"results {trial_filter(studies)}".strip()}
    UNION ALL BY NAME
    SELECT context_id, regime_label, tau, d_stsp_score AS given_up FROM pruned
)
SELECT system, architecture, settings, regime, tau AS "τ", tau / tau_pred AS "τ/τ_pred",
       count(score) AS seeds, exp(avg({log})) AS "D_stsp",
       exp(avg({log}) - {half}) AS "95% low",
       exp(avg({log}) + {half}) AS "95% high",
       count(*) FILTER (blown_up) AS "blown up", count(given_up) AS "given up early"
FROM asked JOIN (SELECT context_id, tau, blown_up, given_up,
                        CASE WHEN given_up IS NULL THEN score END AS score,
                        {FAMILY} AS regime FROM tried) USING (context_id, regime)
WHERE tau > 0
GROUP BY place, system, architecture, settings, regime, tau, tau_pred
HAVING count(score) + count(given_up) > 0
ORDER BY place, tau"""

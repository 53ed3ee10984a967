"""Contexts that differ in one number, along it: what the page says of them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from .. import along_said
from ..along import Along
from ..comparison import Comparison
from ..figures import to_svg
from ..figures.along_setting import along_setting
from ..measures import BLEW_UP, MEASURES
from ..scope import quoted, quoted_name
from ..statistics import SMALLEST_SCORE
from ..table import facts
from .answered import answered
from .pairs import short
from .parts import bullets, element, figure, section
from .queries import mean_log, t_factor

CAPTION = (
    "{title}: {measure} of each method as {setting} grows{ratios}. Geometric means with 95% t-intervals "
    "on the logs."
)
RATIOS = " (left), and its ratio to {baseline} (right); below 1 the method reconstructs better"


def along_sections(
    comparison: Comparison, found: Sequence[Along], connection: duckdb.DuckDBPyConnection
) -> list[str]:
    """A section for each setting."""
    settings = dict.fromkeys(one.setting for one in found)
    return [
        section(
            f"Along {setting}",
            *(
                part
                for place, one in enumerate(one for one in found if one.setting == setting)
                for part in _of(comparison, one, connection, f"along-{setting}-{place}")
            ),
            bullets(along_said.LEGEND, css="soft"),
        )
        for setting in settings
    ]


def _of(
    comparison: Comparison, one: Along, connection: duckdb.DuckDBPyConnection, name: str
) -> tuple[str, ...]:
    measure, title = comparison.measure_name, short(one.title, comparison)
    ratios = RATIOS.format(baseline=one.baseline) if one.baseline else ""
    words = {"title": title, "measure": measure, "setting": one.setting, "ratios": ratios}
    return (
        element("h3", f"{title}, against {one.baseline}" if one.baseline else title),
        element("p", facts(measure, one.contexts.values()), css="soft"),
        bullets(f"{said}." for said in along_said.sentences(one, measure)),
        figure(to_svg(along_setting([one], measure)), CAPTION.format(**words), name),
        answered(connection, along_query(comparison, one), caption=f"{title}, along {one.setting}."),
    )


def along_query(comparison: Comparison, one: Along) -> str:
    """Of each method at each value: its seeds, their mean, and their ratio to the baseline."""
    points = [(line, point) for line in one.lines for point in line.points]
    values = ",\n    ".join(
        f"({place}, {point.value!r}::DOUBLE, {quoted(line.name)}, {quoted(part.cell.cell_id)}, "
        f"{_list(part.seeds)}, {quoted(part.row.baseline.cell_id) if part.row else 'NULL::VARCHAR'}, "
        f"{_list(part.row.seeds if part.row else ())}::BIGINT[])"
        for place, (line, point) in enumerate(points)
        for part in [point.part]
    )
    parts = [point.part for _, point in points]
    counts = {n for part in parts for n in (len(part.seeds), part.row.n_pairs if part.row else 0)}
    score = MEASURES[comparison.measure].score
    mean, half = mean_log("score", counts)
    log = f"(ln(greatest(score, {SMALLEST_SCORE:g})) - ln(greatest(base, {SMALLEST_SCORE:g})))"
    ratio, half_ratio = f"avg({log})", f"{t_factor('count(*)', counts)} * stddev_samp({log}) / sqrt(count(*))"
    return f"""WITH asked(place, value, method, cell_id, scored_on, base_id, pairs) AS (VALUES
    {values}
), runs AS (
    SELECT cell_id, seed, tau, {score} AS score, {BLEW_UP} AS blew_up FROM {comparison.scope.rows}
), means AS (
    SELECT place, any_value(tau) AS tau, count(score) AS seeds, exp({mean}) AS mean,
           exp({mean} - {half}) AS low, exp({mean} + {half}) AS high
    FROM asked JOIN runs USING (cell_id) WHERE list_contains(scored_on, seed) GROUP BY place
), ratios AS (
    SELECT place, exp({ratio}) AS ratio, exp({ratio} - {half_ratio}) AS low,
           exp({ratio} + {half_ratio}) AS high
    FROM asked JOIN runs USING (cell_id)
    JOIN (SELECT cell_id AS base_id, seed, score AS base FROM runs) USING (base_id, seed)
    WHERE list_contains(pairs, seed) GROUP BY place
), blown AS (
    SELECT place, count(*) FILTER (blew_up) AS blew_up FROM asked JOIN runs USING (cell_id) GROUP BY place
)
SELECT value AS {quoted_name(one.setting)}, method, tau, seeds, mean AS {comparison.measure},
       means.low AS "95% low", means.high AS "95% high",
       ratio, ratios.low AS "ratio low", ratios.high AS "ratio high", blew_up
FROM asked JOIN means USING (place) JOIN blown USING (place) LEFT JOIN ratios USING (place)
ORDER BY value, place"""


def _list(seeds: Sequence[int]) -> str:
    return f"[{', '.join(map(str, seeds))}]"

"""The SQL of what is said of all systems together."""

from __future__ import annotations

from ..across import RECONSTRUCTED, Across
from ..comparison import Comparison
from ..measures import BLEW_UP, MEASURES
from ..scope import quoted
from ..statistics import SMALLEST_SCORE
from .queries import wilson


def together_query(comparison: Comparison, together: Across) -> str:
    """Of each method its interquartile mean, the share that reconstructs with its interval, and its rank."""
    values = (
        f"({place}, {quoted(method.name)}, {quoted(part.context.context_id)}, {quoted(part.cell.cell_id)}, "
        f"{part.context.floor!r}, {part.context.ceiling!r}, [{', '.join(map(str, part.seeds))}])"
        for place, method in enumerate(together.methods, start=1)
        for part in method.parts
    )
    low, high = wilson("share * worth", "worth")
    return f"""WITH asked(place, method, context, cell_id, floor, ceiling, scored_on) AS (VALUES
    {f",{chr(10)}    ".join(values)}
), runs AS (
    SELECT place, context,
           ln(ceiling / least(ceiling, greatest(score, {SMALLEST_SCORE:g})))
               / ln(ceiling / greatest(floor, {SMALLEST_SCORE:g})) AS y
    FROM asked
    JOIN (SELECT cell_id, seed,
                 if({BLEW_UP}, 'infinity'::DOUBLE, {MEASURES[comparison.measure].score}) AS score
          FROM {comparison.scope.rows}) USING (cell_id)
    WHERE score IS NOT NULL AND list_contains(scored_on, seed)
), weighed AS (  -- every context the same
    SELECT *, 1 / (count(*) OVER (PARTITION BY place, context) * {together.contexts}) AS weight FROM runs
), ordered AS (
    SELECT *, sum(weight) OVER (PARTITION BY place ORDER BY y ROWS UNBOUNDED PRECEDING) AS up_to FROM weighed
), middle AS (
    SELECT place, sum(y * kept) / sum(kept) AS mean
    FROM (SELECT *, greatest(0, least(up_to, 0.75) - greatest(up_to - weight, 0.25)) AS kept FROM ordered)
    GROUP BY place
), contexts AS (
    SELECT place, context, count(*) AS runs, round(avg(y), 12) AS mean,
           avg(if(y > {RECONSTRUCTED:g}, 1, 0)) AS share
    FROM runs GROUP BY ALL
), shares AS (
    SELECT place, sum(runs) AS runs, avg(share) AS share,
           round_even({together.contexts}.0 ** 2 / sum(1 / runs), 0) AS worth
    FROM contexts GROUP BY place
), ranks AS (
    SELECT place, avg(rank) AS mean_rank
    FROM (SELECT a.place AS place, a.context,
                 count(*) FILTER (b.mean > a.mean) + (count(*) FILTER (b.mean = a.mean) + 1) / 2 AS rank
          FROM contexts AS a JOIN contexts AS b USING (context) GROUP BY ALL)
    GROUP BY place
)
SELECT method, runs, mean AS "interquartile mean", share AS "reconstruct",
       {low} AS "reconstruct low", {high} AS "reconstruct high", mean_rank AS "mean rank"
FROM (SELECT DISTINCT place, method FROM asked)
JOIN shares USING (place) JOIN middle USING (place) JOIN ranks USING (place)
ORDER BY place"""

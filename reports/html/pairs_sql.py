"""The SQL of a comparison's pairs: everything that stands in their tables, from the trials alone.

What was compared with what is written into it, with the seeds that a tuned row is scored on; ratios,
intervals, shares and tests it works out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from ..comparison import Comparison, Row
from ..evidence import EXACT_BELOW, MIXES, SLACK, WORD, draws
from ..measures import BLEW_UP, MEASURES
from ..selection import split_seeds
from ..statistics import SMALLEST_SCORE
from ..trials import Context
from ..verdict import choice
from .queries import names, quoted, scope, t_factor, wilson


def pairs_query(comparison: Comparison, rows: Sequence[Row], *, adjusted: bool = True) -> str:
    """What the tables of `rows` show, a row each; of rows of several contexts with their names.

    Args:
        adjusted: whether with p after Holm, which takes the tests of all rows of the comparison.
    """
    several = len({row.context_id for row in rows}) > 1
    columns = names(comparison).split(", ") if several else []
    named = "".join(f"{column}, " for column in columns)
    wanted = {id(row) for row in rows}
    asked = [
        (place, row) for place, row in enumerate(comparison.rows, start=1) if adjusted or id(row) in wanted
    ]
    only = "" if len(asked) == len(rows) else _only([place for place, row in asked if id(row) in wanted])
    values = (
        f"({place}, {''.join(f'{quoted(getattr(row, column))}, ' for column in columns)}"
        f"{quoted(row.challenger.label)}, {quoted(choice(row)) if choice(row) else 'NULL'}, "
        f"{_number(row.tau)}, {quoted(row.challenger.cell_id)}, {quoted(row.baseline.cell_id)}, "
        f"{_seeds(comparison.context(row.context_id), row)})"
        for place, row in asked
    )
    counts = {row.n_pairs for _, row in asked}
    holm = ', p_holm AS "p (Holm)"' if adjusted else ""
    return f"""WITH asked(place, {named}challenger, "choice of τ", "τ", challenger_id, baseline_id, held_out)
AS (VALUES
    {f",{chr(10)}    ".join(values)}
), trials AS (
    SELECT cell_id, seed, status, score, ln(greatest(score, {SMALLEST_SCORE:g})) AS log_score,
           if({BLEW_UP}, 'infinity'::DOUBLE, score) AS for_ranks
    FROM (SELECT *, {MEASURES[comparison.measure].score} AS score
          FROM {scope(comparison)})
), cells AS (
    SELECT cell_id, count(*) FILTER (status <> 'failed') AS ran, count(*) FILTER ({BLEW_UP}) AS blown_up
    FROM trials GROUP BY cell_id
), pairs AS (
    SELECT place, a.seed AS seed, a.log_score AS ours, b.log_score AS theirs, ours - theirs AS log_ratio,
           a.for_ranks AS our_rank, b.for_ranks AS their_rank
    FROM asked
    JOIN trials AS a ON a.cell_id = challenger_id
    JOIN trials AS b ON b.cell_id = baseline_id AND b.seed = a.seed
    WHERE a.score IS NOT NULL AND b.score IS NOT NULL
      AND (held_out IS NULL OR list_contains(held_out, a.seed))
), paired AS (
    SELECT place, count(*) AS n, avg(log_ratio) AS middle, stddev_samp(log_ratio) / sqrt(n) AS error,
           exp(avg(ours)) AS our_mean, exp(avg(theirs)) AS their_mean,
           list(log_ratio ORDER BY seed) AS log_ratios,
           count(*) FILTER (our_rank < their_rank) + count(*) FILTER (our_rank = their_rank) / 2 AS won
    FROM pairs GROUP BY place
), all_pairs AS (
    SELECT place, avg(CASE WHEN a.our_rank < b.their_rank THEN 1 WHEN a.our_rank > b.their_rank THEN -1 ELSE 0
                      END) AS delta
    FROM pairs AS a JOIN pairs AS b USING (place) GROUP BY place
), {_tests(counts)}
SELECT {named}challenger, "choice of τ", "τ", coalesce(n, 0) AS pairs, exp(middle) AS ratio,
       exp(middle - t * error) AS "95% low", exp(middle + t * error) AS "95% high",
       our_mean AS "challenger's mean", their_mean AS "baseline's mean",
       won / n AS "P(better)", {_interval("won", "n", "P(better)")},
       delta AS "Cliff's δ", p AS "p (sign flips)"{holm},
       us.blown_up / us.ran AS "blew up", {_interval("us.blown_up", "us.ran", "blew up")},
       them.blown_up / them.ran AS "baseline's", {_interval("them.blown_up", "them.ran", "baseline's")}
FROM asked
LEFT JOIN (SELECT *, {t_factor("n", counts)} AS t FROM paired) USING (place)
LEFT JOIN all_pairs USING (place)
LEFT JOIN adjusted USING (place)
LEFT JOIN cells AS us ON us.cell_id = challenger_id
LEFT JOIN cells AS them ON them.cell_id = baseline_id{only}
ORDER BY place"""


def _only(places: Sequence[int]) -> str:
    return f"\nWHERE place IN ({', '.join(map(str, places))})"


def _interval(count: str, n: str, name: str) -> str:
    """Two columns, the ends of a share's interval; none of nothing."""
    low, high = wilson(count, n)
    return f'if({n} > 0, {low}, NULL) AS "{name} low",\n       if({n} > 0, {high}, NULL) AS "{name} high"'


def _tests(counts: Collection[int]) -> str:
    """p by flipping signs, as `evidence.sign_flip_test`, and as adjusted by `evidence.holm`."""
    sizes = sorted(n for n in counts if n)
    values = ", ".join(
        f"({n}, 0, 0, {2 ** (n - 1)})" if n < EXACT_BELOW else f"({n}, {draws(n)}, 1, {draws(n) + 1})"
        for n in sizes
    )
    words = "[k::UBIGINT]"
    if any(n >= EXACT_BELOW for n in sizes):
        drawn = f"list_transform(range((n + {WORD - 1}) // {WORD}), lambda b: (k + drawn * b)::UBIGINT)"
        for shift, factor in zip((16, 13), MIXES, strict=True):
            drawn = f"list_transform({drawn}, lambda w: xor(w, w >> {shift}) * {factor} % {2**WORD})"
        words = f"if(drawn = 0, {words}, list_transform({drawn},\n           lambda w: xor(w, w >> 16)))"
    return f"""patterns AS (  -- of signs: all up to a common one; from {EXACT_BELOW} pairs on drawn ones
    SELECT n, drawn, {words} AS words
    FROM (SELECT n, drawn, unnest(range(first, last)) AS k
          FROM (VALUES {values or "(0, 0, 0, 0)"}) AS sizes(n, drawn, first, last))
), signs AS (
    SELECT n, drawn, list_transform(range(n), lambda i:
               1.0::DOUBLE - 2 * ((words[i // {WORD} + 1] >> (i % {WORD})::UBIGINT) & 1)) AS signs
    FROM patterns
), flipped AS (
    SELECT place, count(*) FILTER (abs(list_dot_product(signs, log_ratios)) >= observed) AS extreme,
           (extreme + if(any_value(drawn) > 0, 1, 0)) / (count(*) + if(any_value(drawn) > 0, 1, 0)) AS p
    FROM (SELECT place, n, log_ratios, abs(list_sum(log_ratios))
                 - {SLACK:g} * list_max(list_transform(log_ratios, lambda x: abs(x))) AS observed
          FROM paired)
    JOIN signs USING (n) GROUP BY place
), adjusted AS (
    SELECT place, p, max(least(1, (tests - rank + 1) * p)) OVER (ORDER BY rank) AS p_holm
    FROM (SELECT *, row_number() OVER (ORDER BY p, place) AS rank, count(*) OVER () AS tests FROM flipped)
)"""


def _seeds(context: Context, row: Row) -> str:
    """The seeds that a tuned row is scored on; of others, all that both sides have."""
    if row.selection != "split":
        return "NULL::BIGINT[]"
    (base,) = (cell for cell in context.cells if cell.cell_id == row.baseline.cell_id)
    family = [cell for cell in context.cells if cell.family == row.challenger.family]
    common = set(base.scores) & {seed for cell in family for seed in cell.scores}
    return f"[{', '.join(map(str, split_seeds(sorted(common))[1]))}]::BIGINT[]"


def _number(value: float | None) -> str:
    return "NULL" if value is None or not math.isfinite(value) else str(value)

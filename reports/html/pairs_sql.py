"""The SQL of a comparison's pairs: everything that stands in their tables, from the trials alone.

What was compared with what is written into it, and on which seeds; ratios, intervals, shares and tests it
works out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from ..comparison import Comparison, Row
from ..evidence import EXACT_BELOW, MIXES, SLACK, WORD, draws
from ..measures import BLEW_UP, MEASURES
from ..scope import quoted
from ..statistics import SMALLEST_SCORE
from ..verdict import choice
from .queries import names, t_factor, wilson


def pairs_query(
    comparison: Comparison, rows: Sequence[Row], *, named: bool = False, adjusted: bool = True
) -> str:
    """What the tables of `rows` show, a row each, in the comparison's order.

    Args:
        rows: of `comparison.rows`, at least one.
        named: whether with the columns that name a context, and its baseline where there are several.
        adjusted: whether with p after Holm, which takes the tests of all rows of the comparison.
    """
    columns = name_columns(comparison) if named else []
    lead = "".join(f"{column}, " for column in columns)
    wanted = {id(row) for row in rows}
    asked = [
        (place, row) for place, row in enumerate(comparison.rows, start=1) if adjusted or id(row) in wanted
    ]
    places = ", ".join(str(place) for place, row in asked if id(row) in wanted)
    only = "" if len(asked) == len(rows) else f"\nWHERE place IN ({places})"
    values = (
        f"({place}, {''.join(f'{quoted(name_of(row, column))}, ' for column in columns)}"
        f"{quoted(row.challenger.label)}, {quoted(choice(row)) if choice(row) else 'NULL'}, "
        f"{_number(row.tau)}, {quoted(row.challenger.cell_id)}, {quoted(row.baseline.cell_id)}, "
        f"[{', '.join(map(str, row.seeds))}]::BIGINT[])"
        for place, row in asked
    )
    counts = {row.n_pairs for _, row in asked}
    holm = ', p_holm AS "p (Holm)"' if adjusted else ""
    return f"""WITH asked(place, {lead}challenger, "choice of τ", "τ", challenger_id, baseline_id, seeds)
AS (VALUES
    {f",{chr(10)}    ".join(values)}
), trials AS (
    SELECT cell_id, seed, status, score, ln(greatest(score, {SMALLEST_SCORE:g})) AS log_score,
           if({BLEW_UP}, 'infinity'::DOUBLE, score) AS for_ranks
    FROM (SELECT *, {MEASURES[comparison.measure].score} AS score
          FROM {comparison.scope.rows})
), cells AS (
    SELECT cell_id, count(*) FILTER (status <> 'failed') AS ran, count(*) FILTER ({BLEW_UP}) AS blown_up
    FROM trials GROUP BY cell_id
), pairs AS (
    SELECT place, a.seed AS seed, a.log_score AS ours, b.log_score AS theirs, ours - theirs AS log_ratio,
           a.for_ranks AS our_rank, b.for_ranks AS their_rank
    FROM asked
    JOIN trials AS a ON a.cell_id = challenger_id
    JOIN trials AS b ON b.cell_id = baseline_id AND b.seed = a.seed
    WHERE a.score IS NOT NULL AND b.score IS NOT NULL AND list_contains(seeds, a.seed)
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
SELECT {lead}challenger, "choice of τ", "τ", coalesce(n, 0) AS pairs, exp(middle) AS ratio,
       exp(middle - t * error) AS "95% low", exp(middle + t * error) AS "95% high",
       our_mean AS "challenger's mean", their_mean AS "baseline's mean",
       {_share("won", "n", "P(better)")},
       delta AS "Cliff's δ", p AS "p (sign flips)"{holm},
       format('{{}}/{{}} : {{}}/{{}}', us.blown_up, us.ran, them.blown_up, them.ran) AS "blown up",
       {_share("us.blown_up", "us.ran", "blew up")},
       {_share("them.blown_up", "them.ran", "baseline's")}
FROM asked
LEFT JOIN (SELECT *, {t_factor("n", counts)} AS t FROM paired) USING (place)
LEFT JOIN all_pairs USING (place)
LEFT JOIN adjusted USING (place)
LEFT JOIN cells AS us ON us.cell_id = challenger_id
LEFT JOIN cells AS them ON them.cell_id = baseline_id{only}
ORDER BY place"""


def name_columns(comparison: Comparison) -> list[str]:
    """The columns that tell one row's context and baseline from another's."""
    bases: dict[str, set[str]] = {}
    for row in comparison.rows:
        bases.setdefault(row.context_id, set()).add(row.baseline.cell_id)
    several = any(len(ids) > 1 for ids in bases.values())
    return [*names(comparison).split(", "), *(["baseline"] if several else [])]


def name_of(row: Row, column: str) -> str:
    """What stands in such a column."""
    return row.baseline.label if column == "baseline" else str(getattr(row, column))


def _share(count: str, n: str, name: str) -> str:
    """Three columns, a share and the ends of its interval; none of nothing."""
    low, high = wilson(count, n)
    parts = ((f"{count} / {n}", ""), (low, " low"), (high, " high"))
    return ",\n       ".join(f'if({n} > 0, {part}, NULL) AS "{name}{end}"' for part, end in parts)


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


def _number(value: float | None) -> str:
    return "NULL" if value is None or not math.isfinite(value) else str(value)

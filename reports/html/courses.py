"""The course of training of the cells that a comparison names: medians and quartiles over seeds, by epoch.

Trials that diverged are worse than any that did not, from where they ended; failed ones (bugs) do not count.

Views relied on: ``results``, ``curves``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import duckdb

from ..comparison import Comparison, Row
from ..figures.learning_curves import Course, Courses
from ..trials import Context
from .queries import names

AT_MOST = 6
"""Contexts whose curves and attractors are shown: more would make the page heavy."""

CELLS = 6
"""Of a context whose curves are shown though nothing is compared."""

VALUE = {"psc": "1 - value", "psc_published": "1 - value"}
"""How a quantity of the curves becomes the measure of its name, where it is not that already."""

Points = list[tuple[int, float, float, float]]


def shown_contexts(comparison: Comparison) -> tuple[Context, ...]:
    """The contexts with a headline, as many as are drawn one by one."""
    ids = dict.fromkeys(line.context_id for line in comparison.headlines)
    if not comparison.rows:  # nothing could be compared
        ids = dict.fromkeys(context.context_id for context in comparison.contexts)
    return tuple(comparison.context(context_id) for context_id in list(ids)[:AT_MOST])


def named_cells(comparison: Comparison, contexts: Sequence[Context]) -> list[str]:
    """Ids of the cells that stand in a row of the comparison, on either side."""
    ids = {context.context_id for context in contexts}
    rows: list[Row] = [row for row in comparison.rows if row.context_id in ids]
    if not comparison.rows:
        return [cell.cell_id for context in contexts for cell in context.cells[:CELLS]]
    return sorted({side.cell_id for row in rows for side in (row.challenger, row.baseline)})


def courses_query(
    comparison: Comparison, contexts: Sequence[Context], *, evaluations_only: bool = True
) -> str:
    """Loss and measure per cell and epoch; `evaluations_only`: where the measure was taken."""
    measure, named = comparison.measure, names(comparison)
    cells = ", ".join(f"'{cell}'" for cell in named_cells(comparison, contexts)) or "''"
    worst = " ".join(
        f"WHEN '{context.context_id}' THEN {context.ceiling!r}"
        for context in contexts
        if context.ceiling is not None and math.isfinite(context.ceiling)
    )
    ceiling = f"CASE context_id {worst} END" if worst else "NULL"
    value = VALUE.get(measure, "value")
    only = f"""
  AND (epoch IN (SELECT epoch FROM curves JOIN chosen USING (trial_id) WHERE quantity = '{measure}')
       OR epoch = (SELECT max(epoch) FROM points WHERE points.cell_id = chosen.cell_id))"""
    return f"""WITH chosen AS (
    SELECT trial_id, cell_id, context_id, {named}, regime_label AS regime, tau,
           coalesce({ceiling}, 'infinity'::DOUBLE) AS ceiling
    FROM (FROM {comparison.scope.rows}) WHERE status <> 'failed' AND cell_id IN ({cells})
), taken AS (
    SELECT trial_id, cell_id, epoch, quantity, if(quantity = 'loss', value, {value}) AS value
    FROM curves JOIN chosen USING (trial_id)
    WHERE quantity IN ('loss', '{measure}')
), points AS (
    SELECT DISTINCT cell_id, quantity, epoch FROM taken
)
SELECT {named}, regime, quantity, epoch, count(*) AS seeds,
       count(*) FILTER (isfinite(value)) AS "with a value",
       quantile_disc(y, 0.25) AS "first quartile", quantile_disc(y, 0.5) AS median,
       quantile_disc(y, 0.75) AS "third quartile"
FROM (SELECT *, CASE WHEN isfinite(value) THEN value
                     WHEN quantity = 'loss' THEN 'infinity'::DOUBLE ELSE ceiling END AS y
      FROM points JOIN chosen USING (cell_id) LEFT JOIN taken USING (trial_id, cell_id, quantity, epoch))
      AS chosen
WHERE true{only if evaluations_only else ""}
GROUP BY {named}, context_id, regime, tau, cell_id, quantity, epoch
ORDER BY {named}, context_id, regime, tau, cell_id, quantity, epoch"""


def read_courses(
    connection: duckdb.DuckDBPyConnection, comparison: Comparison, contexts: Sequence[Context]
) -> tuple[Courses, ...]:
    """Of the contexts whose trials have curves; none where the database has none of any."""
    # The figure needs the cell that a curve is of, which is no column of the table.
    query = courses_query(comparison, contexts, evaluations_only=False).replace(
        f"SELECT {names(comparison)}, regime, quantity, epoch, count(*)",
        "SELECT cell_id, quantity, epoch, count(*)",
    )
    points: dict[tuple[str, str], Points] = defaultdict(list)
    ended: dict[str, list[tuple[int, float]]] = defaultdict(list)
    try:
        for cell_id, quantity, epoch, _, _, *quartiles in connection.execute(query).fetchall():
            points[cell_id, quantity].append((epoch, *quartiles))
        for cell_id, epoch, value in connection.execute(
            f"""
            SELECT cell_id, any_value(diverged_epoch), arg_max(value, epoch)
            FROM (FROM {comparison.scope.rows}) JOIN curves USING (trial_id)
            WHERE status = 'diverged' AND quantity = 'loss' AND isfinite(value) AND epoch > 0
              AND cell_id IN (SELECT unnest(?))
            GROUP BY cell_id, trial_id ORDER BY ALL
            """,
            [named_cells(comparison, contexts)],
        ).fetchall():
            if epoch is not None:
                ended[cell_id].append((epoch, value))
    except (duckdb.CatalogException, duckdb.BinderException):  # made by hand, or before there were curves
        return ()
    read = []
    for context in contexts:
        loss: list[Course] = []
        measure: list[Course] = []
        for cell in context.cells:
            for quantity, found in (("loss", loss), (comparison.measure, measure)):
                rows = points.get((cell.cell_id, quantity))
                if rows:
                    marks = tuple(ended[cell.cell_id]) if quantity == "loss" else ()
                    epochs, low, middle, high = zip(*rows, strict=True)
                    found.append(Course(cell.label, epochs, low, middle, high, marks))
        if loss or measure:
            read.append(Courses(context.title, tuple(loss), tuple(measure), context.floor, context.ceiling))
    return tuple(read)

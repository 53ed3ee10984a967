"""A query as a part of a page: what it answers now, as a table, and the query itself to be copied."""

from __future__ import annotations

import re

import duckdb

from .parts import element, folded, sql, table

LONG = 25
"""Rows from which on a table is folded: it would part what stands above it from what stands below."""

ROWS = 200
"""Of a table that has no end by itself; the query gives the rest."""

NUMBERS = re.compile(r"(U?(TINY|SMALL|HUGE|BIG)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*)$")


def answered(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    *,
    caption: str,
    empty: str = "",
    at_most: int | None = None,
) -> str:
    """The answer as a table with its query, folded where it is long; `empty` where there is no row.

    A database of an older version may lack what is asked for: the page says so, and goes on.
    """
    try:
        result = connection.execute(query)
        described, rows = result.description or [], result.fetchall()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        lacking = str(error).splitlines()[0]
        return element("p", f"{caption}: this database lacks what is asked for. {lacking}", css="soft")
    if not rows:
        return element("p", empty, css="soft") if empty else ""
    shown = rows if at_most is None else rows[:at_most]
    if len(shown) < len(rows):
        caption += f" The first {len(shown):,} of {len(rows):,}; the query gives all."
    numeric = tuple(i for i, column in enumerate(described) if NUMBERS.match(str(column[1])))
    is_long = len(shown) > LONG
    said = {"label": caption} if is_long else {"caption": caption}
    made = table([str(column[0]) for column in described], shown, numeric=numeric, **said)
    made += f"\n{sql(query)}"
    return (
        folded(f"{caption.rstrip('.')} ({len(shown):,} rows)", made, css="details long") if is_long else made
    )

"""`orch sql`: any question to the results database, read-only."""

import math
import re
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OrchError, UsageError
from .output import Format, FormatOption, ResultsOption, print_rows

if TYPE_CHECKING:
    import duckdb

READING = ("SELECT", "RELATION", "PRAGMA", "CALL")
"""Types of statements that only read; DESCRIBE, SHOW, SUMMARIZE and WITH are SELECTs to DuckDB."""

EXPLAIN = re.compile(r"\s*explain\b(\s+analyze\b|\s*\(\s*analyze\s*\))?", re.IGNORECASE)
"""EXPLAIN ANALYZE runs what it explains, and DuckDB calls both EXPLAIN: what follows is looked at as well."""


def sql(
    query: Annotated[str, typer.Argument(help="SQL; `-` reads it from stdin.", metavar="QUERY")],
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Ask the results database in SQL, read-only.

    Tables: trials, curves, studies, study_trials, systems. Views: results (trials with floors,
    ceilings and scores), cells (one row per cell), pruned (what a search gave up early). `orch sql "describe
    results"` lists columns.
    """
    import duckdb

    from ..catalogue import results_folder
    from ..store import Store, is_damage, lock_down

    text = _stdin() if query == "-" else query
    if not text.strip():
        raise UsageError('an empty query; try: orch sql "select * from cells"')
    with Store(results_folder(results)).reading() as (connection, source):
        lock_down(connection)
        try:
            _check(connection, text)
            # A WITH may hold a DELETE. The file is open for reading only; a copy of the journal in memory
            # would take it, and lose it.
            connection.execute("BEGIN TRANSACTION READ ONLY")
            cursor = connection.execute(text)
            columns = [item[0] for item in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            if is_damage(error):
                raise
            raise OrchError(f"sql: {error}") from None
    # Printed with the database closed: a pager left open must not keep writers out.
    if source.what != "database":
        print(f"orch: {source.why}; answered from the {source}", file=sys.stderr)
    print_rows(columns, [[_plain(value) for value in row] for row in rows], form)


def _check(connection: "duckdb.DuckDBPyConnection", text: str) -> None:
    """Refuse what does more than read: COPY, ATTACH, SET …, several statements, or an EXPLAIN of such."""
    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise UsageError("one statement at a time")
    kind = statements[0].type.name
    if kind == "EXPLAIN":
        begin = EXPLAIN.match(text)
        inner = connection.extract_statements(text[begin.end() :]) if begin else []
        if [statement.type.name for statement in inner] != ["SELECT"]:
            raise UsageError("orch sql reads and nothing else: EXPLAIN is for a SELECT here")
    elif kind not in READING:
        raise UsageError(f"orch sql reads and nothing else: {kind} is not for it")


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise UsageError("what stands on stdin is not UTF-8 text") from None


def _plain(value: Any) -> Any:
    """A value for people and for JSON: no NaN, no decimal type, lists likewise."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value

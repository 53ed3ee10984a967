"""`orch sql`: any question to the results database, read-only."""

import math
import sys
from decimal import Decimal
from typing import Annotated, Any

import typer

from ..errors import OrchError, UsageError
from .output import Format, FormatOption, ResultsOption, print_rows

READING = ("SELECT", "EXPLAIN", "RELATION", "PRAGMA", "CALL")
"""Types of statements that only read; DESCRIBE, SHOW, SUMMARIZE and WITH are SELECTs to DuckDB."""


def sql(
    query: Annotated[str, typer.Argument(help="SQL; `-` reads it from stdin.", metavar="QUERY")],
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Ask the results database in SQL, read-only.

    Tables: trials, curves, studies, study_trials, systems. Views: results (trials with floors,
    ceilings and scores), cells (one row per cell). `orch sql "describe results"` lists columns.
    """
    import duckdb

    from ..catalogue import results_folder
    from ..store import Store, lock_down

    text = _stdin() if query == "-" else query
    if not text.strip():
        raise UsageError('an empty query; try: orch sql "select * from cells"')
    with Store(results_folder(results)).reading() as (connection, source):
        lock_down(connection)
        try:
            statements = connection.extract_statements(text)
            if len(statements) != 1:
                raise UsageError("one statement at a time")
            kind = statements[0].type.name
            if kind not in READING:
                # The database is read-only anyway; a copy of the journal in memory would take a write
                # and lose it.
                raise UsageError(f"orch sql reads and nothing else: {kind} is not for it")
            cursor = connection.execute(text)
            columns = [item[0] for item in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise OrchError(f"sql: {error}") from None
    # Printed with the database closed: a pager left open must not keep writers out.
    if source.what != "database":
        print(f"orch: {source.why}; answered from the {source}", file=sys.stderr)
    print_rows(columns, [[_plain(value) for value in row] for row in rows], form)


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

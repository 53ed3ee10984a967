"""`orch sql`: any question to the results database, read-only."""

import math
import sys
from typing import Annotated, Any

import typer

from ..errors import OrchError, UsageError
from .output import Format, FormatOption, ResultsOption, print_rows


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

    text = sys.stdin.read() if query == "-" else query
    if not text.strip():
        raise UsageError('an empty query; try: orch sql "select * from cells"')
    with Store(results_folder(results)).reading() as (connection, source):
        lock_down(connection)
        try:
            cursor = connection.execute(text)
            columns = [item[0] for item in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise OrchError(f"sql: {error}") from None
        if source.what != "database":
            print(f"orch: the database is held by another process; from the {source}", file=sys.stderr)
        print_rows(columns, [[_without_nan(value) for value in row] for row in rows], form)


def _without_nan(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""`orch sql`: any question to the results database, read-only."""

import sys
from typing import Annotated

import typer

from ..errors import UsageError
from .output import Format, FormatOption, ResultsOption, print_rows


def sql(
    query: Annotated[str, typer.Argument(help="SQL; `-` reads it from stdin.", metavar="QUERY")],
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Ask the results database in SQL, read-only.

    Tables: trials, curves, gradients, studies, study_trials, systems. Views: results (trials with floors,
    ceilings and scores), cells (one row per cell), pruned (what a search gave up early). `orch db columns
    results` says what each column is, and its unit.
    """
    from ..catalogue import results_folder
    from ..query import ask

    # Printed with the database closed: a pager left open must not keep writers out.
    found = ask(results_folder(results), _stdin() if query == "-" else query)
    if found.source.what != "database":
        print(f"orch: {found.source.why}; answered from the {found.source}", file=sys.stderr)
    print_rows(found.columns, found.rows, form)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise UsageError("what stands on stdin is not UTF-8 text") from None

"""`orch report`: regimes against a baseline, with the evidence."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OrchError, UsageError
from .output import Format, FormatOption, ResultsOption, print_mappings

if TYPE_CHECKING:
    import duckdb

    from ..reports.comparison import Comparison


def report(
    studies: Annotated[
        list[str] | None,
        typer.Argument(help="Studies to take trials from; all by default.", metavar="[STUDY]…"),
    ] = None,
    compare: Annotated[
        str, typer.Option("--compare", help="The baseline regime, by name or as `clipping(max_norm=10)`.")
    ] = "clipping",
    measure: Annotated[
        str, typer.Option("--measure", help="d_stsp, or d_stsp_published (the authors' definition).")
    ] = "d_stsp",
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Compare results of different code, and list them.")
    ] = False,
    exponents: Annotated[
        bool,
        typer.Option(
            "--exponents", help="Instead: λ of the trained networks beside λ of the data, by regime and τ."
        ),
    ] = False,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Compare training regimes with a baseline, paired by seed, and write the page and the figure.

    The table goes to stdout; the names of the files written to stderr.
    """
    from ..catalogue import results_folder

    if exponents:
        show_exponents(results_folder(results), studies=studies or [], form=form, allow_stale=allow_stale)
        return
    show(
        results_folder(results),
        studies=studies or [],
        baseline=compare,
        measure=measure,
        form=form,
        allow_stale=allow_stale,
    )


def show(
    results: Path,
    *,
    studies: list[str],
    baseline: str,
    measure: str = "d_stsp",
    form: Format = Format.table,
    contexts: set[str] | None = None,
    legend: bool = True,
    allow_stale: bool = False,
) -> int:
    """Print a comparison and write its page and figure; returns how many trials it looked at.

    Raises:
        OrchError: no comparison can be made, or it would pool results of different code.
    """
    from rich.console import Console

    from .. import reports
    from ..store import Store

    with Store(results).reading() as (connection, source):
        try:
            comparison = reports.compare(
                connection,
                baseline,
                studies=studies,
                measure=measure,
                contexts=contexts,
                allow_stale=allow_stale,
            )
        except reports.UnknownNameError as error:
            raise UsageError(f"report: {error}") from None
        except reports.ReportError as error:
            raise OrchError(f"report: {error}") from None
        if form is Format.table:
            Console().print(reports.render_comparison(comparison, legend=legend))
        else:
            print_mappings(comparison.as_dicts(), form)
        sys.stdout.flush()
        if source.what != "database":
            print(f"orch: {source.why}; answered from the {source}", file=sys.stderr)
        print(_written(comparison, connection, source, results, studies, measure), file=sys.stderr)
    return sum(len(cell.trials) for context in comparison.contexts for cell in context.cells)


def show_exponents(
    results: Path, *, studies: list[str], form: Format = Format.table, allow_stale: bool = False
) -> None:
    """Print exponents of networks beside those of their data.

    Raises:
        OrchError: no trial has one, or results of different code would be pooled.
    """
    from rich.console import Console

    from .. import reports
    from ..store import Store

    with Store(results).reading() as (connection, source):
        try:
            contexts = reports.read_contexts(connection, "d_stsp", studies=studies)
            mixed = reports.mixed_codes(connection, contexts, studies=studies, contexts=None)
            if mixed and not allow_stale:
                raise OrchError("\n".join([*mixed, "--allow-stale shows them nevertheless."]))
            rows = reports.read_exponents(connection, contexts)
            shown = reports.render_exponents(contexts, rows)
        except reports.UnknownNameError as error:
            raise UsageError(f"report: {error}") from None
        except reports.ReportError as error:
            raise OrchError(f"report: {error}") from None
        if form is Format.table:
            Console().print(shown)
        else:
            print_mappings([row.as_dict() for row in rows], form)
        sys.stdout.flush()
        if source.what != "database":
            print(f"orch: {source.why}; answered from the {source}", file=sys.stderr)


def _written(
    comparison: "Comparison", connection: Any, source: Any, results: Path, studies: list[str], measure: str
) -> str:
    """Write page and figure; what to say of it. A folder that cannot be written costs no verdict."""
    from ..reports.html import write_report

    stem = "-".join([*(studies or ["all"]), "vs", _file_name(comparison.baseline)])
    stem += "" if measure == "d_stsp" else f"-{measure}"
    code = _code_of(connection, comparison)
    try:
        written = write_report(
            comparison,
            connection,
            results / "reports",
            stem=stem,
            provenance=f"Read from the {source}. Code: {code}.",
        )
    except OSError as error:
        return f"orch: page and figure were not written: {error.strerror}: {error.filename or results}"
    return "\n".join(f"wrote {path}" for path in written)


def _code_of(connection: "duckdb.DuckDBPyConnection", comparison: "Comparison") -> str:
    """The versions of the code that made the trials of a comparison, one per version."""
    ids = [
        trial.trial_id for context in comparison.contexts for cell in context.cells for trial in cell.trials
    ]
    versions = connection.execute(
        """
        SELECT DISTINCT coalesce(left(code_commit, 12), 'version ' || code_version, 'unknown')
            || if(coalesce(code_dirty, false), ' with uncommitted changes', '')
        FROM trials WHERE trial_id IN (SELECT unnest(?)) ORDER BY 1
        """,
        [ids],
    ).fetchall()
    return ", ".join(version for (version,) in versions)


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_.=" else "-" for letter in text).strip("-")

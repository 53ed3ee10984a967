"""`orch report`: regimes against a baseline, exponents, theorems, τ; each with the evidence."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OrchError, StudyError, UsageError
from .output import Format, FormatOption, ResultsOption, print_mappings

if TYPE_CHECKING:
    import duckdb
    from rich.console import RenderableType

    from ..reports.comparison import Comparison


def report(
    studies: Annotated[
        list[str] | None,
        typer.Argument(help="Studies to take trials from; all by default.", metavar="[STUDY]…"),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            help="The baseline regime, by name or as `clipping(max_norm=10)`.",
            show_default="clipping",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            "--measure",
            help="d_stsp, or d_stsp_published (the authors' definition).",
            show_default="d_stsp",
        ),
    ] = None,
    exponents: Annotated[
        bool,
        typer.Option(
            "--exponents", help="Instead: λ of the trained networks beside λ of the data, by regime and τ."
        ),
    ] = False,
    theorems: Annotated[
        bool,
        typer.Option("--theorems", help="Instead: what theory says of gradients, and in how many it holds."),
    ] = False,
    tau: Annotated[
        bool,
        typer.Option("--tau", help="Instead: which τ reconstructs, and is it the predicted one."),
    ] = False,
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Pool results of different code nevertheless.")
    ] = False,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Compare training regimes with a baseline, paired by seed, and write the page and the figure.

    The table goes to stdout; the names of the files written to stderr. A study may be there for another
    report, which its file names (`report = "theorems"`): without an option that is what is shown.
    """
    from ..catalogue import results_folder

    folder, names = results_folder(results), studies or []
    asked = {
        "comparison": compare or measure,
        "exponents": exponents,
        "theorems": theorems,
        "tau": tau,
    }
    chosen = [kind for kind, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        options = {
            "comparison": "--compare or --measure",
            "exponents": "--exponents",
            "theorems": "--theorems",
            "tau": "--tau",
        }
        raise UsageError(f"report: {', '.join(options[kind] for kind in chosen)} are of different reports")
    kind = chosen[0] if chosen else _declared(folder, names)
    if kind not in _OTHERS:  # a comparison, or what a newer version recorded
        show(
            folder,
            studies=names,
            baseline=compare or "clipping",
            measure=measure or "d_stsp",
            form=form,
            allow_stale=allow_stale,
        )
    else:
        show_other(kind, folder, studies=names, form=form, allow_stale=allow_stale)


def _declared(results: Path, studies: list[str]) -> str:
    """The report that all of these studies are for, by their files, or as it was recorded of those whose
    files are not here or no longer valid; a comparison, where they differ or none is named.
    """
    from ..catalogue import available
    from ..store import Store
    from ..study import load

    files = available()
    kinds: set[str] = set()
    recorded = []
    for name in studies:
        try:
            kinds.add(load(files[name]).report)
        except (KeyError, StudyError):
            recorded.append(name)
    if recorded:
        with Store(results).reading() as (connection, _):
            found = connection.execute(
                """
                SELECT DISTINCT coalesce(declaration->>'report', 'comparison')
                FROM (FROM studies WHERE study IN (SELECT unnest(?))
                      QUALIFY recorded_at = max(recorded_at) OVER (PARTITION BY study))
                """,
                [recorded],
            ).fetchall()
        kinds |= {str(kind) for (kind,) in found}
    return kinds.pop() if len(kinds) == 1 else "comparison"


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
    from .. import reports
    from ..store import Store

    with Store(results).reading() as (connection, source):
        with _in_one_sentence():
            comparison = reports.compare(
                connection,
                baseline,
                studies=studies,
                measure=measure,
                contexts=contexts,
                allow_stale=allow_stale,
            )
        shown = reports.render_comparison(comparison, legend=legend)
        _print(_Answer(shown, comparison.as_dicts()), form, source)
        print(_written(comparison, connection, source, results, studies, measure), file=sys.stderr)
    return sum(len(cell.trials) for context in comparison.contexts for cell in context.cells)


def show_other(
    kind: str, results: Path, *, studies: list[str], form: Format = Format.table, allow_stale: bool = False
) -> None:
    """Print a report that is no comparison, and write its page and figure where it has some.

    Raises:
        OrchError: nothing is known that it could say, or results of different code would be pooled.
    """
    from .. import reports
    from ..store import Store

    with Store(results).reading() as (connection, source):
        with _in_one_sentence():
            contexts = reports.read_contexts(connection, "d_stsp", studies=studies)
            mixed = reports.mixed_codes(connection, contexts, studies=studies, contexts=None)
            if mixed and not allow_stale:
                raise OrchError("\n".join([*mixed, "--allow-stale shows them nevertheless."]))
            answer = _OTHERS[kind](connection, contexts, studies)
        _print(answer, form, source)
        if answer.write is not None:
            said = _writing(answer.write, results, provenance=f"Read from the {source}.")
            print(said, file=sys.stderr)


@dataclass(frozen=True)
class _Answer:
    """What a report says: for people, for programs, and in files of its own."""

    shown: "RenderableType"
    rows: list[dict[str, Any]]
    write: Callable[..., list[Path]] | None = None


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    """What a report cannot do is the user's to know, without a traceback."""
    from .. import reports

    try:
        yield
    except reports.UnknownNameError as error:
        raise UsageError(f"report: {error}") from None
    except reports.ReportError as error:
        raise OrchError(f"report: {error}") from None


def _print(answer: _Answer, form: Format, source: Any) -> None:
    """To stdout; to stderr where it came from, if not from the database."""
    from rich.console import Console

    if form is Format.table:
        Console().print(answer.shown)
    else:
        print_mappings(answer.rows, form)
    sys.stdout.flush()
    if source.what != "database":
        print(f"orch: {source.why}; answered from the {source}", file=sys.stderr)


def _exponents(
    connection: "duckdb.DuckDBPyConnection", contexts: Sequence[Any], studies: list[str]
) -> _Answer:
    from .. import reports

    rows = reports.read_exponents(connection, contexts)
    return _Answer(reports.render_exponents(contexts, rows), [row.as_dict() for row in rows])


def _theorems(
    connection: "duckdb.DuckDBPyConnection", contexts: Sequence[Any], studies: list[str]
) -> _Answer:
    from ..reports.theorems import examine, read_left_out, read_networks, render_findings

    networks = read_networks(connection, studies=studies)
    left_out = read_left_out(connection, studies=studies)
    findings = examine(networks)
    code = _code_of(connection, [network.trial_id for network in networks])

    def write(directory: Path, *, provenance: str) -> list[Path]:
        from ..reports.html.theorems_page import write_theorems

        scope = f"Studies: {', '.join(studies)}." if studies else "All results."
        stem = "-".join([*map(_file_name, studies or ["all"]), "theorems"])
        return write_theorems(
            findings, networks, directory, stem=stem, left_out=left_out,
            provenance=f"{scope} {provenance} Code: {code}.",
        )  # fmt: skip

    shown = render_findings(findings, left_out)
    return _Answer(shown, [finding.as_dict() for finding in findings], write)


def _tau(connection: "duckdb.DuckDBPyConnection", contexts: Sequence[Any], studies: list[str]) -> _Answer:
    from ..priors import priors
    from ..reports.tau import read_tau, render_tau

    answers = read_tau(connection, contexts, priors(connection, studies))
    ids = [t.trial_id for a in answers for c in a.context.cells if c.tau for t in c.trials]
    code = _code_of(connection, ids)

    def write(directory: Path, *, provenance: str) -> list[Path]:
        from ..reports.html.tau_page import write_tau

        scope = f"Studies: {', '.join(studies)}." if studies else "All results."
        stem = "-".join([*map(_file_name, studies or ["all"]), "tau"])
        return write_tau(answers, directory, stem=stem, provenance=f"{scope} {provenance} Code: {code}.")

    return _Answer(render_tau(answers), [answer.as_dict() for answer in answers], write)


_OTHERS = {"exponents": _exponents, "theorems": _theorems, "tau": _tau}
"""Reports that are no comparison, by the name that a study's file gives them."""


def _written(
    comparison: "Comparison", connection: Any, source: Any, results: Path, studies: list[str], measure: str
) -> str:
    """Write page and figure of a comparison; what to say of it."""
    from ..reports.html import write_report

    stem = "-".join([*(studies or ["all"]), "vs", _file_name(comparison.baseline)])
    stem += "" if measure == "d_stsp" else f"-{measure}"
    write = partial(write_report, comparison, connection, stem=stem)
    provenance = f"Read from the {source}. Code: {_code_of(connection, _trial_ids(comparison))}."
    return _writing(write, results, provenance=provenance)


def _writing(write: Callable[..., list[Path]], results: Path, *, provenance: str) -> str:
    """Write files; what to say of it. A folder that cannot be written costs no verdict."""
    try:
        written = write(results / "reports", provenance=provenance)
    except OSError as error:
        return f"orch: page and figure were not written: {error.strerror}: {error.filename or results}"
    return "\n".join(f"wrote {path}" for path in written)


def _trial_ids(comparison: "Comparison") -> list[str]:
    return [
        trial.trial_id for context in comparison.contexts for cell in context.cells for trial in cell.trials
    ]


def _code_of(connection: "duckdb.DuckDBPyConnection", trial_ids: list[str]) -> str:
    """The versions of the code that made these trials, one per version."""
    versions = connection.execute(
        """
        SELECT DISTINCT coalesce(left(code_commit, 12), 'version ' || code_version, 'unknown')
            || if(coalesce(code_dirty, false), ' with uncommitted changes', '')
        FROM trials WHERE trial_id IN (SELECT unnest(?)) ORDER BY 1
        """,
        [trial_ids],
    ).fetchall()
    return ", ".join(version for (version,) in versions)


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_.=" else "-" for letter in text).strip("-")

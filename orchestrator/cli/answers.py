"""What `orch report` prints and writes: a comparison, or a report that is none."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OrchError, UsageError
from .output import Format, print_mappings

if TYPE_CHECKING:
    import duckdb
    from rich.console import RenderableType

    from ..reports.comparison import Comparison


def show(
    results: Path,
    *,
    studies: list[str],
    baseline: str,
    measure: str = "d_stsp",
    form: Format = Format.table,
    contexts: set[str] | None = None,
    systems: Sequence[str] = (),
    architectures: Sequence[str] = (),
    legend: bool = True,
    allow_stale: bool = False,
) -> int:
    """Print a comparison and write its page and figure; returns how many trials it looked at.

    It is of the results with these context_ids, or else of these systems and architectures; of all, where
    nothing is named.

    Raises:
        OrchError: no comparison can be made, or it would pool results of different code.
    """
    from .. import reports
    from ..store import Store

    with Store(results).reading() as (connection, source):
        with _in_one_sentence():
            if contexts is None:
                contexts = reports.contexts_of(
                    connection, studies=studies, systems=systems, architectures=architectures
                )
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
        scope = [*(studies or ["all"]), *systems, *architectures]
        print(_written(comparison, connection, source, results, scope), file=sys.stderr)
    return sum(len(cell.trials) for context in comparison.contexts for cell in context.cells)


def show_other(
    kind: str,
    results: Path,
    *,
    studies: list[str],
    form: Format = Format.table,
    systems: Sequence[str] = (),
    architectures: Sequence[str] = (),
    allow_stale: bool = False,
) -> None:
    """Print a report that is no comparison, and write its page and figure where it has some.

    Raises:
        OrchError: nothing is known that it could say, or results of different code would be pooled.
    """
    from .. import reports
    from ..store import Store

    with Store(results).reading() as (connection, source):
        with _in_one_sentence():
            only = reports.contexts_of(
                connection, studies=studies, systems=systems, architectures=architectures
            )
            contexts = reports.read_contexts(connection, "d_stsp", studies=studies, contexts=only)
            mixed = reports.mixed_codes(connection, contexts, studies=studies, contexts=only)
            if mixed and not allow_stale:
                raise OrchError("\n".join([*mixed, "--allow-stale shows them nevertheless."]))
            scope = [*(studies or ["all"]), *systems, *architectures]
            answer = OTHERS[kind](connection, contexts, studies, scope)
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
    connection: "duckdb.DuckDBPyConnection", contexts: Sequence[Any], studies: list[str], scope: list[str]
) -> _Answer:
    from .. import reports

    rows = reports.read_exponents(connection, contexts)
    return _Answer(reports.render_exponents(contexts, rows), [row.as_dict() for row in rows])


def _theorems(
    connection: "duckdb.DuckDBPyConnection", contexts: Sequence[Any], studies: list[str], scope: list[str]
) -> _Answer:
    from ..reports.theorems import examine, read_left_out, read_networks, render_findings

    only = {context.context_id for context in contexts}
    networks = read_networks(connection, studies=studies, contexts=only)
    left_out = read_left_out(connection, studies=studies, contexts=only)
    findings = examine(networks)
    code = _code_of(connection, [network.trial_id for network in networks])

    def write(directory: Path, *, provenance: str) -> list[Path]:
        from ..reports.html.theorems_page import write_theorems

        return write_theorems(
            findings,
            networks,
            directory,
            left_out=left_out,
            **_named(studies, scope, "theorems", provenance, code),
        )

    shown = render_findings(findings, left_out)
    return _Answer(shown, [finding.as_dict() for finding in findings], write)


def _tau(
    connection: "duckdb.DuckDBPyConnection", contexts: Sequence[Any], studies: list[str], scope: list[str]
) -> _Answer:
    from ..priors import priors
    from ..reports.tau import read_tau, render_tau

    answers = read_tau(connection, contexts, priors(connection, studies))
    ids = [t.trial_id for a in answers for c in a.context.cells if c.tau for t in c.trials]
    code = _code_of(connection, ids)

    def write(directory: Path, *, provenance: str) -> list[Path]:
        from ..reports.html.tau_page import write_tau

        return write_tau(answers, directory, **_named(studies, scope, "tau", provenance, code))

    return _Answer(render_tau(answers), [answer.as_dict() for answer in answers], write)


def _named(studies: list[str], scope: list[str], kind: str, provenance: str, code: str) -> dict[str, str]:
    """How the files of a report are named, and what they say about where they come from."""
    of = f"Studies: {', '.join(studies)}." if studies else "All results."
    stem = "-".join([*map(_file_name, scope), kind])
    return {"stem": stem, "provenance": f"{of} {provenance} Code: {code}."}


OTHERS = {"exponents": _exponents, "theorems": _theorems, "tau": _tau}
"""Reports that are no comparison, by the name that a study's file gives them."""


def _written(comparison: "Comparison", connection: Any, source: Any, results: Path, scope: list[str]) -> str:
    """Write page and figure of a comparison; what to say of it."""
    from ..reports.html import write_report

    stem = "-".join(map(_file_name, [*scope, "vs", comparison.baseline]))
    stem += "" if comparison.measure == "d_stsp" else f"-{comparison.measure}"
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

"""What `orch report` prints and writes: a comparison, or a report that is none."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OrchError, UsageError
from .output import Format, print_mappings, print_shown

if TYPE_CHECKING:
    import duckdb
    from rich.console import RenderableType

    from ..reports.trials import Context


@dataclass(frozen=True)
class Question:
    """What is asked of which results; of all, where nothing is named."""

    studies: Sequence[str] = ()
    systems: Sequence[str] = ()
    architectures: Sequence[str] = ()
    contexts: "set[str] | None" = None
    """context_ids, in the place of systems and architectures."""
    baseline: str = "clipping"
    measure: str = "d_stsp"
    """Both are of a comparison alone."""
    legend: bool = True
    allow_stale: bool = False

    @property
    def scope(self) -> str:
        """For the name of a file."""
        return "-".join(map(_file_name, [*(self.studies or ["all"]), *self.systems, *self.architectures]))

    @property
    def said(self) -> str:
        """For people."""
        return f"Studies: {', '.join(self.studies)}." if self.studies else "All results."


@dataclass(frozen=True)
class Answer:
    """What a report says: for people, for programs, and in files of its own."""

    shown: "RenderableType"
    rows: list[dict[str, Any]]
    trials: int
    """How many it looked at."""
    headlines: tuple[str, ...] = ()
    write: Callable[..., list[Path]] | None = None
    """Makes a page, and its figure, in a folder, with a line on where its numbers come from."""


def show(kind: str, results: Path, asked: Question, *, form: Format | None, html: bool = False) -> int:
    """Print a report, unless `form` is None, and with `html` write its page and list the files on stdout;
    returns how many trials it looked at.

    Raises:
        OrchError: nothing is known that it could say, it would pool results of different code, or the page
            that alone was asked for cannot be written.
    """
    from ..store import Store

    with Store(results).reading() as (connection, source):
        with _in_one_sentence():
            answer = REPORTS.get(kind, _comparison)(connection, asked)
        if form is not None:
            _print(answer, form)
        if source.what != "database":
            print(f"orch: {source.why}; answered from the {source}", file=sys.stderr)
        if html and (answer.write is not None or form is None):
            _write(answer, kind, results, provenance=f"Read from the {source}.", alone=form is None)
    return answer.trials


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


def _print(answer: Answer, form: Format) -> None:
    if form.for_people:
        print_shown(answer.shown, form)
    else:
        print_mappings(answer.rows, form)
    sys.stdout.flush()


def _write(answer: Answer, kind: str, results: Path, *, provenance: str, alone: bool) -> None:
    """Write the page and list its files on stdout. Where it is not all that was asked for, a folder that
    cannot be written costs no verdict.
    """
    if answer.write is None:
        raise UsageError(f"report: {kind} have no page of their own; that of a comparison shows them")
    if alone:
        print(*answer.headlines, sep="\n", end="\n" if answer.headlines else "", file=sys.stderr)
    try:
        print(*answer.write(results / "reports", provenance=provenance), sep="\n", flush=True)
    except OSError as error:
        said = f"page and figure were not written: {error.strerror}: {error.filename or results}"
        if alone:
            raise OrchError(said) from None
        print(f"orch: {said}", file=sys.stderr)


def _comparison(connection: "duckdb.DuckDBPyConnection", asked: Question) -> Answer:
    from .. import reports

    comparison = reports.compare(
        connection,
        asked.baseline,
        studies=asked.studies,
        measure=asked.measure,
        contexts=_only(connection, asked),
        allow_stale=asked.allow_stale,
    )
    ids = _trial_ids(comparison.contexts)

    def write(directory: Path, *, provenance: str) -> list[Path]:
        from ..attractors import read_attractors
        from ..reports.html import write_report

        stem = f"{asked.scope}-vs-{_file_name(asked.baseline)}"
        stem += "" if asked.measure == "d_stsp" else f"-{asked.measure}"
        code = f"{provenance} Code: {_code_of(connection, ids)}."
        return write_report(
            comparison,
            connection,
            directory,
            stem=stem,
            provenance=code,
            attractors=read_attractors(connection, comparison, directory.parent),
        )

    return Answer(
        reports.render_comparison(comparison, legend=asked.legend),
        comparison.as_dicts(),
        len(ids),
        tuple(f"{line.title}: {line.text}" for line in comparison.headlines),
        write,
    )


def _exponents(connection: "duckdb.DuckDBPyConnection", asked: Question) -> Answer:
    from .. import reports

    contexts = _contexts(connection, asked)
    rows = reports.read_exponents(connection, contexts)
    shown = reports.render_exponents(contexts, rows)
    return Answer(shown, [row.as_dict() for row in rows], len(_trial_ids(contexts)))


def _theorems(connection: "duckdb.DuckDBPyConnection", asked: Question) -> Answer:
    from ..reports.theorems import examine, read_left_out, read_networks, render_findings

    contexts = _contexts(connection, asked)
    only = {context.context_id for context in contexts}
    networks = read_networks(connection, studies=asked.studies, contexts=only)
    left_out = read_left_out(connection, studies=asked.studies, contexts=only)
    findings = examine(networks)
    code = _code_of(connection, [network.trial_id for network in networks])

    def write(directory: Path, *, provenance: str) -> list[Path]:
        from ..reports.html.theorems_page import write_theorems

        named = _named(asked, "theorems", provenance, code)
        return write_theorems(findings, networks, directory, left_out=left_out, **named)

    shown = render_findings(findings, left_out)
    return Answer(shown, [finding.as_dict() for finding in findings], len(networks), write=write)


def _tau(connection: "duckdb.DuckDBPyConnection", asked: Question) -> Answer:
    from ..priors import priors
    from ..reports.tau import read_tau, render_tau

    answers = read_tau(connection, _contexts(connection, asked), priors(connection, asked.studies))
    ids = [t.trial_id for a in answers for c in a.context.cells if c.tau for t in c.trials]
    code = _code_of(connection, ids)

    def write(directory: Path, *, provenance: str) -> list[Path]:
        from ..reports.html.tau_page import write_tau

        return write_tau(answers, directory, **_named(asked, "tau", provenance, code))

    return Answer(render_tau(answers), [answer.as_dict() for answer in answers], len(ids), write=write)


REPORTS = {"comparison": _comparison, "exponents": _exponents, "theorems": _theorems, "tau": _tau}
"""By the name that a study's file gives them."""


def _only(connection: "duckdb.DuckDBPyConnection", asked: Question) -> set[str] | None:
    from .. import reports

    if asked.contexts is not None:
        return asked.contexts
    return reports.contexts_of(
        connection, studies=asked.studies, systems=asked.systems, architectures=asked.architectures
    )


def _contexts(connection: "duckdb.DuckDBPyConnection", asked: Question) -> "tuple[Context, ...]":
    """What a report that is no comparison looks at, where all of it comes from the same code."""
    from .. import reports

    only = _only(connection, asked)
    contexts = reports.read_contexts(connection, "d_stsp", studies=asked.studies, contexts=only)
    mixed = reports.mixed_codes(connection, contexts, studies=asked.studies, contexts=only)
    if mixed and not asked.allow_stale:
        raise OrchError("\n".join([*mixed, "--allow-stale shows them nevertheless."]))
    return contexts


def _named(asked: Question, kind: str, provenance: str, code: str) -> dict[str, str]:
    """How the files of a report are named, and what they say about where they come from."""
    return {"stem": f"{asked.scope}-{kind}", "provenance": f"{asked.said} {provenance} Code: {code}."}


def _trial_ids(contexts: "Sequence[Context]") -> list[str]:
    return [trial.trial_id for context in contexts for cell in context.cells for trial in cell.trials]


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

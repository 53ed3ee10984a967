"""What a report says of a question, for whoever shows it: a comparison, or a report that is none."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import OrchError, UsageError
from .question import Question, file_name
from .systems import written
from .wording import counted

if TYPE_CHECKING:
    import duckdb
    from rich.console import RenderableType

    from .reports import Scope
    from .reports.html import Page
    from .reports.trials import Context


@dataclass(frozen=True)
class Answer:
    """What a report says: for people, for programs, and in files of its own."""

    shown: "Callable[[], RenderableType]"
    """On a terminal."""
    rows: list[dict[str, Any]]
    trial_ids: list[str]
    """What it looked at."""
    headlines: tuple[str, ...] = ()
    page: "Callable[[Path], Page] | None" = None
    """Makes its page, given the results folder, where the trained networks are."""
    stem: str = ""
    """What the page's files are called."""
    origin: str = ""
    """Where its numbers come from."""
    unnamed: tuple[str, ...] = ()
    """How many of its trials its studies do not name now."""
    former: int = 0
    """Trials among these that `Question.now` leaves out."""


def answer(kind: str, connection: "duckdb.DuckDBPyConnection", asked: Question) -> Answer:
    """What a report of `REPORTS` says; a comparison where `kind` is none of them.

    Raises:
        UsageError: a name that is asked for is not in the database.
        OrchError: nothing is known that it could say, or it would pool results of different code.
    """
    from . import reports
    from .definitions import check_defined, former_cells, unnamed, without_former
    from .reports.reading import check_studies
    from .store import first_run

    named = asked.definitions
    left_out: tuple[str, ...] = ()
    try:
        scope = reports.Scope(tuple(asked.studies))
        only = reports.contexts_of(
            connection,
            scope=scope,
            systems=[written(name) for name in asked.systems],
            architectures=asked.architectures,
        )
        scope = dataclasses.replace(scope, contexts=only)
        former = former_cells(connection, scope, named) if named else []
        count = sum(cell.trials for cell in former)
        what = {}
        if asked.now:
            check_studies(connection, asked.studies)
            check_defined(asked.studies, named)
            left_out = (_left_out(count, asked.studies),) if former else ()
            scope = without_former(connection, scope, former) if former else scope
            others = " or of what another of them names," if len(asked.studies) > 1 else ""
            what = {"what": f"seeds{others}"}
        found = REPORTS.get(kind, _comparison)(connection, asked, scope)
        said = (*left_out, *unnamed(connection, named, found.trial_ids, **what))
        origin = " ".join([found.origin, *said]).strip()
        leaves_out = 0 if asked.now else count
        return dataclasses.replace(found, unnamed=said, former=leaves_out, origin=origin)
    except reports.UnknownStudyError as error:
        if error.study not in named:
            raise UsageError(f"report: {error}") from None
        runs = f"`{first_run(asked.results, error.study)}` makes some"
        raise OrchError(f"report: {error.study} has no results yet: {runs}") from None
    except reports.UnknownNameError as error:
        raise UsageError(f"report: {error}") from None
    except reports.ReportError as error:
        raise OrchError(" ".join([f"report: {error}", *left_out])) from None


def _left_out(trials: int, studies: Sequence[str]) -> str:
    """What is said of trials that count no more."""
    return (
        f"{counted(trials, 'trial')} of regimes, settings or data that {' and '.join(studies)} "
        f"{'does' if len(studies) == 1 else 'do'} not name now {'is' if trials == 1 else 'are'} left out."
    )


def declared(results: Path, studies: list[str]) -> str:
    """The report that all of these studies are for, by their files, or as it was recorded of those whose
    files are not here or no longer valid; a comparison, where they differ or none is named.
    """
    from .definitions import by_file
    from .store import Store

    valid = by_file(studies)
    kinds: set[str] = {study.report for study in valid.values()}
    recorded = [name for name in studies if name not in valid]
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


def _comparison(connection: "duckdb.DuckDBPyConnection", asked: Question, scope: "Scope") -> Answer:
    from . import reports

    baseline = asked.baseline or "clipping"
    of: dict[str, Any] = {"scope": scope, "measure": asked.measure, "allow_stale": asked.allow_stale}
    try:
        comparison = reports.compare(connection, baseline, **of)
    except reports.NothingToCompareError as why:
        comparison = reports.without_pairs(connection, baseline, str(why), **of)
    except reports.UnknownBaselineError as why:
        if asked.baseline is not None:
            raise
        to_come = any(baseline in study.regime_names for study in asked.definitions.values())
        said = f"{baseline} is still to be run." if to_come else f"{why} --compare takes one of them."
        comparison = reports.without_pairs(connection, baseline, said, **of)
    ids = _trial_ids(comparison.contexts)
    stem = f"{asked.scope}-vs-{file_name(baseline)}"
    stem += "" if asked.measure == "d_stsp" else f"-{asked.measure}"
    stem += "" if asked.over is None else f"-over-{file_name(asked.over)}"

    def page(results: Path) -> "Page":
        from .attractors import read_attractors
        from .reports.html import comparison_page

        attractors = read_attractors(connection, comparison, results)
        return comparison_page(comparison, connection, attractors=attractors, over=asked.over)

    shown = partial(reports.render_comparison, comparison, legend=asked.legend)
    rows = comparison.as_dicts()
    headlines = tuple(f"{line.title}: {line.text}" for line in comparison.headlines)
    if asked.over is not None:
        found = reports.along(comparison, asked.over)
        shown = partial(reports.render_along, comparison, found, legend=asked.legend)
        rows = [row for one in found for row in one.as_dicts()]
        headlines = reports.along_headlines(found, comparison.measure_name)
    return Answer(
        shown,
        rows,
        ids,
        headlines,
        page,
        stem,
        f"Code: {_code_of(connection, ids)}.",
    )


def _exponents(connection: "duckdb.DuckDBPyConnection", asked: Question, scope: "Scope") -> Answer:
    from . import reports

    contexts = _contexts(connection, asked, scope)
    rows = reports.read_exponents(connection, contexts)
    return Answer(
        lambda: reports.render_exponents(contexts, rows),
        [row.as_dict() for row in rows],
        _trial_ids(contexts),
    )


def _theorems(connection: "duckdb.DuckDBPyConnection", asked: Question, scope: "Scope") -> Answer:
    from .reports.theorems import examine, read_left_out, read_networks, render_findings

    _contexts(connection, asked, scope)  # are there any, and of the same code
    networks = read_networks(connection, scope=scope)
    left_out = read_left_out(connection, scope=scope)
    findings = examine(networks)
    ids = [network.trial_id for network in networks]

    def page(results: Path) -> "Page":
        from .reports.html.theorems_page import networks_query, theorems_page

        measured = networks_query(scope)
        return theorems_page(findings, networks, connection, measured, left_out=left_out)

    rows = [finding.as_dict() for finding in findings]
    return Answer(
        lambda: render_findings(findings, left_out),
        rows,
        ids,
        page=page,
        **_named(asked, "theorems", _code_of(connection, ids)),
    )


def _tau(connection: "duckdb.DuckDBPyConnection", asked: Question, scope: "Scope") -> Answer:
    from .priors import priors
    from .reports.tau import read_tau, render_tau

    contexts = _contexts(connection, asked, scope)
    answers = read_tau(connection, contexts, priors(connection, asked.studies))
    ids = [t.trial_id for a in answers for c in a.context.cells if c.tau for t in c.trials]

    def page(results: Path) -> "Page":
        from .reports.html.tau_page import tau_page

        return tau_page(answers, connection, scope=scope)

    rows = [answer.as_dict() for answer in answers]
    named = _named(asked, "tau", _code_of(connection, ids))
    return Answer(lambda: render_tau(answers), rows, ids, page=page, **named)


REPORTS = {"comparison": _comparison, "exponents": _exponents, "theorems": _theorems, "tau": _tau}
"""By the name that a study's file gives them."""


def _contexts(
    connection: "duckdb.DuckDBPyConnection", asked: Question, scope: "Scope"
) -> "tuple[Context, ...]":
    """What a report that is no comparison looks at, where all of it comes from the same code."""
    from . import reports

    contexts = reports.read_contexts(connection, "d_stsp", scope=scope)
    mixed = reports.mixed_codes(connection, contexts, scope=scope)
    if mixed and not asked.allow_stale:
        raise reports.StaleError(mixed)
    return contexts


def _named(asked: Question, kind: str, code: str) -> dict[str, Any]:
    """How the files of a report are named, and what they say about where they come from."""
    return {"stem": f"{asked.scope}-{kind}", "origin": f"{asked.said} Code: {code}."}


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

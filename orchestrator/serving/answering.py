"""What the live page is answered, as plain data: called in processes of their own (`workers`).

Reports and questions are answered from a copy of the database, and how far
studies are from the database itself, in a moment: a page that is looked at keeps no writer out.
"""

import functools
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from ..answers import answer, declared
from ..errors import OrchError, UsageError, did_you_mean
from ..query import Limits, ask
from ..store import NoResultsError, Store, first_run
from .asked import KINDS, Asked

if TYPE_CHECKING:
    import duckdb

Plain = dict[str, Any]
Given = ParamSpec("Given")


def _said(answering: Callable[Given, Plain]) -> Callable[Given, Plain]:
    """What is the user's to mend comes back as words, `problem`: not every exception survives the way."""

    @functools.wraps(answering)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Plain:
        try:
            return answering(*args, **kwargs)
        except OrchError as error:
            return {"problem": str(error)}

    return wrapped


@_said
def page(results: Path, asked: Asked) -> Plain:
    """The document of the live page, which asks for all else: {html}."""
    from ..reports.html.live import live_page

    name = f"{results.parent.name}/{results.name}"
    return {"html": live_page(f"Results in {name}", whole=f"page?{asked.query}")}


@_said
def progress(results: Path, asked: Asked) -> Plain:
    """The part that says how far studies are: {html}."""
    from .under_way import in_focus, progress_html

    studies = asked.studies or in_focus(results)
    return {"html": progress_html(results, studies)}


@_said
def report(results: Path, asked: Asked) -> Plain:
    """The report in parts: {title, said, parts: [{name, digest, html}]}."""
    from ..reports.html.live import question
    from ..reports.html.parts import element
    from ..reports.verdict import counted

    def said(title: str, words: str, *parts: str) -> Plain:
        why = element("p", words.removeprefix("report: "), css="running")
        return {"title": title, "said": f"{title}.", "parts": _parts([*parts, why])}

    form = ""
    try:
        with Store(results).copied() as (connection, source):
            connection.execute("SET threads = 1")
            kind, studies = _what(results, asked)
            form = question(_choices(connection, asked, studies), whole=f"page?{asked.query}")
            found = answer(kind, connection, asked.question(studies, results))
            assert found.page is not None
            made = found.page(results)
    except NoResultsError:
        words = f"`{first_run(results)}` makes some, and they appear here as they come."
        return said("No results yet", words)
    except OrchError as error:  # while a study runs there may be nothing to compare yet
        return said("No report as yet", str(error), form)
    read = f"{counted(len(found.trial_ids), 'trial')}, read from the {source}."
    read = " ".join([read, *found.unnamed])
    return {"title": made.title, "said": read, "parts": _parts([form, *made.parts])}


@_said
def whole(results: Path, asked: Asked) -> Plain:
    """The report as one file: {html, name}."""
    with Store(results).copied() as (connection, source):
        connection.execute("SET threads = 1")
        kind, studies = _what(results, asked)
        found = answer(kind, connection, asked.question(studies, results))
        assert found.page is not None
        html = found.page(results).html(provenance=f"Read from the {source}. {found.origin}")
    return {"html": html, "name": f"{found.stem}.html"}


@_said
def sql(results: Path, text: str, limits: Limits = Limits()) -> Plain:  # noqa: B008
    """What a question in SQL is answered: {html}."""
    from ..reports.html.live import answer_table

    rows = ask(results, text, limits=limits)
    words = f"{len(rows.rows):,} {'row' if len(rows.rows) == 1 else 'rows'}"
    said = f"The first {words} of more" if rows.is_cut else words
    return {"html": answer_table(rows.columns, rows.rows, f"{said}, from the {rows.source}.")}


def _what(results: Path, asked: Asked) -> tuple[str, list[str]]:
    """The report that is shown, a comparison in place of one that has no page, and of which studies."""
    from .under_way import in_focus

    if asked.kind and asked.kind not in KINDS:
        raise UsageError(f"no report is named '{asked.kind}'{did_you_mean(asked.kind, KINDS)}")
    studies = in_focus(results) if asked.studies is None else list(asked.studies)
    kind = asked.kind or declared(results, studies)
    return kind if kind in KINDS else "comparison", studies


def _parts(pieces: Sequence[str]) -> list[Plain]:
    """Named by their headings, or by their places among all, empty ones too: what comes and goes between them
    changes no name."""
    parts = []
    for place, html in enumerate(pieces):
        heading = re.search(r'<h2 id="([^"]*)">', html)
        digest = hashlib.sha256(html.encode(errors="surrogatepass")).hexdigest()[:12]
        if html:
            parts.append({"name": heading[1] if heading else f"part-{place}", "digest": digest, "html": html})
    return parts


def _choices(connection: "duckdb.DuckDBPyConnection", asked: Asked, shown: Sequence[str]) -> list[Any]:
    """What can be asked for, as there are trials of it."""
    from ..reports import MEASURES
    from ..reports.html.live import Choice

    def names(query: str) -> list[str]:
        return [str(name) for (name,) in connection.execute(query).fetchall()]

    studies = names("SELECT study FROM studies GROUP BY study ORDER BY max(recorded_at) DESC, study")
    regimes = names("SELECT DISTINCT regime FROM trials ORDER BY 1")
    systems = names("SELECT DISTINCT system FROM trials ORDER BY 1")
    architectures = names("SELECT DISTINCT architecture FROM trials ORDER BY 1")

    usual = "clipping" if "clipping" in regimes else ""

    def choice(name: str, label: str, values: list[str], chosen: str, every: str = "") -> Choice:
        there = values if not chosen or chosen in values else [*values, chosen]
        options = [(value, value) for value in there]
        return Choice(name, label, [("", every), *options] if every else options, chosen)

    def first(values: Sequence[str]) -> str:
        return values[0] if values else ""

    measures = [(name, measure.title) for name, measure in MEASURES.items()]
    return [
        choice("study", "Study", studies, first(shown), "all"),
        Choice("kind", "Report", [("", "the study's own"), *KINDS.items()], asked.kind),
        choice("compare", "Against", regimes, asked.baseline or usual),
        Choice("measure", "by", measures, asked.measure),
        choice("system", "System", systems, first(asked.systems), "all"),
        choice("architecture", "Architecture", architectures, first(asked.architectures), "all"),
        Choice("stale", "Code", [("", "of one version"), ("1", "of any")], "1" if asked.allow_stale else ""),
    ]

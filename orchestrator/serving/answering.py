"""What the live page is answered, as plain data: called in processes of their own (`workers`).

The database is open only while an answer is made: a page that is looked at keeps no writer out.
"""

import functools
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec

from ..answers import answer, declared
from ..errors import OrchError
from ..query import Limits, ask
from ..store import NoResultsError, Store
from .asked import KINDS, Asked

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


def page(results: Path, asked: Asked) -> str:
    """The document of the live page, which asks for all else."""
    from ..reports.html.live import live_page

    name = f"{results.parent.name}/{results.name}"
    return live_page(f"Results in {name}", whole=f"page?{asked.query}")


@_said
def progress(results: Path, asked: Asked) -> Plain:
    """The part that says how far studies are: {html}."""
    from .under_way import progress_html

    return {"html": progress_html(results, asked.studies)}


@_said
def report(results: Path, asked: Asked) -> Plain:
    """The report in parts: {title, said, parts: [{name, digest, html}]}."""
    from ..reports.html.live import EMPTY, question
    from ..reports.html.parts import element

    def said(title: str, words: str, *parts: str) -> Plain:
        why = element("p", words.removeprefix("report: "), css="running")
        return {"title": title, "said": f"{title}.", "parts": _parts([*parts, why])}

    try:
        form = question(_choices(results, asked), whole=f"page?{asked.query}")
        with Store(results).reading() as (connection, source):
            found = answer(_kind(results, asked), connection, asked.question)
            made = found.page(results) if found.page else None
    except NoResultsError:
        return said("No results yet", EMPTY)
    except OrchError as error:  # while a study runs there may be nothing to compare yet
        return said("No report as yet", str(error), form)
    assert made is not None
    read = f"{found.trials:,} trials, read from the {source}."
    return {"title": made.title, "said": read, "parts": _parts([form, *made.parts])}


@_said
def whole(results: Path, asked: Asked) -> Plain:
    """The report as one file: {html, name}."""
    with Store(results).reading() as (connection, source):
        found = answer(_kind(results, asked), connection, asked.question)
        assert found.page is not None
        html = found.page(results).html(provenance=f"Read from the {source}. {found.origin}")
    return {"html": html, "name": f"{found.stem}.html"}


@_said
def sql(results: Path, text: str, limits: Limits = Limits()) -> Plain:  # noqa: B008
    """What a question in SQL is answered: {html}."""
    from ..reports.html.live import answer_table
    from ..reports.verdict import counted

    rows = ask(results, text, limits=limits)
    words = counted(len(rows.rows), "row")
    said = f"The first {words} of more" if rows.is_cut else words
    return {"html": answer_table(rows.columns, rows.rows, f"{said}, from the {rows.source}.")}


def _kind(results: Path, asked: Asked) -> str:
    """The report that is shown; a comparison for one that has no page."""
    kind = asked.kind or declared(results, list(asked.studies))
    return kind if kind in KINDS else "comparison"


def _parts(pieces: Sequence[str]) -> list[Plain]:
    """Named by their headings, where they have one: what comes and goes between them changes no name."""
    parts = []
    for place, html in enumerate(filter(None, pieces)):
        heading = re.search(r'<h2 id="([^"]*)">', html)
        digest = hashlib.sha256(html.encode(errors="surrogatepass")).hexdigest()[:12]
        parts.append({"name": heading[1] if heading else f"part-{place}", "digest": digest, "html": html})
    return parts


def _choices(results: Path, asked: Asked) -> list[Any]:
    """What can be asked for, as there are trials of it."""
    from ..reports import MEASURES
    from ..reports.html.live import Choice

    def names(query: str) -> list[str]:
        return [str(name) for (name,) in connection.execute(query).fetchall()]

    with Store(results).reading() as (connection, _):
        studies = names("SELECT study FROM studies GROUP BY study ORDER BY max(recorded_at) DESC, study")
        regimes = names("SELECT DISTINCT regime FROM trials ORDER BY 1")
        systems = names("SELECT DISTINCT system FROM trials ORDER BY 1")
        architectures = names("SELECT DISTINCT architecture FROM trials ORDER BY 1")

    def choice(name: str, label: str, values: list[str], chosen: str, every: str = "") -> Choice:
        there = values if not chosen or chosen in values else [*values, chosen]
        options = [(value, value) for value in there]
        return Choice(name, label, [("", every), *options] if every else options, chosen)

    def first(values: tuple[str, ...]) -> str:
        return values[0] if values else ""

    measures = [(name, measure.title) for name, measure in MEASURES.items()]
    return [
        choice("study", "Study", studies, first(asked.studies), "all"),
        Choice("kind", "Report", [("", "the study's own"), *KINDS.items()], asked.kind),
        choice("compare", "Against", regimes, asked.baseline),
        Choice("measure", "by", measures, asked.measure),
        choice("system", "System", systems, first(asked.systems), "all"),
        choice("architecture", "Architecture", architectures, first(asked.architectures), "all"),
    ]

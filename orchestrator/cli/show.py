"""How a command shows a report: on the terminal, for programs, or as a page."""

import sys
from pathlib import Path

from ..answers import Answer
from ..errors import OrchError, UsageError
from ..question import Question
from ..wording import counted
from .output import Format, print_mappings, print_shown


def show(kind: str, results: Path, asked: Question, *, form: Format | None, html: bool = False) -> None:
    """Print a report, unless `form` is None, and with `html` write its page and list the files on stdout.

    Raises:
        OrchError: nothing is known that it could say, it would pool results of different code, or the page
            that alone was asked for cannot be written.
    """
    from ..answers import answer
    from ..store import Store

    with Store(results).reading() as (connection, source):
        found = answer(kind, connection, asked)
        if form is not None:
            _print(found, form)
        for said in found.unnamed:
            print(f"orch: {said}", file=sys.stderr)
        if found.former:
            print(f"orch: --now leaves out {counted(found.former, 'trial')} of those", file=sys.stderr)
        if source.what != "database":
            print(f"orch: {source.why}; answered from the {source}", file=sys.stderr)
        if html and (found.page is not None or form is None):
            _write(found, kind, results, source=str(source), alone=form is None)


def _print(found: Answer, form: Format) -> None:
    if form.for_people:
        print_shown(found.shown(), form)
    else:
        print_mappings(found.rows, form)
    sys.stdout.flush()


def _write(found: Answer, kind: str, results: Path, *, source: str, alone: bool) -> None:
    """Write the page and list its files on stdout. Where it is not all that was asked for, a folder that
    cannot be written costs no verdict.
    """
    if found.page is None:
        raise UsageError(f"report: {kind} have no page of their own; that of a comparison shows them")
    if alone:
        print(*found.headlines, sep="\n", end="\n" if found.headlines else "", file=sys.stderr)
    page = found.page(results)
    try:
        written = page.write(
            results / "reports", stem=found.stem, provenance=f"Read from the {source}. {found.origin}"
        )
    except OSError as error:
        said = f"page and figure were not written: {error.strerror}: {error.filename or results}"
        if alone:
            raise OrchError(said) from None
        print(f"orch: {said}", file=sys.stderr)
    else:
        print(*written, sep="\n", flush=True)

"""`orch system analyse`: what a person needs to know of a series before training on it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OrchError, UsageError
from .output import Format, FormatOption, ResultsOption, print_json, print_rows, print_shown

if TYPE_CHECKING:
    from ..systems.analysis.overview import Overview


WIDE = 10_000


def analyse(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A system by name.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Page to write.",
            show_default="reports/system-NAME.html in the results folder",
            dir_okay=False,
        ),
    ] = None,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Look at a system's data before training: length, gaps, drift, delays, λ_max, τ_pred, spectrum.

    Facts go to stdout, on a terminal with small plots; progress, warnings and the name of the page to stderr.
    """
    from .. import systems
    from ..catalogue import results_folder
    from ..reports.series.verdict import warnings
    from ..systems.analysis.overview import overview

    try:
        system = systems.get(name)
    except systems.UnknownSystemError as error:
        raise UsageError(str(error)) from None
    print(f"looking at {name}: up to a minute or two for 100,000 points …", file=sys.stderr, flush=True)
    try:
        seen = overview(system)
    except (ArithmeticError, ValueError) as error:
        raise OrchError(f"{name}: {error}") from None
    _print(seen, form)
    sys.stdout.flush()
    for warning in warnings(seen):
        print(f"warning: {warning}", file=sys.stderr)
    _write(
        seen,
        out or results_folder(results) / "reports" / f"system-{system.file_name}.html",
        asked_for=out is not None,
    )


def _print(seen: "Overview", form: Format) -> None:
    from ..reports.series.data import as_dict, flat

    if form is Format.json:
        print_json(as_dict(seen))
    elif form is Format.csv:
        print_rows(["field", "value"], flat(as_dict(seen)), form)
    else:
        from rich.console import Console

        from ..reports.series.terminal import render_series

        console = Console()
        if form is Format.table and console.is_terminal:
            console.print(render_series(seen, width=console.width, plots=True))
        else:  # into a pipe or a file nothing is folded or cut
            print_shown(render_series(seen, width=WIDE, plots=False), form, width=WIDE)


def _write(seen: "Overview", path: Path, *, asked_for: bool) -> None:
    """The page; a results folder that cannot be written costs no facts."""
    from .. import __version__
    from ..reports.html.series_page import write_series_page

    try:
        print(f"wrote {write_series_page(seen, path, provenance=f'orch {__version__}')}", file=sys.stderr)
    except OSError as error:
        said = f"the page was not written: {error.strerror}: {error.filename or path}"
        if asked_for:
            raise OrchError(said) from None
        print(f"orch: {said}", file=sys.stderr)

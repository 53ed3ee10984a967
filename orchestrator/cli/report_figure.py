"""`orch report figure`: the paper's figures, each by its number, from the results database."""

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import OrchError, UsageError
from .output import ResultsOption
from .study_options import SetOption


class FileFormat(enum.StrEnum):
    """What a figure is written as."""

    svg = "svg"
    pdf = "pdf"
    png = "png"


def figure(
    number: Annotated[
        str, typer.Argument(metavar="NUMBER", help="1a, 1b, 2, 3a, 3b, 4, 5, 6, 7, 8, 9, 10 or 11.")
    ],
    form: Annotated[
        FileFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="What to write.",
            show_choices=True,
            show_default="by the name of --out, else svg",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            "--measure",
            help="d_stsp or d_h; with `_published` by the authors' definition.",
            show_default="d_stsp_published beside a published curve, else d_stsp",
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study", help="Another study, by name or file, instead of the one that ships for the figure."
        ),
    ] = None,
    overrides: SetOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="File to write.",
            dir_okay=False,
            show_default="reports/figure-NUMBER.svg in the results folder",
        ),
    ] = None,
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Pool results of different code nevertheless.")
    ] = False,
    results: ResultsOption = None,
) -> None:
    """Make a figure of the paper from what was run, the authors' own curve beside it where it is known.

    Its file's name goes to stdout; what it stands on and what it lacks, with the command, to stderr.
    """  # fmt: skip
    from .. import durable, paper
    from ..catalogue import results_folder

    spec = paper.paper_figure(number)
    chosen = _format(form, out)
    folder = results_folder(results)
    made = paper.make(
        spec.number,
        folder,
        measure=measure,
        study=study,
        overrides=overrides or (),
        allow_stale=allow_stale,
        results_option=results,
    )
    from ..reports.figures.style import encoded

    path = out or folder / "reports" / f"figure-{spec.number}.{chosen.value}"
    try:
        durable.write(path, encoded(made.figure, chosen.value))
    except OSError as error:
        raise OrchError(f"{path} cannot be written: {error.strerror}") from None
    for line in made.said:
        print(f"orch: {line}", file=sys.stderr)
    print(path)


def _format(form: FileFormat | None, out: Path | None) -> FileFormat:
    """As asked for; else by the name of the file."""
    suffix = out.suffix[1:].lower() if out is not None else ""
    if form is not None and suffix in list(FileFormat) and suffix != form:
        raise UsageError(f"--out {out} is the name of another format than --format {form}")
    if form is not None:
        return form
    if suffix and suffix not in list(FileFormat):
        raise UsageError(f"--out {out}: expected a name that ends in .svg, .pdf or .png, or --format")
    return FileFormat(suffix) if suffix else FileFormat.svg

"""`orch db …`: care for the results folder."""

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..wording import counted
from .output import Format, FormatOption, ResultsOption, print_mappings, print_rows

app = typer.Typer(
    help="Look after the results: the journal and the database made from it.", no_args_is_help=True
)


class FileFormat(enum.StrEnum):
    """What an export is written as."""

    parquet = "parquet"
    csv = "csv"


@app.command("info")
def info(form: FormatOption = Format.table, results: ResultsOption = None) -> None:
    """Print what the results folder holds."""
    from .. import care
    from ..catalogue import results_folder

    found = care.info(results_folder(results))
    if form is Format.json:
        print_rows(list(found), [list(found.values())], form)
    else:
        print_rows(["what", "value"], [[key, value] for key, value in found.items()], form)


@app.command("columns")
def columns(
    table: Annotated[
        str | None, typer.Argument(help="A table or view.", metavar="TABLE", show_default="all of them")
    ] = None,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Print what the columns of tables and views are, with their units."""
    from .. import care
    from ..catalogue import results_folder

    print_mappings(care.columns(results_folder(results), table), form)


@app.command("rebuild")
def rebuild(results: ResultsOption = None) -> None:
    """Make the database again from the journal.

    What the old one alone has, as a journal file was lost or damaged, is written back into the journal.
    """
    from ..catalogue import results_folder
    from ..rebuilding import rebuild as make_again

    folder = results_folder(results)
    print(f"{folder / 'trials.duckdb'}: {make_again(folder)} trials", file=sys.stderr)


@app.command("compact")
def compact(results: ResultsOption = None) -> None:
    """Join the journal's many small files into few, and make the database again."""
    from .. import care
    from ..catalogue import results_folder

    before, after = care.compact(results_folder(results))
    print(f"journal files of trials: {before} before, {after} now", file=sys.stderr)


@app.command("merge")
def merge(
    other: Annotated[Path, typer.Argument(help="Another results folder, such as another machine's.")],
    results: ResultsOption = None,
) -> None:
    """Take in trials, networks and their data from another results folder, which is only read.

    A study's file, and `data/NAME.toml` and `.parquet` of a series of one's own, are not in it: what is to
    be run further takes these too.
    """
    from .. import care
    from ..catalogue import results_folder

    done = care.merge(results_folder(results), other)
    print(
        f"{done['files']} journal files, {done['models']} models and data of "
        f"{counted(done['data'], 'system')} are new; "
        f"{done['before']} trials before, {done['after']} now",
        file=sys.stderr,
    )


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the files; made if need be.")],
    form: Annotated[FileFormat, typer.Option("--format", "-f", help="What to write.")] = FileFormat.parquet,
    results: ResultsOption = None,
) -> None:
    """Write every table and view as a Parquet or CSV file."""
    from .. import care
    from ..catalogue import results_folder

    for path in care.export(results_folder(results), folder, form=form.value):
        print(f"wrote {path}", file=sys.stderr)


@app.command("check")
def check(results: ResultsOption = None) -> None:
    """Read the journal, the networks and the database, and report what is wrong.

    Nothing is changed. Exit code 1 when something is wrong.
    """
    from .. import check as checking
    from ..catalogue import results_folder

    problems = checking.check(results_folder(results), note=lambda text: print(text, file=sys.stderr))
    for problem in problems:
        print(problem)
    print(
        "nothing is wrong" if not problems else counted(len(problems), "problem"),
        file=sys.stderr,
    )
    if problems:
        raise typer.Exit(1)

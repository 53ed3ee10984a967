"""One way for every listing command to print rows: tables for people and papers, JSON or CSV for programs."""

import csv
import enum
import io
import json
import math
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Format(enum.StrEnum):
    """How rows are printed."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"

    @property
    def for_people(self) -> bool:
        """Whether it is read by people, who want few digits and units, and not by programs."""
        return self not in (Format.json, Format.csv)


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to print.", show_choices=True)]
ResultsOption = Annotated[
    Path | None,
    typer.Option(
        "--results", help="Results folder.", envvar="ORCH_RESULTS", show_default="results", file_okay=False
    ),
]


LONG = 24
"""Letters: columns with longer texts are folded where a terminal is too narrow, others never."""


FITS = 80
"""Columns that whatever is printed can be read in; in fewer, Rich would cut numbers and headers off."""


def print_rows(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], form: Format, *, spare: Container[str] = ()
) -> None:
    """Print rows to stdout; for people without those of the columns `spare` that hold nothing but 0."""
    if form.for_people:
        rows = list(rows)
        kept = [i for i, name in enumerate(columns) if name not in spare or any(row[i] for row in rows)]
        _table([columns[i] for i in kept], [[row[i] for i in kept] for row in rows], form)
    elif form is Format.csv:
        _in_utf8()
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if value is None else value for value in row] for row in rows])
    else:
        # Two columns of a query may share a name; in an object the later one would win unseen.
        names = _distinct(columns)
        items = [dict(zip(names, map(_json, row), strict=True)) for row in rows]
        print_json(items)


def print_json(value: Any) -> None:
    """Print what JSON can say, to stdout."""
    _in_utf8()
    json.dump(value, sys.stdout, indent=2, default=_plain, ensure_ascii=False, allow_nan=False)
    print()


def print_mappings(rows: Sequence[Mapping[str, Any]], form: Format, *, spare: Container[str] = ()) -> None:
    """Print mappings that all have the same keys, as `print_rows` does."""
    columns = list(rows[0]) if rows else []
    print_rows(columns, [[row[column] for column in columns] for row in rows], form, spare=spare)


def print_shown(shown: "RenderableType", form: Format, *, width: int = FITS) -> None:
    """Print what a terminal shows, to one or as Markdown or LaTeX, to stdout; so wide at the least."""
    if form is Format.table:
        from rich.console import Console

        console = Console()
        # Lines that are too long for a terminal are better than numbers cut off. Asked of a wide console: one
        # that is narrow takes nothing for wider.
        needed = max(width, Console(width=10_000).measure(shown).minimum)
        if needed > console.width:
            console = Console(width=needed)
        _print(console, shown)
    else:
        from . import typeset

        print((typeset.markdown if form is Format.markdown else typeset.latex)(shown), end="")


def _in_utf8() -> None:
    """What programs read is the same wherever it was written."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(encoding="utf-8", errors=sys.stdout.errors)


def _table(columns: Sequence[str], rows: list[Sequence[Any]], form: Format) -> None:
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    widths = []
    for i, name in enumerate(columns):
        is_number = all(isinstance(row[i], int | float | None) for row in rows)
        widths.append(max([cell_len(str(name)), *(cell_len(_cell(row[i])) for row in rows)]))
        table.add_column(
            Text(name),
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=widths[-1] <= LONG,
        )
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    if form is not Format.table:
        print_shown(table, form)
        return
    console = Console()
    folded = sum(min(width, LONG) + 3 for width in widths)
    if not console.is_terminal or folded > console.width:
        # Into a pipe or a file nothing is folded, and lines that a terminal breaks are better than words and
        # numbers in pieces.
        console = Console(width=max(console.width, sum(width + 3 for width in widths)))
    _print(console, table)


def _print(console: "Console", shown: "RenderableType") -> None:
    """Into a pipe or a file without the blanks that tables fill their lines with."""
    if console.is_terminal:
        console.print(shown)
        return
    with console.capture() as captured:
        console.print(shown)
    print(*(line.rstrip() for line in captured.get().splitlines()), sep="\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)


def _distinct(columns: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        seen[column] = seen.get(column, 0) + 1
        names.append(column if seen[column] == 1 else f"{column}_{seen[column]}")
    return names


def _json(value: Any) -> Any:
    """JSON knows no NaN and no infinity."""
    if isinstance(value, list):
        return [_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)

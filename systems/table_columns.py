"""Columns of numbers from a file of somebody's, by their names: which are taken, and which hold the times.

Whatever cannot be made sense of raises SeriesError, which says what is wrong, where, and what was expected.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import table_cells, table_files
from .base import FloatArray, SeriesError

UNNAMED = "index"
"""What a first column without a name is called."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a file, row by row as they stand there."""

    names: tuple[str, ...]
    values: FloatArray
    """(T, K), NaN where missing."""
    times: FloatArray | None
    """(T,), of dates the seconds since the first; None where no column of times was named."""
    dates: bool
    """Whether the times are dates."""
    stamps: Any = None
    """The dates as they were read, a pyarrow array."""


def read_columns(
    path: Path,
    *,
    columns: Sequence[str] = (),
    time: str | None = None,
    time_format: str | None = None,
    decimal: str = ".",
) -> Columns:
    """Read columns of numbers as they stand; arguments and errors as for `read_table`, times in any order."""
    as_text = () if time_format is None or time is None else (time, "") if time == UNNAMED else (time,)
    table = table_files.read_file(path, as_text=as_text, decimal=decimal)
    if not table:
        raise SeriesError(f"{path} has no columns")
    table, left_out = _name_first(table)
    columns = _whole_arrays(columns, table)
    _check_known([*columns, *([] if time is None else [time])], table, left_out, path)
    if not columns and left_out is not None and time != left_out:
        _check_left_out(table, left_out, time, path)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise SeriesError(f"column {twice[0]!r} is asked for twice")
    chosen = columns or [name for name in table if name not in (time, left_out)]
    if not chosen:
        raise SeriesError(f"{path} has no column but the times")
    times, dates = None, False
    if time is not None:
        times, dates = table_cells.times(table[time], time, time_format, path, decimal)
    found = {}
    for name in chosen:
        try:
            found[name] = table_cells.numbers(table[name], name, path, decimal)
        except table_cells.NoNumbersError as error:
            raise SeriesError(f"{error}{'' if columns else _way_round(table, name, chosen, time)}") from None
    lengths = {name: len(column) for name, column in found.items()}
    if time is not None and times is not None:
        lengths[time] = len(times)
    _check_lengths(lengths, path, time, may_choose=not columns)
    stamps = table[time] if time is not None and dates else None
    return Columns(tuple(chosen), np.column_stack(list(found.values())), times, dates, stamps)


def _name_first(table: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Columns, the first of which has a name; what that without one, if there is one, is called now.

    pandas writes its index so. Where another column has the name, and where it is not the first, it has none.
    """
    if "" not in table:
        return table, None
    if next(iter(table)) or UNNAMED in table:
        return table, ""
    return {name or UNNAMED: column for name, column in table.items()}, UNNAMED


def _check_known(asked: Sequence[str], table: dict[str, Any], left_out: str | None, path: Path) -> None:
    for name in asked:
        if name not in table:
            near = difflib.get_close_matches(name, table, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            listed = [f"{it} (without a name there)" if it == left_out else it for it in table if it]
            raise SeriesError(f"{path} has no column {name!r}: {hint}it has {', '.join(listed)}")


def _check_left_out(table: dict[str, Any], name: str, time: str | None, path: Path) -> None:
    """Refuse to leave out a column without a name, unless it is the first and counts rows."""
    place = list(table).index(name)
    if place == 0 and _counts_rows(table[name], path):
        return
    called = f" and is called {name}" if name else ""
    timed = f"--time {name} takes it as the times, " if name and time is None else ""
    without = _option([other for other in table if other not in (name, time)])
    raise SeriesError(f"{path}: column {place + 1} has no name{called}; {timed}{without} leaves it out")


def _whole_arrays(columns: Sequence[str], table: dict[str, Any]) -> list[str]:
    """Names of columns, of an array of several those of all: NAME_0, NAME_1 … for NAME."""
    names: list[str] = []
    for name in columns:
        of_array = itertools.takewhile(table.__contains__, (f"{name}_{i}" for i in itertools.count()))
        names += [name] if name in table else list(of_array) or [name]
    return names


def _way_round(table: dict[str, Any], name: str, chosen: Sequence[str], time: str | None) -> str:
    """What may be done where a column that nobody asked for is not of numbers."""
    if time is None and table_cells.is_dates(table[name]):
        return f"; --time {shlex.quote(name)} takes it as the times"
    others = [other for other in chosen if table_cells.is_numeric(table[other])]
    longest = max((len(table[other]) for other in others), default=0)
    others = [other for other in others if len(table[other]) == longest]
    return f"; {_option(others)} leaves it out" if others else ""


def _check_lengths(lengths: dict[str, int], path: Path, time: str | None, *, may_choose: bool) -> None:
    """Refuse columns of several lengths, as only files of arrays have."""
    example = {length: name for name, length in reversed(lengths.items())}
    if len(example) == 1:
        return
    listed = ", ".join(f"{name} {length:,}" for length, name in sorted(example.items(), reverse=True))
    wanted = lengths[time] if time is not None else max(example)
    others = [name for name, length in lengths.items() if length == wanted and name != time]
    hint = f"; {_option(others)} takes those of {wanted:,}" if may_choose and others else ""
    raise SeriesError(f"{path}: columns differ in how many rows they have: {listed}{hint}")


def _option(names: Sequence[str]) -> str:
    """`--columns` as it is to be typed."""
    line = io.StringIO()
    csv.writer(line).writerow(names)
    return f"--columns {shlex.quote(line.getvalue().strip())}"


def _counts_rows(column: object, path: Path) -> bool:
    """Whether a column says nothing but which row it is, from 0 or 1, as pandas writes one."""
    try:
        values = table_cells.numbers(column, "", path)
    except SeriesError:
        return False
    return bool(len(values)) and values[0] in (0, 1) and bool((np.diff(values) == 1).all())

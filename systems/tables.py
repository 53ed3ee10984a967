"""A series from a file of somebody's, checked row by row and put on an even grid of times.

What comes back is regular in time: a (T, K) array, NaN where a value or a whole row is missing. Whatever
cannot be made sense of raises SeriesError, which says what is wrong, where, and what was expected. Rows are
counted from 1, a CSV file's header not included.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import table_files
from .base import FloatArray, SeriesError

SMALLEST, LARGEST = 1e-100, 1e100
"""Range of a column that can be computed with, squares of it included."""

MOST_ADDED = 2
"""Times as many rows as a file has may stand on the grid of its times."""

UNEVEN = 0.01
"""Share of a time step by which times may be off their grid."""


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


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of a file, regular in time."""

    columns: tuple[str, ...]
    values: FloatArray
    """(T, K), NaN where missing."""
    dt: float | None
    """From the column of times, in its units, seconds for dates; None without one."""
    rows_added: int = 0
    """Rows that the file lacks, by its times."""
    dates: bool = False
    """Whether the times are dates, and dt seconds."""


def read_table(
    path: Path, *, columns: Sequence[str] = (), time: str | None = None, time_format: str | None = None
) -> Table:
    """Read columns of numbers and put them on an even grid of times.

    Args:
        columns: which, in which order; all but the time if left out.
        time: the column that holds times: numbers or dates, rising. Where it leaves out steps, rows are
            missing.
        time_format: of dates that are not written as 2009-12-31 23:50:00, as for `strptime`.

    Raises:
        SeriesError: see the module.
    """
    found = read_columns(path, columns=columns, time=time, time_format=time_format)
    if found.times is None:
        return Table(found.names, found.values, None)
    values, dt, added = regular(found.times, found.values, where=f"{path}, column {time!r}")
    return Table(found.names, values, dt, added, found.dates)


def read_columns(
    path: Path, *, columns: Sequence[str] = (), time: str | None = None, time_format: str | None = None
) -> Columns:
    """Read columns of numbers as they stand; arguments and errors as for `read_table`, times in any order."""
    if path.is_dir():
        raise SeriesError(f"{path} is a folder: expected a file")
    if not path.is_file():
        raise SeriesError(f"{path}: there is no such file")
    table = table_files.read_file(path, as_text=time if time_format is not None else None)
    names = list(table)
    if not names:
        raise SeriesError(f"{path} has no columns")
    if "" in names and not columns:
        place = names.index("")
        if place or not _counts_rows(table[""], path):
            others = ",".join(name for name in names if name and name != time)
            raise SeriesError(f"{path}: column {place + 1} has no name; --columns {others} leaves it out")
        names.remove("")
    twice = sorted({name for name in columns if list(columns).count(name) > 1})
    if twice:
        raise SeriesError(f"column {twice[0]!r} is asked for twice")
    chosen = list(columns) or [name for name in names if name != time]
    for name in [*chosen, *([time] if time else [])]:
        if name not in table:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise SeriesError(f"{path} has no column {name!r}: {hint}it has {', '.join(names)}")
    if not chosen:
        raise SeriesError(f"{path} has no column but the times")
    values = np.column_stack([table_files.numbers(table[name], name, path) for name in chosen])
    times, dates = None, False
    if time is not None:
        times, dates = table_files.times(table[time], time, time_format, path)
    return Columns(tuple(chosen), values, times, dates)


def _counts_rows(column: object, path: Path) -> bool:
    """Whether a column says nothing but which row it is, from 0 or 1, as pandas writes one."""
    try:
        values = table_files.numbers(column, "", path)
    except SeriesError:
        return False
    return bool(len(values)) and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def regular(times: FloatArray, values: FloatArray, *, where: str) -> tuple[FloatArray, float, int]:
    """Values on an even grid of times, NaN where the times leave out a step; the step; rows that were added.

    Raises:
        SeriesError: times do not rise, or lie off an even grid.
    """
    if len(times) < 3:
        raise SeriesError(f"{where}: {len(times)} rows are too few")
    missing = np.flatnonzero(np.isnan(times))
    if len(missing):
        raise SeriesError(f"{where}: no time in row {missing[0] + 1}")
    differences = np.diff(times)
    back = np.flatnonzero(differences <= 0)
    if len(back):
        row = int(back[0]) + 2
        raise SeriesError(
            f"{where}: times must rise, but row {row} has {times[row - 1]:.12g} after {times[row - 2]:.12g}"
            + (f" ({len(back)} such rows)" if len(back) > 1 else "")
        )
    dt = float(np.median(differences))
    steps = differences / dt
    off = np.flatnonzero(np.abs(steps - np.round(steps)) > UNEVEN * np.maximum(1.0, steps))
    if len(off):
        row = int(off[0]) + 2
        raise SeriesError(
            f"{where}: times must lie {dt:.6g} apart, or a multiple of it where rows are missing, but row "
            f"{row} comes {differences[row - 2]:.6g} after the one before ({len(off)} such rows): "
            "resample the series first"
        )
    length = float(np.round(steps).sum()) + 1
    if length > MOST_ADDED * len(times):
        row = int(np.argmax(differences)) + 2
        raise SeriesError(
            f"{where}: the times leave out {length - len(times):,.0f} rows of {dt:.6g}, more than there are; "
            f"row {row} comes {differences[row - 2]:.6g} after the one before"
        )
    place = np.concatenate([[0], np.round(steps).astype(np.int64).cumsum()])
    grid = np.full((int(place[-1]) + 1, values.shape[1]), np.nan)
    grid[place] = values
    # Over the whole length: a difference of two times has lost digits to their size.
    even = float(f"{(times[-1] - times[0]) / place[-1]:.12g}")
    return grid, even, len(grid) - len(values)


def check_values(values: FloatArray, columns: Sequence[str], *, where: str) -> None:
    """Refuse what no network can learn from.

    Raises:
        SeriesError: a column has no value, is constant, or is of a size that cannot be computed with.
    """
    for name, column in zip(columns, values.T, strict=True):
        there = column[np.isfinite(column)]
        if not len(there):
            raise SeriesError(f"{where}: column {name!r} has no value in any row")
        low, high = float(there.min()), float(there.max())
        if not high > low:
            raise SeriesError(
                f"{where}: column {name!r} is {low:g} in every row: a constant cannot be trained on"
            )
        if not SMALLEST < high - low < LARGEST:
            raise SeriesError(
                f"{where}: column {name!r} runs from {low:g} to {high:g}: scale it to numbers that can be "
                "computed with"
            )

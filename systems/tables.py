"""A series from a file of somebody's, checked row by row and put on an even grid of times.

What comes back is regular in time: a (T, K) array, NaN where a value or a whole row is missing. Whatever
cannot be made sense of raises SeriesError, which says what is wrong, where, and what was expected. Rows are
counted from 1, a CSV file's header not included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import table_cells
from .base import FloatArray, SeriesError
from .table_columns import read_columns as read_columns

SMALLEST, LARGEST = 1e-100, 1e100
"""Range of a column that can be computed with, squares of it included."""

MOST_ADDED = 2
"""Times as many rows as a file has may stand on the grid of its times."""

UNEVEN = 0.01
"""Share of a time step by which times may be off their grid."""


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
    path: Path,
    *,
    columns: Sequence[str] = (),
    time: str | None = None,
    time_format: str | None = None,
    decimal: str = ".",
) -> Table:
    """Read columns of numbers and put them on an even grid of times.

    Args:
        columns: which, in which order; all but the time if left out. An array of a file of arrays is a column
            by its name, or several, NAME_0, NAME_1 …, which NAME alone names together.
        time: the column that holds times: numbers or dates, rising. Where it leaves out steps, rows are
            missing.
        time_format: of dates that are not written as 2009-12-31 23:50:00, as for `strptime`.
        decimal: what stands before the decimals of numbers in text, "." or ",".

    Raises:
        SeriesError: see the module.
    """
    found = read_columns(path, columns=columns, time=time, time_format=time_format, decimal=decimal)
    if found.times is None:
        return Table(found.names, found.values, None)
    stamps = found.stamps
    values, dt, added = regular(
        found.times,
        found.values,
        where=f"{path}, column {time!r}",
        date=None if stamps is None else lambda row: table_cells.written(stamps, row),
    )
    return Table(found.names, values, dt, added, found.dates)


def regular(
    times: FloatArray, values: FloatArray, *, where: str, date: Callable[[int], str] | None = None
) -> tuple[FloatArray, float, int]:
    """Values on an even grid of times, NaN where the times leave out a step; the step; rows that were added.

    Args:
        times: (T,), rising; seconds where they are of dates.
        values: (T, K).
        where: file and column, for messages.
        date: how the date of a row, counted from 0, is written; None where times are numbers.

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
        later, earlier = (date(i) if date else f"{times[i]:.12g}" for i in (row - 1, row - 2))
        raise SeriesError(
            f"{where}: times must rise, but row {row} has {later} after {earlier}"
            + (f" ({len(back)} such rows)" if len(back) > 1 else "")
        )
    dt = float(np.median(differences))
    steps = differences / dt
    unit = " s" if date else ""
    off = np.flatnonzero(np.abs(steps - np.round(steps)) > UNEVEN * np.maximum(1.0, steps))
    if len(off):
        row = int(off[0]) + 2
        raise SeriesError(
            f"{where}: times must lie {dt:.6g}{unit} apart, or a multiple of it where rows are missing, but "
            f"{_row(row, date)} comes {differences[row - 2]:.6g}{unit} after the one before ({len(off)} such "
            "rows): resample the series first"
        )
    length = float(np.round(steps).sum()) + 1
    if length > MOST_ADDED * len(times):
        row = int(np.argmax(differences)) + 2
        raise SeriesError(
            f"{where}: the times leave out {length - len(times):,.0f} rows of {dt:.6g}{unit}, more than "
            f"there are; {_row(row, date)} comes {differences[row - 2]:.6g}{unit} after the one before"
        )
    place = np.concatenate([[0], np.round(steps).astype(np.int64).cumsum()])
    grid = np.full((int(place[-1]) + 1, values.shape[1]), np.nan)
    grid[place] = values
    # Over the whole length: a difference of two times has lost digits to their size.
    even = float(f"{(times[-1] - times[0]) / place[-1]:.12g}")
    return grid, even, len(grid) - len(values)


def _row(row: int, date: Callable[[int], str] | None) -> str:
    return f"row {row} ({date(row - 1)})" if date else f"row {row}"


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

"""Reading a series from a file of somebody's: CSV, .npy or Parquet, checked row by row.

What comes back is regular in time: a (T, K) array, NaN where a value or a whole row is missing. Whatever
cannot be made sense of raises SeriesError, which says what is wrong, where, and what was expected. Rows are
counted from 1, a CSV file's header not included.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .base import DataError, FloatArray

SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv", ".npy", ".parquet")
MISSING = ["", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "?", "-"]
"""Texts of a CSV file that stand for a missing value."""

DECIMAL_COMMA = r"-?\d+,\d+"

SMALLEST, LARGEST = 1e-100, 1e100
"""Range of a column that can be computed with, squares of it included."""

MOST_ADDED = 2
"""Times as many rows as a file has may stand on the grid of its times."""

UNEVEN = 0.01
"""Share of a time step by which times may be off their grid."""


class SeriesError(DataError, ValueError):
    """A series that cannot be used. The message says what, where, and what was expected."""


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
    if not path.is_file():
        raise SeriesError(f"{path}: there is no such file")
    table = _read(path, as_text=time if time_format is not None else None)
    names = list(table)
    if not names:
        raise SeriesError(f"{path} has no columns")
    if "" in names:
        raise SeriesError(f"{path}: column {names.index('') + 1} has no name")
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
    values = np.column_stack([_numbers(table[name], name, path) for name in chosen])
    times, dates = _times(table[time], time, time_format, path) if time is not None else (None, False)
    return Columns(tuple(chosen), values, times, dates)


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


def _read(path: Path, *, as_text: str | None = None) -> dict[str, Any]:
    """Columns by name, as pyarrow or numpy arrays; one of them as the text that it is, where that is CSV."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise SeriesError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    try:
        if name.endswith(".npy"):
            return _from_numpy(np.load(path, allow_pickle=False), path)
        table = pq.read_table(path) if name.endswith(".parquet") else _from_csv(path, as_text)
        names = [column.strip() for column in table.column_names]
    except (OSError, ValueError, EOFError, pa.ArrowException, zlib.error) as error:
        if isinstance(error, SeriesError):
            raise
        kind = "NumPy array" if name.endswith(".npy") else "table"
        said = (str(error).splitlines() or [""])[0].encode("unicode_escape").decode()[:100]
        raise SeriesError(f"{path} cannot be read as a {kind}: {said}") from None
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SeriesError(f"{path}: two columns are named {twice!r}")
    return dict(zip(names, table.columns, strict=True))


def _from_numpy(array: Any, path: Path) -> dict[str, Any]:
    if not isinstance(array, np.ndarray):
        raise SeriesError(f"{path} holds several arrays: expected one")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise SeriesError(
            f"{path} holds {array.dtype} of shape {array.shape}: expected numbers (time, variables)"
        )
    if array.shape[1] > array.shape[0]:
        raise SeriesError(f"{path} has shape {array.shape}: expected (time, variables), transpose it")
    return {f"x_{i + 1}": array[:, i] for i in range(array.shape[1])}


def _from_csv(path: Path, as_text: str | None) -> Any:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rb") as file:
        first = file.readline(100_000)
    if not first.strip(b"\xef\xbb\xbf \r\n"):
        raise SeriesError(f"{path} is empty, or begins with an empty line")
    try:
        encoding, header = "utf-8", first.decode("utf-8-sig")
    except UnicodeDecodeError:  # "°C" as many loggers write it
        encoding, header = "latin-1", first.decode("latin-1")
    if "\0" in header:
        raise SeriesError(f"{path} is no text")
    delimiter = max(",;\t", key=header.count)
    if delimiter not in header and len(header.split()) > 1:
        return _from_spaces(path, header.split(), encoding)
    cells = next(csv.reader([header], delimiter=delimiter))
    names = [f"x_{i + 1}" for i in range(len(cells))] if all(map(_is_number, cells)) else None
    return pacsv.read_csv(
        path,
        read_options=pacsv.ReadOptions(column_names=names, encoding=encoding),
        parse_options=pacsv.ParseOptions(delimiter=delimiter),
        convert_options=pacsv.ConvertOptions(
            null_values=MISSING,
            strings_can_be_null=True,
            column_types={as_text: pa.string()} if as_text is not None else None,
        ),
    )


def _from_spaces(path: Path, cells: list[str], encoding: str) -> Any:
    """Columns of numbers with blanks between, under a header or none."""
    import pyarrow as pa

    has_names = not all(map(_is_number, cells))
    values = np.loadtxt(path, skiprows=int(has_names), encoding=encoding, ndmin=2)
    if values.shape[1] != len(cells):
        raise SeriesError(f"{path}: {values.shape[1]} columns under {len(cells)} names")
    return pa.table(
        dict(zip(cells if has_names else [f"x_{i + 1}" for i in range(len(cells))], values.T, strict=True))
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(column: Any, name: str, path: Path) -> FloatArray:
    import pyarrow as pa

    if isinstance(column, np.ndarray):
        values = column.astype(np.float64)
    elif (
        pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
        or pa.types.is_decimal(column.type)
    ):
        values = column.cast(pa.float64()).to_numpy()
    elif pa.types.is_null(column.type):
        raise SeriesError(f"{path}, column {name!r}: no value in any row")
    else:
        for row, cell in enumerate(column.to_pylist(), start=1):
            if cell is not None and not _is_number(str(cell)):
                hint = (
                    ", as numbers with a decimal comma are not"
                    if re.fullmatch(DECIMAL_COMMA, str(cell))
                    else ""
                )
                raise SeriesError(f"{path}, column {name!r}, row {row}: {str(cell)!r} is not a number{hint}")
        values = np.array([np.nan if cell is None else float(str(cell)) for cell in column.to_pylist()])
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise SeriesError(
            f"{path}, column {name!r}, row {infinite[0] + 1}: {values[infinite[0]]} is not finite"
        )
    return np.asarray(values, dtype=np.float64)


def _times(column: Any, name: str, form: str | None, path: Path) -> tuple[FloatArray, bool]:
    """Times as floats, of dates the seconds since the first; whether they are dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, np.ndarray):
        return _numbers(column, name, path), False
    if form is not None and not form.strip():
        raise SeriesError("--time-format is empty: expected how dates are written, such as '%d.%m.%Y %H:%M'")
    if pa.types.is_string(column.type) and form is not None:
        parsed = pc.strptime(column, format=form, unit="us", error_is_null=True)
        wrong = np.flatnonzero(np.asarray(pc.is_null(parsed)))
        if len(wrong):
            text = column[int(wrong[0])].as_py()
            raise SeriesError(
                f"{path}, column {name!r}, row {wrong[0] + 1}: {text!r} is not of the form {form!r}"
            )
        column = parsed
    if pa.types.is_time(column.type):
        raise SeriesError(f"{path}, column {name!r} holds times of day: expected dates, or numbers that rise")
    if pa.types.is_duration(column.type):
        passed = column.cast(pa.duration("us")).cast(pa.int64()).to_numpy().astype(np.float64)
        return (passed - passed[0]) / 1e6, True
    if pa.types.is_temporal(column.type):
        stamps = column.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy().astype(np.float64)
        return (stamps - stamps[0]) / 1e6, True
    if pa.types.is_string(column.type):
        example = next((cell for cell in column.to_pylist() if cell is not None), "")
        raise SeriesError(
            f"{path}, column {name!r}: {example!r} is neither a number nor a date such as "
            "2009-12-31 23:50:00; --time-format says how dates are written, such as '%d.%m.%Y %H:%M:%S'"
        )
    return _numbers(column, name, path), False


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

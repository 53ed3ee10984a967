"""The formats in which somebody's series come: CSV, .npy and Parquet, and what stands in their cells.

Whatever cannot be made sense of raises SeriesError, which says what is wrong, where, and what was expected.
Rows are counted from 1, a CSV file's header not included.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from .base import FloatArray, SeriesError

SUFFIXES = (".csv", ".csv.gz", ".txt", ".dat", ".tsv", ".npy", ".parquet")
MISSING = ["", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "?", "-"]
"""Texts of a CSV file that stand for a missing value."""

DECIMAL_COMMA = r"-?\d+,\d+"


def read_file(path: Path, *, as_text: str | None = None) -> dict[str, Any]:
    """Columns by name, as pyarrow or numpy arrays; one of them as the text that it is, where that is CSV.

    Raises:
        SeriesError: the file cannot be read, or names a column twice.
    """
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
        said = ", but perhaps UTF-16: save it as UTF-8" if first[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise SeriesError(f"{path} is no text that can be read{said}")
    delimiter = max(",;\t", key=header.count)
    if delimiter not in header and len(header.split()) > 1:
        return _from_spaces(path, header.removeprefix("#").split(), encoding)
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


def numbers(column: Any, name: str, path: Path) -> FloatArray:
    """A column as floats, NaN where a value is missing.

    Raises:
        SeriesError: a cell is no number, or not finite; says which.
    """
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


def times(column: Any, name: str, form: str | None, path: Path) -> tuple[FloatArray, bool]:
    """Times as floats, of dates the seconds since the first; whether they are dates.

    Args:
        form: of dates, as for `strptime`.

    Raises:
        SeriesError: they are neither numbers nor dates of this form.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, np.ndarray):
        return numbers(column, name, path), False
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
    return numbers(column, name, path), False

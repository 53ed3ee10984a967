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

LONGEST_LINE = 100_000
"""Of a header or a remark, in bytes."""

BOM = b"\xef\xbb\xbf"

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

    remarks, header, encoding = _head(path)
    mark = max(",;\t", key=header.count)
    delimiter = mark if mark in header or len(header.split()) < 2 else None
    cells = _cells(header, delimiter)
    names = _names(cells, _cells(remarks[-1], delimiter) if remarks else [])
    before = len(remarks) + (names is None)  # lines before the first row
    if delimiter is None:
        return _from_spaces(path, names or cells, encoding, skip=before)
    odd: list[str] = []

    def note(row: Any) -> str:  # what it raised would be lost
        found = f"row {row.number - before} has {row.actual_columns} values"
        odd.append(f"{found}, where {row.expected_columns} were expected")
        return "skip"

    table = pacsv.read_csv(
        path,
        # One thread: with several, rows are not counted.
        read_options=pacsv.ReadOptions(
            column_names=names, encoding=encoding, skip_rows=len(remarks), use_threads=False
        ),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=note),
        convert_options=pacsv.ConvertOptions(
            null_values=MISSING,
            strings_can_be_null=True,
            column_types={as_text: pa.string()} if as_text is not None else None,
        ),
    )
    if odd:
        raise SeriesError(f"{path}: {odd[0]}" + (f" ({len(odd)} such rows)" if len(odd) > 1 else ""))
    return table


def _head(path: Path) -> tuple[list[str], str, str]:
    """Remarks that a text begins with, without their #; the first line after them; the encoding."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    remarks = []
    with opener(path, "rb") as file:
        while (first := file.readline(LONGEST_LINE)).removeprefix(BOM).startswith(b"#"):
            remarks.append(first)
    if not first.removeprefix(BOM).strip():
        where = "goes on after its remarks (#)" if remarks else "begins"
        raise SeriesError(f"{path} is empty, or {where} with an empty line")
    encoding = "utf-8"
    try:
        b"".join([*remarks, first]).decode()
    except UnicodeDecodeError:  # "°C" as many loggers write it
        encoding = "latin-1"
    *lines, header = (line.removeprefix(BOM).decode(encoding) for line in [*remarks, first])
    if "\0" in header:
        said = ", but perhaps UTF-16: save it as UTF-8" if first[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise SeriesError(f"{path} is no text that can be read{said}")
    return [line.lstrip("#") for line in lines], header, encoding


def _cells(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.split()
    return next(csv.reader([line.strip("\r\n")], delimiter=delimiter), [])


def _names(first: list[str], remark: list[str]) -> list[str] | None:
    """Names of columns that do not stand in the first line; None where they do.

    Args:
        first: cells of the first line that is no remark.
        remark: of the remark before it. It names the columns if it has as many, none a number, and the first
            line has one.
    """
    numbers = sum(map(_is_number, first))
    if numbers and len(remark) == len(first) and not any(map(_is_number, remark)):
        return remark
    return [f"x_{i + 1}" for i in range(len(first))] if numbers == len(first) else None


def _from_spaces(path: Path, names: list[str], encoding: str, *, skip: int) -> Any:
    """Columns of numbers with blanks between, after so many lines."""
    import pyarrow as pa

    values = np.loadtxt(path, skiprows=skip, encoding=encoding, ndmin=2)
    if values.shape[1] != len(names):
        raise SeriesError(f"{path}: {values.shape[1]} columns under {len(names)} names")
    return pa.table(dict(zip(names, values.T, strict=True)))


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

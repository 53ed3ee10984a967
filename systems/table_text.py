"""Series from text: CSV with commas, semicolons or tabs, and columns with blanks between."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .base import SeriesError
from .table_cells import as_number, is_number

MISSING = ["", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "?", "-"]
"""Texts that stand for a missing value."""

LONGEST_LINE = 100_000
"""Of a header or a remark, in bytes."""

BOM = b"\xef\xbb\xbf"


class _Head(NamedTuple):
    """What a text begins with."""

    remark: str
    """The last line that begins with #, without it."""
    line: str
    """The first that is none."""
    before: int
    """Lines before that one."""
    encoding: str


def from_text(path: Path, *, as_text: Sequence[str], decimal: str) -> Any:
    """A pyarrow table; columns of numbers and dates where all cells are, else of text.

    Args:
        as_text: columns that are left as the text that they are.
        decimal: what stands before the decimals, "." or ",".

    Raises:
        SeriesError: it is no table.
        OSError, ValueError, EOFError, zlib.error, pyarrow.ArrowException: it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    head = _head(path)
    delimiter = _delimiter(head.line, decimal)
    cells = _cells(head.line, delimiter)
    names = _names(cells, _cells(head.remark, delimiter), decimal)
    before = head.before + (names is None)  # lines before the first row
    if delimiter is None:
        return _from_spaces(path, names or cells, head, skip=before, decimal=decimal)
    odd: list[Any] = []

    def note(row: Any) -> str:  # what it raised would be lost
        odd.append(row)
        return "skip"

    table = pacsv.read_csv(
        path,
        # One thread: with several, rows are not counted.
        read_options=pacsv.ReadOptions(
            column_names=names, encoding=head.encoding, skip_rows=head.before, use_threads=False
        ),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=note),
        convert_options=pacsv.ConvertOptions(
            null_values=MISSING,
            strings_can_be_null=True,
            column_types={cell: pa.string() for cell in names or cells if cell.strip() in as_text},
            decimal_point=decimal,
        ),
    )
    if odd and not len(table):
        halved = delimiter == "," and decimal == "." and odd[0].actual_columns == 2 * odd[0].expected_columns
        raise _misnamed(path, head, odd[0].expected_columns, odd[0].actual_columns, commas=halved)
    if odd:
        raise SeriesError(
            f"{path}: row {odd[0].number - before} has {odd[0].actual_columns} values, where "
            f"{odd[0].expected_columns} were expected" + (f" ({len(odd)} such rows)" if len(odd) > 1 else "")
        )
    return table


def _head(path: Path) -> _Head:
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    lines: list[bytes] = []
    remark = b""
    with opener(path, "rb") as file:
        # Blanks may come before a #, and empty lines among remarks.
        while line := file.readline(LONGEST_LINE).removeprefix(BOM):
            if line.lstrip(b" ").startswith(b"#"):
                remark = line
            elif line.strip(b" \r\n") or not remark:  # tabs part missing values
                break
            lines.append(line)
    if not line.strip():
        where = "goes on after its remarks (#)" if remark else "begins"
        raise SeriesError(f"{path} is empty, or {where} with an empty line")
    encoding = "utf-8"
    try:
        b"".join([*lines, line]).decode()
    except UnicodeDecodeError:  # "°C" as many loggers write it
        encoding = "latin-1"
    header = line.decode(encoding)
    if "\0" in header:
        said = ", but perhaps UTF-16: save it as UTF-8" if line[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise SeriesError(f"{path} is no text that can be read{said}")
    return _Head(remark.decode(encoding).lstrip(" #"), header, len(lines), encoding)


def _delimiter(line: str, decimal: str) -> str | None:
    """What stands between the cells of a line; None: blanks."""
    bare = re.sub(r'"[^"]*"', "_", line)
    parts = bare.split()
    numbers = len(parts) > 1 and all(re.fullmatch(r"[-+]?\d+(,\d+)?", part) for part in parts)
    if decimal == "," or numbers or ";" in bare or "\t" in bare:
        bare = re.sub(r"(?<=\d),(?=\d)", "", bare)  # commas within numbers
    mark = max(",;\t", key=bare.count)
    if mark in bare:
        return mark
    return None if len(parts) > 1 else "," if decimal == "." else ";"


def _cells(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.split()
    return next(csv.reader([line.strip("\r\n")], delimiter=delimiter), [])


def _names(first: list[str], remark: list[str], decimal: str) -> list[str] | None:
    """Names of columns that do not stand in the first line; None where they do.

    Args:
        first: cells of the first line that is no remark.
        remark: of the remark before it. It names the columns if it has as many, none a number, and the first
            line has one.
    """
    numbers = sum(is_number(cell, decimal) for cell in first)
    if numbers and len(remark) == len(first) and not any(is_number(cell, decimal) for cell in remark):
        return remark
    return [f"x_{i + 1}" for i in range(len(first))] if numbers == len(first) else None


def _from_spaces(path: Path, names: list[str], head: _Head, *, skip: int, decimal: str) -> Any:
    """Columns of numbers with blanks between, after so many lines."""
    import pyarrow as pa

    converters = (lambda text: as_number(text, decimal)) if decimal == "," else None
    try:
        values = np.loadtxt(path, skiprows=skip, encoding=head.encoding, ndmin=2, converters=converters)
    except ValueError as error:
        said = str(error).rstrip(".")
        if decimal == ",":
            raise SeriesError(f"{path}: {said}, with a decimal comma, as --decimal , says") from None
        if re.search(r"'[-+]?\d+,\d+'", said):
            raise SeriesError(f"{path}: {said}; --decimal , reads numbers with a decimal comma") from None
        raise
    if values.shape[1] != len(names):
        raise _misnamed(path, head, len(names), values.shape[1])
    return pa.table(dict(zip(names, values.T, strict=True)))


def _misnamed(path: Path, head: _Head, names: int, columns: int, *, commas: bool = False) -> SeriesError:
    """Of rows that all have another number of cells than the line that names them."""
    line = head.line.strip()
    hint = "; --decimal , is for numbers with a decimal comma" if commas else ""
    return SeriesError(
        f"{path}: {columns} columns under {names} name{'s' * (names > 1)}, in line {head.before + 1}: "
        f"{line[:60] + '…' * (len(line) > 60)!r}. A line that does not name the columns must begin with #"
        f"{hint}"
    )

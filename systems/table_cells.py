"""What stands in the columns of somebody's series: numbers and times.

Whatever is neither raises SeriesError, which says what is wrong, where, and what was expected. Rows are
counted from 1.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from .base import FloatArray, SeriesError

DECIMAL_COMMA = r"[-+]?\d*,\d+([eE][-+]?\d+)?"

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

KINDS = {
    "c": "complex numbers",
    "b": "true and false",
    "O": "objects",
    "V": "a struct",
    "U": "text",
    "S": "text",
}
"""What an array holds that holds no real numbers, by the kind of its dtype."""


class NoNumbersError(SeriesError):
    """A column is not of numbers."""


def as_number(text: str, decimal: str = ".") -> float:
    """The number that a text is.

    Args:
        decimal: "," where that stands before the decimals, and a point then nowhere: it may part thousands.

    Raises:
        ValueError: it is none.
    """
    if decimal == "," and "." in text:
        raise ValueError(f"{text!r} is not a number with a decimal comma")
    return float(text.replace(",", ".") if decimal == "," else text)


def is_number(text: str, decimal: str = ".") -> bool:
    try:
        as_number(text, decimal)
    except ValueError:
        return False
    return True


def is_numeric(column: Any) -> bool:
    """Whether a column is of a type of numbers, not looked at cell by cell."""
    import pyarrow as pa

    if isinstance(column, np.ndarray):
        return column.ndim == 1 and column.dtype.kind in "fiu"
    kind = column.type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_dates(column: Any) -> bool:
    """Whether a column is of a type of dates or of durations."""
    import pyarrow as pa

    return not isinstance(column, np.ndarray) and bool(
        pa.types.is_temporal(column.type) and not pa.types.is_time(column.type)
    )


def numbers(column: Any, name: str, path: Path, decimal: str = ".") -> FloatArray:
    """A column as (T,) floats, NaN where a value is missing.

    Raises:
        NoNumbersError: a cell is no number, or there is none; says which.
        SeriesError: a number is not finite, or has a decimal comma.
    """
    import pyarrow as pa

    where = f"{path}, column {name!r}"
    if isinstance(column, np.ndarray):
        if not is_numeric(column):
            raise NoNumbersError(f"{where} {_holds(column)}")
        values = column.astype(np.float64)
    elif is_numeric(column):
        values = column.cast(pa.float64()).to_numpy()
    elif pa.types.is_null(column.type):
        raise NoNumbersError(f"{where}: no value in any row")
    else:
        cells = [None if cell is None else str(cell) for cell in _texts(column)]
        for row, cell in enumerate(cells, start=1):
            if cell is not None and not is_number(cell, decimal):
                _refuse(cell, f"{where}, row {row}", decimal)
        values = np.array([np.nan if cell is None else as_number(cell, decimal) for cell in cells])
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise SeriesError(f"{where}, row {infinite[0] + 1}: {values[infinite[0]]} is not finite")
    return np.asarray(values, dtype=np.float64)


def _holds(array: Any) -> str:
    """What an array holds instead of one number a row."""
    shape = array.shape
    if array.dtype.kind in "fiu":
        turn = ", transpose it" if len(shape) == 2 and shape[1] > shape[0] > 0 else ""
        return f"has shape {shape}: expected (time, variables){turn}"
    return (
        f"holds {KINDS.get(array.dtype.kind, array.dtype)}, shape {shape}: expected numbers (time, variables)"
    )


def _texts(column: Any) -> list[Any]:
    """Cells for people to read. Of dates by pyarrow: Python has none with nanoseconds."""
    import pyarrow as pa

    if pa.types.is_duration(column.type):
        return [f"{ticks} {column.type.unit}" for ticks in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.string())
    cells: list[Any] = column.to_pylist()
    return cells


def _refuse(cell: str, where: str, decimal: str) -> None:
    if decimal == "," and is_number(cell):
        raise SeriesError(f"{where}: {cell!r} has no decimal comma, as --decimal , says")
    if decimal == "." and re.fullmatch(DECIMAL_COMMA, cell):
        raise SeriesError(
            f"{where}: {cell!r} is not a number; --decimal , reads it as one with a decimal comma"
        )
    raise NoNumbersError(f"{where}: {cell!r} is not a number")


def times(
    column: Any, name: str, form: str | None, path: Path, decimal: str = "."
) -> tuple[FloatArray, bool]:
    """Times as (T,) floats, NaN where missing, of dates the seconds since the first; whether they are dates.

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
    if is_dates(column):
        return _seconds(column), True
    if pa.types.is_string(column.type):
        cells = (cell for cell in column.to_pylist() if cell is not None)
        example = next((cell for cell in cells if not is_number(cell, decimal)), None)
        if example is not None and re.fullmatch(DECIMAL_COMMA, example):
            _refuse(example, f"{path}, column {name!r}", decimal)
        if example is not None:
            raise SeriesError(
                f"{path}, column {name!r}: {example!r} is neither a number nor a date such as "
                "2009-12-31 23:50:00; --time-format says how dates are written, such as '%d.%m.%Y %H:%M:%S'"
            )
    return numbers(column, name, path, decimal), False


def _seconds(column: Any) -> FloatArray:
    """Dates or durations as seconds since the first that is there, NaN where missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    there = np.asarray(pc.is_valid(column))
    if not there.any():
        return np.full(len(there), np.nan)
    # Whole numbers up to the difference: a date in nanoseconds has more digits than a float.
    ticks = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    seconds, rest = np.divmod(ticks, PER_SECOND[column.type.unit])
    first = int(np.argmax(there))
    passed = (seconds - seconds[first]) + (rest - rest[first]) / PER_SECOND[column.type.unit]
    return np.where(there, passed, np.nan)


def written(column: Any, row: int) -> str:
    """How a date stands in the file; rows are counted from 0 here."""
    return str(_texts(column[row : row + 1])[0])

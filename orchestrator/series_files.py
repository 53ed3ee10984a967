"""The files of a series of one's own, read and checked: one recording, or several parts of one system.

Files are parts, in the order in which they are named. With gaps split, what lies between gaps that are not
filled is a part too.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError
from .systems import tables
from .systems.analysis.blemishes import find_gaps, long_gaps, outliers
from .systems.analysis.spectrum import mean_period
from .systems.base import SeriesError
from .systems.own import LEAST_PART
from .systems.parts import Parts, joined
from .systems.preparation import Step, length_after, prepare, runs

FloatArray = NDArray[np.float64]

EQUAL = 1e-6
"""Steps that differ by so small a share are equal."""

SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""Units that times between dates can be given in."""


@dataclass(frozen=True, eq=False)
class Files:
    """What was read."""

    columns: tuple[str, ...]
    values: FloatArray
    """(T, K), part after part, NaN where a value is missing."""
    parts: Parts
    dt: float
    time_unit: str
    missing: int
    """Values that are to be filled in."""
    rows_added: int
    """Rows that the files left out, by their times, and that are filled in."""
    remarks: tuple[str, ...]
    """What may not be as it was meant."""

    @property
    def several(self) -> tuple[int, ...]:
        """Lengths of the parts, where there are several."""
        return self.parts.lengths if len(self.parts.lengths) > 1 else ()


def read(
    sources: Sequence[Path],
    *,
    columns: Sequence[str],
    dt: float | None,
    time: str | None,
    time_format: str | None,
    time_unit: str,
    decimal: str,
    rows: tuple[int, int] | None,
    fill_gaps: int | None,
    split_gaps: bool,
    steps: Sequence[Step],
) -> Files:
    """Read the files of a series; the arguments are those of `adding.add`. Between gaps a stretch of which
    the steps, with an embedding whose delays are given, leave fewer than LEAST_PART points is no part.

    Raises:
        UsageError: settings contradict each other.
        SeriesError: a file cannot be used, or is not like the first; says what is wrong and where.
    """
    if rows is not None and len(sources) > 1:
        raise UsageError("--rows is of one file: rows of several are taken before")
    if len({path.resolve() for path in sources}) < len(sources):
        raise UsageError("a file is named twice: networks would be tested on what they were trained on")
    found: list[tuple[tables.Table, float]] = []
    parts: list[FloatArray] = []
    missing = rows_read = rows_added = 0
    remarks: list[str] = []
    unit = time_unit
    for source in sources:
        table = tables.read_table(
            source, columns=columns, time=time, time_format=time_format, decimal=decimal
        )
        step, unit = _time_step(table, dt, time_unit)
        if found:
            _check_alike(source, table, step, sources[0], *found[0])
        found.append((table, step))
        values = _stretch(table.values, rows, source)
        tables.check_values(values, table.columns, where=str(source))
        if split_gaps:
            stretches = _stretches(values, fill_gaps or 0)
            own = [part for part in stretches if length_after(len(part), steps) >= LEAST_PART]
        elif len(sources) > 1 and len(values) < LEAST_PART:
            raise SeriesError(f"{source} has {len(values)} rows: a part has {LEAST_PART} at least")
        else:
            own = [values]
        missing += sum(_missing(part, table, source, fill_gaps) for part in own)
        rows_read += len(values)
        empty = sum(int(np.isnan(part).all(axis=1).sum()) for part in own)
        rows_added += min(table.rows_added, empty)
        parts += own
        said = _remarks(table, values, own, rows, step)
        remarks += said if len(sources) == 1 else [f"{source.name}: {one}" for one in said]
    if not parts:
        raise SeriesError(f"{sources[0]}: no stretch without a gap has {LEAST_PART} points after preparation")
    series, lengths = joined(parts)
    if left_out := rows_read - len(series):
        remarks.append(
            f"{left_out:,} rows are left out: gaps, and stretches of fewer than {LEAST_PART} points after "
            "preparation"
        )
    first, step = found[0]
    return Files(first.columns, series, lengths, step, unit, missing, rows_added, tuple(remarks))


def _check_alike(
    source: Path, table: tables.Table, dt: float, first: Path, its: tables.Table, its_dt: float
) -> None:
    """Raises SeriesError where a file is not of the same variables and time step as the first."""
    if table.columns != its.columns:
        raise SeriesError(
            f"{source} has the columns {', '.join(table.columns)}, and {first} {', '.join(its.columns)}: "
            "parts of one system have the same; --columns chooses"
        )
    if not math.isclose(dt, its_dt, rel_tol=EQUAL):
        raise SeriesError(f"{source} has rows {dt:g} apart, and {first} {its_dt:g}: parts have one time step")


def _stretches(values: FloatArray, filled: int) -> list[FloatArray]:
    """What lies between gaps of more than `filled` rows; it begins and ends with values that are there."""
    apart = np.zeros(len(values), dtype=bool)
    for column in np.isnan(values).T:
        for start, length in runs(column):
            if length > filled:
                apart[start : start + length] = True
    found = []
    for start, length in runs(~apart):
        part = values[start : start + length]
        there = np.flatnonzero(np.isfinite(part).all(axis=1))
        if len(there):
            found.append(np.ascontiguousarray(part[there[0] : there[-1] + 1]))
    return found


def _time_step(table: tables.Table, dt: float | None, unit: str) -> tuple[float, str]:
    """The time between rows and the name of its unit."""
    if dt is not None:
        return float(dt), unit
    if table.dt is None:
        raise UsageError(
            "the time between rows is not known: give --dt, or --time with the column that holds it"
        )
    if not table.dates:
        return table.dt, unit
    unit = unit or "s"
    if unit not in SECONDS:
        raise UsageError(
            f"--time-unit {unit}: times that are dates can be converted to {', '.join(SECONDS)}; for another "
            "unit give the time between rows in it by --dt"
        )
    return table.dt / SECONDS[unit], unit


def _stretch(values: FloatArray, rows: tuple[int, int] | None, source: Path) -> FloatArray:
    if rows is None:
        return values
    first, last = rows
    if not 1 <= first < last <= len(values):
        raise UsageError(f"--rows {first}:{last}: {source} has rows 1 to {len(values)}")
    return np.ascontiguousarray(values[first - 1 : last])


def _missing(values: FloatArray, table: tables.Table, source: Path, filled: int | None) -> int:
    """How many values are missing, if all may be."""
    there = np.flatnonzero(np.isfinite(values).all(axis=1))
    if len(there) and (there[0] > 0 or there[-1] < len(values) - 1):
        raise SeriesError(
            f"{source} begins or ends with missing values: --rows {there[0] + 1}:{there[-1] + 1} leaves them "
            "out"
        )
    gaps = find_gaps(values, table.columns)
    too_long = [gap for gap in gaps if gap.longest > (filled or 0)]
    if too_long:
        rows = f", {table.rows_added} whole rows among them, by its times" if table.rows_added else ""
        listed = "; ".join(
            f"column {gap.column!r} lacks {gap.missing} in {gap.gaps} gaps, the first at row "
            f"{gap.first_row}, the longest of {gap.longest}"
            for gap in too_long
        )
        longest = max(gap.longest for gap in gaps)
        raise SeriesError(
            f"{source} has missing values{rows}: {listed}. --fill-gaps {longest} would fill them by straight "
            "lines, --rows takes a stretch without them, --split-gaps takes them for breaks"
        )
    return sum(gap.missing for gap in gaps)


def _remarks(
    table: tables.Table,
    values: FloatArray,
    parts: Sequence[FloatArray],
    rows: tuple[int, int] | None,
    dt: float,
) -> Iterator[str]:
    """What may not be as it was meant of a table, and of those of its values that are taken, in parts."""
    if table.dt is not None and not table.dates and not math.isclose(table.dt, dt, rel_tol=EQUAL):
        yield f"rows are {table.dt:g} apart by their times, and count as {dt:g}, as --dt says"
    yield from outliers(values, table.columns, first_row=1 if rows is None else rows[0])
    for part in parts:
        if gaps := find_gaps(part, table.columns):
            filled = prepare(part, [Step("fill_gaps", {"longest": max(gap.longest for gap in gaps)})])
            yield from long_gaps(gaps, dict(zip(table.columns, map(mean_period, filled.T), strict=True)))
    for name, column in zip(table.columns, values.T, strict=True):
        steps = np.diff(column)
        if steps[0] > 0 and np.ptp(steps) <= EQUAL * steps[0]:
            yield f"{name} rises in equal steps, as times do, and is a variable: --time {name} takes it out"

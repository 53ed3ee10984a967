"""Series of one's own: taken from a file, checked, prepared once to see that it can be done, written down.

What is written is what `systems.own` reads. Nothing is written unless everything holds.
"""

import io
import json
import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import durable
from .errors import OrchError, UsageError
from .systems import own, table_files, tables
from .systems.analysis.blemishes import find_gaps, long_gaps, outliers
from .systems.analysis.exponent import suggest_embedding, suggest_settings
from .systems.analysis.spectrum import mean_period
from .systems.base import SeriesError
from .systems.preparation import Step, length_after, prepare
from .systems.raw import data_folder
from .systems.registry import shipped

FloatArray = NDArray[np.float64]

TEST_SHARE = 0.2
SHORTEST = 1e-100
"""Time between rows."""

EQUAL = 1e-6
"""Steps that differ by so small a share are equal."""

SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""Units that times between dates can be given in."""

HEAD = """\
# A series of one's own, written by `orch system add`. The series is in {name}.parquet.
# Preparation and exponent may be edited; trials on the series as it was before stay apart.
# `orch system analyse {name}` shows what comes out."""


@dataclass(frozen=True)
class Added:
    """What was written, and what is to be known of it."""

    system: own.OwnSeries
    files: tuple[Path, Path]
    missing: int
    """Values that were not there and are filled in."""
    rows_added: int
    """Rows that the file left out, by its times."""
    remarks: tuple[str, ...] = ()
    """What may not be as it was meant."""


def add(
    name: str,
    source: Path,
    *,
    columns: Sequence[str] = (),
    dt: float | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_unit: str = "",
    decimal: str = ".",
    rows: tuple[int, int] | None = None,
    fill_gaps: int | None = None,
    steps: Sequence[Step] = (),
    embed: tuple[int, int] | Literal["auto"] | None = None,
    test_share: float = TEST_SHARE,
    description: str = "",
    force: bool = False,
) -> Added:
    """Register a series under a name in the data folder.

    Args:
        columns: of the file, in which order; all but the times if left out.
        dt: time between rows, in the unit that exponents are wanted in; from the times if left out.
        time: the column that holds times.
        time_unit: name of the unit of `dt` or of times that are numbers; times that are dates are converted
            to it, and to seconds if it is left out.
        decimal: what stands before the decimals of numbers in text, "." or ",".
        rows: the first and the last row to take, counted from 1; all by default. Counted on the grid of times
            where there are times.
        fill_gaps: longest gap, in rows, that is filled by straight lines; None refuses missing values.
        steps: preparation between filling gaps and embedding.
        embed: dimension and delay, in steps of the series so far, or "auto"; for a single column.
        test_share: of the prepared series, its end, that is tested on and not trained on; 0: all is both.
        force: replace a series of this name.

    Raises:
        UsageError: the name cannot be used, or settings contradict each other.
        SeriesError: the series cannot be used; says what is wrong and where.
        OrchError: it cannot be written.
    """
    table_files.check_there(source)
    folder = data_folder()
    files = (folder / f"{name}.toml", folder / f"{name}.parquet")
    _check_name(name, files[0], force)
    if dt is not None and not SHORTEST <= dt < math.inf:
        raise UsageError(f"--dt {dt:g}: expected a time above 0")
    if decimal not in (".", ","):
        raise UsageError(f"--decimal {decimal}: expected , or what is meant without it, a point")
    table = tables.read_table(source, columns=columns, time=time, time_format=time_format, decimal=decimal)
    dt, time_unit = _time_step(table, dt, time_unit)
    values = _stretch(table.values, rows, source)
    tables.check_values(values, table.columns, where=str(source))
    missing = _missing(values, table, source, fill_gaps)
    before = [*([Step("fill_gaps", {"longest": fill_gaps})] if missing else []), *steps]
    own.check_length(length_after(len(values), before))
    measured = _prepare(values, before, source)
    tables.check_values(measured, table.columns, where=f"{source}, prepared")
    after = [_embedding(measured, embed)] if embed is not None else []
    left = length_after(len(measured), after)
    own.check_length(left)
    test = round(left * test_share)
    if test:
        last = measured[len(measured) - test :]
        tables.check_values(last, table.columns, where=f"{source}, the last {test:,} points, to test on")
    described = own.Description(
        description=description,
        source=source.name,
        sha256=own.digest_of(values),
        columns=table.columns,
        raw_points=len(values),
        raw_dt=dt,
        time_unit=time_unit,
        test_points=test,
        steps=tuple({"step": step.name, **step.parameters} for step in (*before, *after)),
        exponent=_exponent(measured),
    )
    text = _toml(name, described)
    try:
        system = own.as_system(name, described, read=lambda: values)
        tomllib.loads(text)
        encoded = text.encode()
    except SeriesError:
        raise
    except UnicodeEncodeError:
        raise UsageError("the description holds characters that are none") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"this cannot stand in a description: {error}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        durable.write(files[1], _parquet(table.columns, values))
        durable.write(files[0], encoded)
    except OSError as error:
        raise OrchError(f"{files[0].parent} cannot be written: {error.strerror}") from None
    return Added(system, files, missing, table.rows_added, tuple(_remarks(table, values, rows, dt)))


def _remarks(
    table: tables.Table, values: FloatArray, rows: tuple[int, int] | None, dt: float
) -> Iterator[str]:
    """What may not be as it was meant of a table, and of those of its values that are taken."""
    if table.dt is not None and not table.dates and not math.isclose(table.dt, dt, rel_tol=EQUAL):
        yield f"rows are {table.dt:g} apart by their times, and count as {dt:g}, as --dt says"
    yield from outliers(values, table.columns, first_row=1 if rows is None else rows[0])
    gaps = find_gaps(values, table.columns)
    if gaps:
        filled = prepare(values, [Step("fill_gaps", {"longest": max(gap.longest for gap in gaps)})])
        yield from long_gaps(gaps, dict(zip(table.columns, map(mean_period, filled.T), strict=True)))
    for name, column in zip(table.columns, values.T, strict=True):
        steps = np.diff(column)
        if steps[0] > 0 and np.ptp(steps) <= EQUAL * steps[0]:
            yield f"{name} rises in equal steps, as times do, and is a variable: --time {name} takes it out"


def _check_name(name: str, path: Path, force: bool) -> None:
    if not own.NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot name a series: letters, digits, '_' and '-' only, the first a letter or digit"
        )
    if name in shipped():
        raise UsageError(f"'{name}' is a system that ships with the tool: choose another name")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already: choose another name, or --force to replace it")


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
            "lines, --rows takes a stretch without them"
        )
    return sum(gap.missing for gap in gaps)


def _prepare(values: FloatArray, steps: Sequence[Step], source: Path) -> FloatArray:
    try:
        return prepare(values, steps)
    except ValueError as error:
        raise SeriesError(f"{source}: {error}") from None


def _embedding(series: FloatArray, wanted: tuple[int, int] | Literal["auto"]) -> Step:
    if series.shape[1] != 1:
        raise UsageError(f"--embed is for one column, not for {series.shape[1]}: choose it by --columns")
    if wanted == "auto":
        found = suggest_embedding(series[:, 0])
        wanted = (found.dimension, found.delay)
    return Step("embed", dict(zip(("dimension", "delay"), wanted, strict=True)))


def _exponent(series: FloatArray) -> own.Exponent:
    try:
        settings = suggest_settings(series)
        settings.curve(series)
    except ValueError as error:
        raise SeriesError(f"λ_max cannot be estimated: {error}") from None
    return own.Exponent(**asdict(settings))


def _parquet(columns: Sequence[str], values: FloatArray) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table(dict(zip(columns, values.T, strict=True))), file)
    return file.getvalue()


def _toml(name: str, described: own.Description) -> str:
    """The description as a file to be read, and edited, by people."""
    content = described.model_dump(exclude_none=True, exclude={"steps", "exponent"})
    content["columns"] = list(described.columns)
    lines = [HEAD.format(name=name), *(f"{key} = {_value(value)}" for key, value in content.items())]
    for step in described.steps:
        lines += ["", "[[steps]]", *(f"{key} = {_value(value)}" for key, value in step.items())]
    lines += ["", "[exponent]  # how λ_max is estimated, in steps of the series before embedding"]
    lines += [
        f"{key} = {_value(value)}" for key, value in described.exponent.model_dump(exclude_none=True).items()
    ]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    # JSON's strings, numbers, booleans and flat lists are TOML's too.
    return json.dumps(value, ensure_ascii=False)

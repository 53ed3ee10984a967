"""Series of one's own: taken from a file, checked, prepared once to see that it can be done, written down.

What is written is what `systems.own` reads. Nothing is written unless everything holds.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import durable
from .errors import OrchError, UsageError
from .systems import own, tables
from .systems.analysis.exponent import suggest_embedding, suggest_settings
from .systems.analysis.overview import find_gaps
from .systems.preparation import Step
from .systems.raw import data_folder
from .systems.registry import shipped
from .systems.tables import SeriesError

FloatArray = NDArray[np.float64]

TEST_SHARE = 0.2

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


def add(
    name: str,
    source: Path,
    *,
    columns: Sequence[str] = (),
    dt: float | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_unit: str = "",
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
    folder = data_folder()
    files = (folder / f"{name}.toml", folder / f"{name}.parquet")
    _check_name(name, files[0], force)
    table = tables.read_table(source, columns=columns, time=time, time_format=time_format)
    if dt is None and table.dt is None:
        raise UsageError(
            "the time between rows is not known: give --dt, or --time with the column that holds it"
        )
    missing = _missing(table, source, fill_gaps)
    tables.check_values(table.values, table.columns, where=str(source))
    filled = [Step("fill_gaps", {"longest": fill_gaps})] if missing else []
    before = [*filled, *steps]
    measured = own.prepared(table.values, before)
    after = [_embedding(measured, embed)] if embed is not None else []
    series = own.prepared(measured, after)
    tables.check_values(measured, table.columns, where=f"{source}, prepared")
    described = own.Description(
        description=description,
        source=source.name,
        sha256=own.digest_of(table.values),
        columns=table.columns,
        raw_points=len(table.values),
        raw_dt=dt if dt is not None else table.dt or 1.0,
        time_unit=time_unit or ("s" if table.dates and dt is None else ""),
        test_points=round(len(series) * test_share),
        steps=tuple({"step": step.name, **step.parameters} for step in (*before, *after)),
        exponent=_exponent(measured),
    )
    try:
        system = own.as_system(name, described, read=lambda: table.values)
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        durable.write(files[1], _parquet(table))
        durable.write(files[0], _toml(name, described).encode())
    except OSError as error:
        raise OrchError(f"{files[0].parent} cannot be written: {error.strerror}") from None
    return Added(system, files, missing, table.rows_added)


def _check_name(name: str, path: Path, force: bool) -> None:
    if not name.replace("_", "").replace("-", "").isalnum():
        raise UsageError(f"'{name}' cannot name a series: letters, digits, '_' and '-' only")
    if name in shipped():
        raise UsageError(f"'{name}' is a system that ships with the tool: choose another name")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already: choose another name, or --force to replace it")


def _missing(table: tables.Table, source: Path, filled: int | None) -> int:
    """How many values are missing, if all may be."""
    gaps = find_gaps(table.values, table.columns)
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
            "lines"
        )
    return sum(gap.missing for gap in gaps)


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


def _parquet(table: tables.Table) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table(dict(zip(table.columns, table.values.T, strict=True))), file)
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

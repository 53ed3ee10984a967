"""Series of one's own: taken from a file, checked, prepared once to see that it can be done, written down.

What is written is what `systems.own` reads. Nothing is written unless everything holds.
"""

import io
import json
import math
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import durable, series_files
from .errors import OrchError, UsageError
from .systems import own, table_files, tables
from .systems.analysis.suggestion import suggest_embedding, suggest_settings
from .systems.base import SeriesError
from .systems.parts import Parts
from .systems.preparation import Step, length_after, prepare_parts
from .systems.raw import data_folder
from .systems.registry import shipped

FloatArray = NDArray[np.float64]

TEST_SHARE = 0.2
SHORTEST = 1e-100
"""Time between rows."""

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
    *sources: Path,
    columns: Sequence[str] = (),
    dt: float | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_unit: str = "",
    decimal: str = ".",
    rows: tuple[int, int] | None = None,
    fill_gaps: int | None = None,
    split_gaps: bool = False,
    steps: Sequence[Step] = (),
    embed: tuple[int, int] | Literal["auto"] | None = None,
    test_share: float = TEST_SHARE,
    description: str = "",
    force: bool = False,
) -> Added:
    """Register a series under a name in the data folder.

    Args:
        sources: its files; several are parts of one system, in this order, and the last rows of the last are
            tested on.
        columns: of the file, in which order; all but the times if left out.
        dt: time between rows, in the unit that exponents are wanted in; from the times if left out.
        time: the column that holds times.
        time_unit: name of the unit of `dt` or of times that are numbers; times that are dates are converted
            to it, and to seconds if it is left out.
        decimal: what stands before the decimals of numbers in text, "." or ",".
        rows: the first and the last row to take, counted from 1; all by default. Counted on the grid of times
            where there are times.
        fill_gaps: longest gap, in rows, that is filled by straight lines; None: none is.
        split_gaps: longer gaps part the series; otherwise they are refused.
        steps: preparation between filling gaps and embedding.
        embed: dimension and delay, in steps of the series so far, or "auto"; for a single column.
        test_share: of the prepared series, its end, that is tested on and not trained on; 0: all is both.
        force: replace a series of this name.

    Raises:
        UsageError: the name cannot be used, or settings contradict each other.
        SeriesError: the series cannot be used; says what is wrong and where.
        OrchError: it cannot be written.
    """
    for source in sources:
        table_files.check_there(source)
    folder = data_folder()
    files = (folder / f"{name}.toml", folder / f"{name}.parquet")
    _check_name(name, files[0], force)
    if dt is not None and not SHORTEST <= dt < math.inf:
        raise UsageError(f"--dt {dt:g}: expected a time above 0")
    if decimal not in (".", ","):
        raise UsageError(f"--decimal {decimal}: expected , or what is meant without it, a point")
    found = series_files.read(
        sources,
        columns=columns,
        dt=dt,
        time=time,
        time_format=time_format,
        time_unit=time_unit,
        decimal=decimal,
        rows=rows,
        fill_gaps=fill_gaps,
        split_gaps=split_gaps,
        steps=[*steps, *([_embed(embed)] if isinstance(embed, tuple) else [])],
    )
    values, where = found.values, _named(sources)
    before = [*([Step("fill_gaps", {"longest": fill_gaps})] if found.missing else []), *steps]
    own.check_length(found.parts.each(lambda length: length_after(length, before)).total)
    measured, parts = _prepare(values, found.parts, before, where)
    tables.check_values(measured, found.columns, where=f"{where}, prepared")
    after = [_embedding(parts.longest_of(measured), embed)] if embed is not None else []
    left = parts.each(lambda length: length_after(length, after)).total
    own.check_length(left)
    test = round(left * test_share)
    if test:
        last = measured[len(measured) - test :]
        tables.check_values(last, found.columns, where=f"{where}, the last {test:,} points, to test on")
    # Of a series in parts λ_max is of those that are trained on, which may be shorter than those to test on.
    learned = parts.first(parts.total - test) if found.several else parts
    described = own.Description(
        description=description,
        source=where if len(sources) > 1 else sources[0].name,
        sha256=own.digest_of(values),
        columns=found.columns,
        raw_points=len(values),
        parts=found.several,
        raw_dt=found.dt,
        time_unit=found.time_unit,
        test_points=test,
        steps=tuple({"step": step.name, **step.parameters} for step in (*before, *after)),
        exponent=_exponent(measured[: learned.total], learned),
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
        durable.write(files[1], _parquet(found.columns, values))
        durable.write(files[0], encoded)
    except OSError as error:
        raise OrchError(f"{files[0].parent} cannot be written: {error.strerror}") from None
    return Added(system, files, found.missing, found.rows_added, found.remarks)


def _named(sources: Sequence[Path]) -> str:
    """What the files are called together."""
    if len(sources) <= 3:
        return ", ".join(str(path) if len(sources) == 1 else path.name for path in sources)
    return f"{len(sources)} files, {sources[0].name} to {sources[-1].name}"


def _check_name(name: str, path: Path, force: bool) -> None:
    if not own.NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot name a series: letters, digits, '_' and '-' only, the first a letter or digit"
        )
    if name in shipped():
        raise UsageError(f"'{name}' is a system that ships with the tool: choose another name")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already: choose another name, or --force to replace it")


def _prepare(values: FloatArray, parts: Parts, steps: Sequence[Step], where: str) -> tuple[FloatArray, Parts]:
    try:
        return prepare_parts(values, parts, steps)
    except ValueError as error:
        raise SeriesError(f"{where}: {error}") from None


def _embedding(series: FloatArray, wanted: tuple[int, int] | Literal["auto"]) -> Step:
    if series.shape[1] != 1:
        raise UsageError(f"--embed is for one column, not for {series.shape[1]}: choose it by --columns")
    if wanted == "auto":
        found = suggest_embedding(series[:, 0])
        wanted = (found.dimension, found.delay)
    return _embed(wanted)


def _embed(wanted: tuple[int, int]) -> Step:
    return Step("embed", dict(zip(("dimension", "delay"), wanted, strict=True)))


def _exponent(series: FloatArray, parts: Parts) -> own.Exponent:
    try:
        settings = suggest_settings(series, parts=parts)
        settings.curve(series, parts=parts)
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
    if described.parts:
        content["parts"] = list(described.parts)
    else:
        del content["parts"]
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

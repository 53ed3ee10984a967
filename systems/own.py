"""Series of one's own: described by a TOML file in the data folder, beside the series as Parquet.

    data/NAME.toml       what it is and how it is prepared; meant to be read, and edited by hand
    data/NAME.parquet    the columns as they were read, on an even grid of times, NaN where values are missing

`orch system add` writes both; `get` makes a `Recorded` of them. The digest of the series stands in the
description and is part of the identity of every trial: other data under the same name, or another
preparation, are other trials.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .analysis.exponent import SlopeSettings
from .base import FloatArray, SeriesError
from .parts import Parts
from .preparation import Step, length_after, overlap, time_stretch
from .raw import MissingDataError, data_folder
from .recorded import Recorded

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
MIN_POINTS, MIN_TEST_POINTS = 1_000, 100
LEAST_PART = 50
"""Points of each part of a series, prepared."""
MAX_POINTS = 1_000_000
"""Of a prepared series: with fewer nothing is learned, with more the measures take minutes a network."""


class Exponent(BaseModel):
    """How λ_max is estimated; times in steps of the prepared series."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    theiler: int = Field(ge=0, strict=True)
    steps: int = Field(ge=2, strict=True)
    window: tuple[int, int] | None = None
    dimension: int = Field(default=1, ge=1, strict=True)
    delay: int = Field(default=1, ge=1, strict=True)
    radius: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=True)
    across_flow: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _nearest_neighbours_alone(self) -> Exponent:
        if self.across_flow and self.radius is not None:
            raise ValueError("radius is of plain distances: leave it out, or set across_flow = false")
        return self


class Description(BaseModel):
    """`data/NAME.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    description: str = ""
    source: str = ""
    sha256: str
    columns: tuple[str, ...] = Field(min_length=1)
    raw_points: int = Field(ge=1, strict=True)
    parts: tuple[int, ...] = ()
    """Their lengths, where the rows are several recordings, one after the other."""
    raw_dt: float = Field(gt=0, allow_inf_nan=False, strict=True)
    time_unit: str = ""
    test_points: int = Field(ge=0, strict=True)
    standardisation: Literal["per_dimension", "global"] = "per_dimension"
    steps: tuple[dict[str, Any], ...] = ()
    exponent: Exponent


@dataclass(frozen=True, kw_only=True)
class OwnSeries(Recorded):
    """A recording that is known by its name in a data folder only, and so by its content in trials."""

    described: str = field(default="", compare=False)
    """The text of its description."""

    @property
    def identity(self) -> Mapping[str, Any]:
        from .hashing import trajectory_hash

        return {"name": self.name, "data": trajectory_hash(self)[:16]}


def names() -> tuple[str, ...]:
    """Names of the series in the data folder, sorted."""
    folder = data_folder()
    found = folder.glob("*.toml") if folder.is_dir() else ()
    return tuple(sorted(path.stem for path in found if NAME.fullmatch(path.stem) and path.is_file()))


def get(name: str) -> OwnSeries | None:
    """The series of this name; None where the data folder has none.

    Raises:
        SeriesError: its description is not valid.
    """
    path = data_folder() / f"{name}.toml"
    if not NAME.fullmatch(name) or not path.is_file():
        return None
    try:
        return from_text(name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SeriesError(f"{path}: {error}") from None


def from_text(name: str, text: str) -> OwnSeries:
    """The series that the text of a description stands for.

    Raises:
        SeriesError: it is not valid.
    """
    path = data_folder() / f"{name}.toml"
    try:
        described = Description.model_validate(tomllib.loads(text))
        read = partial(_series, path.with_suffix(".parquet"), described)
        return replace(as_system(name, described, read=read), described=text)
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, one['loc']))}: {_lower(one['msg'].removeprefix('Value error, '))}"
            for one in error.errors()
        )
        raise SeriesError(f"{path}: {'; '.join(problems)}") from None
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise SeriesError(f"{path}: {error}") from None


def as_system(name: str, described: Description, *, read: Callable[[], FloatArray]) -> OwnSeries:
    """The system that a description stands for.

    Raises:
        ValueError: a step does not exist, or parts do not fit together.
    """
    steps = steps_of(described)
    lengths = [length_after(length, steps) for length in described.parts or (described.raw_points,)]
    if described.parts and min(lengths) < LEAST_PART:
        raise ValueError(
            f"part {lengths.index(min(lengths)) + 1} has {max(0, min(lengths))} points after preparation: "
            f"{LEAST_PART} at least"
        )
    parts = Parts(tuple(lengths))
    prepared = parts.total
    between = 0 if parts.breaks_at(prepared - described.test_points) else overlap(steps)
    points = prepared - between - described.test_points
    check_length(prepared)
    if 0 < described.test_points < MIN_TEST_POINTS or points < prepared // 3:
        raise ValueError(
            f"{prepared:,} points after preparation cannot be cut into {points:,} to train on, {between:,} "
            f"that an embedding has of both, and {described.test_points:,} to test on: at least "
            f"{MIN_TEST_POINTS} to test on, or 0, and a third to train on"
        )
    variables = described.columns
    for step in steps:
        if step.name == "embed":
            variables = tuple(f"{described.columns[0]}_{i}" for i in range(int(step.parameters["dimension"])))
    if described.exponent.across_flow and described.exponent.dimension * len(variables) < 2:
        raise ValueError(
            "exponent: of one column there is nothing across the flow: set dimension and delay, or "
            "across_flow = false"
        )
    return OwnSeries(
        name=name,
        description=described.description or f"series of one's own, from {described.source or 'a file'}",
        source=described.source,
        variables=variables,
        dt=described.raw_dt * time_stretch(steps),
        n_points=points,
        standardisation=described.standardisation,
        read=read,
        digest=described.sha256,
        raw_points=described.raw_points,
        raw_parts=described.parts,
        raw_dt=described.raw_dt,
        columns=described.columns,
        steps=tuple(steps),
        test_points=described.test_points,
        slope=SlopeSettings(**described.exponent.model_dump()),
        time_unit=described.time_unit,
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def check_length(points: int) -> None:
    """Whether a series of so many points, prepared, can be worked with.

    Raises:
        SeriesError: it is too short or too long.
    """
    if points > MAX_POINTS:
        every = -(-points // MAX_POINTS)
        raise SeriesError(
            f"{points:,} points after preparation are too many: at most {MAX_POINTS:,}; "
            f"--subsample {every} keeps one of {every}"
        )
    if points < MIN_POINTS:
        raise SeriesError(
            f"{max(points, 0):,} points after preparation are too few: at least {MIN_POINTS:,} are needed"
        )


def steps_of(described: Description) -> list[Step]:
    """The declared steps.

    Raises:
        ValueError: one does not exist or has other parameters.
    """
    steps = []
    for number, table in enumerate(described.steps, start=1):
        parameters = dict(table)
        if "step" not in parameters:
            raise ValueError(f'steps[{number}] lacks step = "…", its name')
        steps.append(Step(str(parameters.pop("step")), parameters))
    return steps


def digest_of(series: FloatArray) -> str:
    """SHA-256 of a series' values."""
    return hashlib.sha256(np.ascontiguousarray(series, dtype="<f8").tobytes()).hexdigest()


def _series(path: Path, described: Description) -> FloatArray:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise MissingDataError(f"{path} is not there; `orch system add` writes it")
    try:
        table = pq.read_table(path, columns=list(described.columns))
    except (OSError, pa.ArrowException) as error:
        raise SeriesError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    series = np.column_stack([column.to_numpy() for column in table.columns]).astype(np.float64)
    if digest_of(series) != described.sha256:
        raise SeriesError(
            f"{path} is not the series that {path.with_suffix('.toml').name} describes: add it again"
        )
    return series

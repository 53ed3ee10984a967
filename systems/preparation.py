"""From a recording to the series that is trained on: the steps by which it is prepared, each a pure function.

A preparation is declared, as a list of `Step`s, in a system's file or in the description of a series of one's
own; `prepare` carries it out. Each step takes and gives a series (T, K), every column by itself. Times are in
steps of the series as the step finds it. Every function raises ValueError for a series that it cannot serve.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .base import FloatArray
from .embedding import embed
from .noise_reduction import reduce_noise
from .parts import Parts, joined


def fill_gaps(series: FloatArray, *, longest: int) -> FloatArray:
    """Missing values (NaN) by straight lines between the values beside them, in gaps of up to `longest`.

    Raises:
        ValueError: a gap is longer, or begins or ends the series; says where.
    """
    filled = series.copy()
    for column in range(series.shape[1]):
        missing = np.isnan(series[:, column])
        for first, length in runs(missing):
            if first == 0 or first + length == len(series):
                raise ValueError(
                    f"column {column + 1} begins or ends with missing values: nothing to fill from"
                )
            if length > longest:
                raise ValueError(
                    f"column {column + 1} misses {length} values from row {first + 1} on, "
                    f"more than the {longest} that are to be filled"
                )
        there = np.flatnonzero(~missing)
        filled[missing, column] = np.interp(np.flatnonzero(missing), there, series[there, column])
    return filled


def runs(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """First index and length of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(end - first)) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def detrend(series: FloatArray, *, order: int = 1) -> FloatArray:
    """Less the polynomial of this order that fits best."""
    if order < 0 or len(series) <= order:
        raise ValueError(f"{len(series)} points have no trend of order {order}")
    time = np.linspace(-1.0, 1.0, len(series))
    powers = np.asarray(np.polynomial.legendre.legvander(time, order), dtype=np.float64)
    return np.asarray(series - _fit(powers, series), dtype=np.float64)


def remove_cycle(series: FloatArray, *, period: float, harmonics: int = 1) -> FloatArray:
    """Less the mean and the sines of this period and its first harmonics that fit best (least squares).

    Args:
        period: need not be whole.
        harmonics: 1 is the period alone, 2 also half of it, and so on.
    """
    if not period > 2 * harmonics or harmonics < 1 or len(series) < period:
        raise ValueError(f"{len(series)} points have no cycle of {period:g} steps with {harmonics} harmonics")
    phase = 2 * np.pi * np.arange(len(series))[:, None] / period * np.arange(1, harmonics + 1)
    return series - _fit(np.column_stack([np.ones(len(series)), np.cos(phase), np.sin(phase)]), series)


def _fit(basis: FloatArray, series: FloatArray) -> FloatArray:
    coefficients, *_ = np.linalg.lstsq(basis, series, rcond=None)
    return np.asarray(basis @ coefficients, dtype=np.float64)


def smooth(series: FloatArray, *, sigma: float) -> FloatArray:
    """The running mean with Gaussian weights of standard deviation `sigma`; the ends are mirrored."""
    from scipy.ndimage import gaussian_filter1d  # here: plans are made without scipy, which takes a while

    if not 0 < sigma <= len(series) / 8:
        raise ValueError(
            f"sigma must be above 0 and at most an eighth of {len(series)} points, not {sigma:g}"
        )
    return np.asarray(gaussian_filter1d(series, sigma, axis=0), dtype=np.float64)


def subsample(series: FloatArray, *, every: int) -> FloatArray:
    """One point of every so many, beginning with the first."""
    if every < 1:
        raise ValueError(f"every must be at least 1, not {every}")
    return series[::every]


def crop(series: FloatArray, *, first: int = 0, points: int | None = None) -> FloatArray:
    """Some of its points: `points` from `first` on, counted from 0; all that follow where left out."""
    end = None if points is None else first + points
    if first < 0 or first >= len(series) or (end is not None and not first < end <= len(series)):
        raise ValueError(f"a series of {len(series)} points has none from {first} to {end}")
    return series[first:end]


def standardise(series: FloatArray) -> FloatArray:
    """Every column to mean 0 and standard deviation 1."""
    sd = series.std(axis=0)
    if not (sd > 0).all():
        raise ValueError(f"column {int(np.argmin(sd > 0)) + 1} is constant")
    scaled: FloatArray = (series - series.mean(axis=0)) / sd
    return scaled


def _reduce_noise(series: FloatArray, **parameters: Any) -> FloatArray:
    return np.column_stack([reduce_noise(column, **parameters) for column in series.T])


def _embed(series: FloatArray, *, dimension: int, delay: int) -> FloatArray:
    if series.shape[1] != 1:
        raise ValueError(f"delay embedding is of one column, not of {series.shape[1]}")
    return embed(series[:, 0], dimension=dimension, delay=delay)


STEPS: Mapping[str, Callable[..., FloatArray]] = {
    "fill_gaps": fill_gaps,
    "detrend": detrend,
    "remove_cycle": remove_cycle,
    "reduce_noise": _reduce_noise,
    "smooth": smooth,
    "subsample": subsample,
    "crop": crop,
    "standardise": standardise,
    "embed": _embed,
}
_MEANT = {"reduce_noise": reduce_noise, "embed": _embed}


@dataclass(frozen=True)
class Step:
    """One step of a preparation, by name, with its parameters."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.name not in STEPS:
            raise ValueError(f"no step is named {self.name!r}; there are {', '.join(STEPS)}")
        function = _MEANT.get(self.name, STEPS[self.name])
        known = list(inspect.signature(function).parameters)[1:]
        for key in self.parameters:
            if key not in known:
                raise ValueError(
                    f"step {self.name!r} has no parameter {key!r}; it has {', '.join(known) or 'none'}"
                )
        try:
            inspect.signature(function).bind(None, **self.parameters)
        except TypeError as error:
            raise ValueError(f"step {self.name!r}: {error}") from None
        for key, value in self.parameters.items():
            kind = str(inspect.signature(function).parameters[key].annotation)
            if kind.startswith("int"):
                least = 0 if key in ("order", "first") else 1
                if type(value) is not int or value < least:
                    raise ValueError(
                        f"step {self.name!r}: {key} must be a whole number from {least} on, not {value!r}"
                    )
            elif type(value) not in (int, float) or not 0 < value < math.inf:
                raise ValueError(f"step {self.name!r}: {key} must be a number above 0, not {value!r}")

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}({inside})"


def step(name: str, **parameters: Any) -> Step:
    """A step as a system's file declares it: `step("smooth", sigma=30.0)`."""
    return Step(name, parameters)


def prepare(series: FloatArray, steps: Sequence[Step]) -> FloatArray:
    """A series (T, K) after all steps.

    Raises:
        ValueError: a step cannot be carried out; says which.
    """
    for number, one in enumerate(steps, start=1):
        if one.name != "fill_gaps" and np.isnan(series).any():
            row = int(np.argmax(np.isnan(series).any(axis=1))) + 1
            raise ValueError(f"the series misses a value at row {row}: the first step must be fill_gaps")
        try:
            series = np.ascontiguousarray(STEPS[one.name](series, **one.parameters))
        except (ValueError, TypeError) as error:  # a parameter from a file may be of any type
            raise ValueError(f"step {number}, {one}: {error}") from None
    return series


def prepare_parts(series: FloatArray, parts: Parts, steps: Sequence[Step]) -> tuple[FloatArray, Parts]:
    """A series in parts after all steps, each part by itself.

    Raises:
        ValueError: as `prepare`; says of which part, where there are several.
    """
    prepared = []
    for number, part in enumerate(parts.split(series), start=1):
        try:
            prepared.append(prepare(part, steps))
        except ValueError as error:
            if len(parts.lengths) == 1:
                raise
            raise ValueError(f"part {number}: {error}") from None
    return joined(prepared)


def overlap(steps: Sequence[Step]) -> int:
    """So many rows of the result after a row hold values that the row, or one before it, holds too."""
    for number, one in enumerate(steps):
        if one.name == "embed":
            past = int(one.parameters["delay"]) * (int(one.parameters["dimension"]) - 1)
            return -(-past // time_stretch(steps[number:]))
    return 0


def time_stretch(steps: Sequence[Step]) -> int:
    """By how much the time between two points grows."""
    factor = 1
    for one in steps:
        if one.name == "subsample":
            factor *= int(one.parameters["every"])
    return factor


def length_after(length: int, steps: Sequence[Step]) -> int:
    """How many points are left of so many."""
    for one in steps:
        if one.name == "subsample":
            length = -(-length // int(one.parameters["every"]))
        elif one.name == "crop":
            rest = length - int(one.parameters.get("first", 0))
            length = int(one.parameters.get("points") or rest)
        elif one.name == "embed":
            length -= int(one.parameters["delay"]) * (int(one.parameters["dimension"]) - 1)
    return length

"""What a recording has that is no measurement: gaps, values far from all others, stretches that stand still.

Shapes (T, K); rows are counted from 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..base import FloatArray
from ..preparation import runs

OUTSIDE, OUTLIERS_SHARE = 1.5, 0.05
"""Values lie apart that are further from the middle 90% of a column than so many times the range of these,
and are reached by no smaller a step; more than such a share of them are no exceptions."""

STILL_POINTS, STILL_SHARE = 50, 0.01
"""Points, and share of a series: a value that is repeated so often, one after the other, stands still."""


@dataclass(frozen=True, eq=False)
class Gaps:
    """Missing values of a recorded column, before preparation."""

    column: str
    missing: int
    gaps: int
    longest: int
    first_row: int
    """Counted from 1."""


def find_gaps(series: FloatArray, columns: tuple[str, ...]) -> tuple[Gaps, ...]:
    """Where the columns of a recording (T, K) miss values; none for a column that is whole."""
    found = []
    for name, values in zip(columns, series.T, strict=True):
        gaps = runs(np.isnan(values))
        if gaps:
            longest = max(length for _, length in gaps)
            missing = sum(length for _, length in gaps)
            found.append(Gaps(name, missing, len(gaps), longest, gaps[0][0] + 1))
    return tuple(found)


def outliers(series: FloatArray, columns: tuple[str, ...], *, first_row: int = 1) -> list[str]:
    """A sentence for each column of a recording (T, K) with single values far from all others, as errors of
    measurement have, or numbers that stand for none.
    """
    said = []
    for name, values in zip(columns, series.T, strict=True):
        low, high = np.nanquantile(values, (0.05, 0.95))
        apart = OUTSIDE * (high - low)
        far = 0
        first = None
        for start, length in runs((values < low - apart) | (values > high + apart)):
            end = start + length
            into = abs(values[start] - values[start - 1]) if start else math.inf
            out = abs(values[end - 1] - values[end]) if end < len(values) else math.inf
            if not (into < apart or out < apart):
                far += length
                first = start if first is None else first
        if first is not None and far <= OUTLIERS_SHARE * len(values) and high > low:
            said.append(
                f"{name} has {far} value{'s' * (far > 1)} far from those before and after, the first "
                f"{values[first]:.6g} at row {first + first_row:,}, where 90% are from {low:.4g} to "
                f"{high:.4g}: outliers, or numbers that stand for none? Scores and λ_max hang on them; left "
                "empty, --fill-gaps fills them"
            )
    return said


def long_gaps(gaps: Sequence[Gaps], periods: Mapping[str, float]) -> list[str]:
    """A sentence for each column with a gap longer than its mean period, in rows of the recording: no
    straight line can stand for that.
    """
    return [
        f"{gap.column} has a gap of {gap.longest:,} rows, {gap.longest / periods[gap.column]:.2g} mean "
        "periods, filled by a straight line, which is trained on and measured with: --rows takes a stretch "
        "without it"
        for gap in gaps
        if gap.longest > periods.get(gap.column, math.inf)
    ]


def standing_still(name: str, values: FloatArray) -> list[str]:
    """A sentence on a column that repeats one value for long."""
    changes = np.flatnonzero(np.diff(values, prepend=np.nan, append=np.nan))
    lengths = np.diff(changes)
    longest = int(np.argmax(lengths))
    length, start = int(lengths[longest]), int(changes[longest])
    if not max(STILL_POINTS, STILL_SHARE * len(values)) <= length < len(values):
        return []
    return [
        f"{name} stays at {values[start]:.6g} for {length:,} points from {start + 1:,} on: what is estimated "
        "is of a series that stands still there"
    ]

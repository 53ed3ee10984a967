"""Series in parts: recordings with breaks between them, or one with gaps that nothing can fill.

The parts lie one after the other in one array (T, N), and `Parts` says where each begins. What goes from one
time to later ones, as training sequences, forecasts and distances of neighbours do, must not go across a
break.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .base import FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Parts:
    """Lengths of the parts of a series, each at least 1."""

    lengths: tuple[int, ...]

    @classmethod
    def of(cls, series: FloatArray) -> Parts:
        """A series in one part."""
        return cls((len(series),))

    @property
    def total(self) -> int:
        """T."""
        return sum(self.lengths)

    def __str__(self) -> str:
        """'3 of 3,997 to 9,500 points'."""
        low, high = min(self.lengths), max(self.lengths)
        return f"{len(self.lengths)} of {f'{low:,} to ' if low < high else ''}{high:,} points"

    @property
    def longest(self) -> int:
        """Points of the longest part."""
        return max(self.lengths)

    @cached_property
    def _slices(self) -> list[slice]:
        ends = np.cumsum(self.lengths).tolist()
        return [slice(end - length, end) for length, end in zip(self.lengths, ends, strict=True)]

    def split(self, series: FloatArray) -> list[FloatArray]:
        """The parts of a series (T, N), as views."""
        return [series[one] for one in self._slices]

    def longest_of(self, series: FloatArray) -> FloatArray:
        """The longest part of a series, the first of several."""
        return series[self._slices[self.lengths.index(self.longest)]]

    def starts(self, steps: int) -> IntArray:
        """All places from which so many steps ahead lie in the same part, rising."""
        return np.concatenate(
            [np.arange(one.start, max(one.start, one.stop - steps), dtype=np.int64) for one in self._slices]
        )

    def spread(self, steps: int, count: int) -> IntArray:
        """So many of `starts(steps)`, evenly spread, the first and the last among them."""
        found = self.starts(steps)
        return found[np.linspace(0, len(found) - 1, count).astype(np.int64)]

    def each(self, function: Callable[[int], int]) -> Parts:
        """Parts whose lengths have become others; what is left without a point is none."""
        return Parts(tuple(length for length in map(function, self.lengths) if length > 0))

    def first(self, points: int) -> Parts:
        """Of the first so many points."""
        ends = np.minimum(np.cumsum(self.lengths), points)
        return Parts(tuple(int(length) for length in np.diff(ends, prepend=0) if length))

    def last(self, points: int) -> Parts:
        """Of the last so many points."""
        return Parts(Parts(self.lengths[::-1]).first(points).lengths[::-1])

    def breaks_at(self, place: int) -> bool:
        """Whether a part begins, or the series ends, at a place."""
        return place in {0, self.total, *(one.start for one in self._slices)}


def joined(parts: Sequence[FloatArray]) -> tuple[FloatArray, Parts]:
    """Parts as one series."""
    return np.concatenate(parts), Parts(tuple(map(len, parts)))

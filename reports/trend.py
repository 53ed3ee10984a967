"""Whether scores rise or fall as a setting grows, seed by seed: the seasonal Kendall test.

Hirsch, Slack & Smith (1982): within each season, here a seed, every two values of the setting are compared,
and only the directions count. So neither the scale of a score nor that of the setting matters, a run that
blew up is worse than any other and no more, and what a seed has in common at all values drops out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from .statistics import Array

Places: TypeAlias = npt.NDArray[np.int64]


class Trend(NamedTuple):
    """How scores go with a setting."""

    seeds: int
    """With a score at two values or more: those that are compared, each with itself."""
    concordance: float | None
    """Of pairs of values, within seeds, the share with the higher score at the larger value less that with
    the lower: Kendall's rank correlation, −1 to 1; None without a pair."""
    p: float | None
    """Two-sided and exact, had each seed its scores in any order; None without a pair."""
    least_p: float = 1.0
    """What p would be, had all pairs that differ one direction: with few seeds a trend cannot be shown."""
    p_holm: float | None = None
    """p, adjusted for all trends of a report."""


def trend(scores: Mapping[int, Mapping[float, float]]) -> Trend:
    """The trend of scores, by seed and value of the setting; `inf` is a run that blew up."""
    seeds = [sorted(by_value.items()) for by_value in scores.values() if len(by_value) > 1]
    if not seeds:
        return Trend(0, None, None)
    # Only orders count; infinities have no difference, places among the others do.
    places = [np.unique([score for _, score in one], return_inverse=True)[1] for one in seeds]
    pairs = sum(len(one) * (len(one) - 1) // 2 for one in places)
    observed = sum(map(_rising_less_falling, places))
    chances = reduce(np.convolve, map(_chances, places))
    middle = len(chances) // 2

    def two_sided(size: int) -> float:
        return min(1.0, float(chances[: middle - size + 1].sum() + chances[middle + size :].sum()))

    return Trend(len(seeds), observed / pairs, two_sided(abs(observed)), two_sided(middle))


def _rising_less_falling(places: Places) -> int:
    first, second = np.triu_indices(len(places), 1)
    return int(np.sign(places[second] - places[first]).sum())


def _chances(places: Places) -> Array:
    """Probability of each number of rising less falling pairs, from the least to the greatest, had one seed
    its scores in any order.

    Falling pairs of scores of which some are alike have the generating function of a multinomial coefficient
    in q (MacMahon 1916): one group of like scores after the other is put among those before it.
    """
    counts = [1]
    before = 0
    for group in np.bincount(places).tolist():
        counts = _product(counts, _gaussian_binomial(before, group))
        before += group
    chances = np.zeros(2 * len(counts) - 1)
    total = sum(counts)
    chances[::2] = [count / total for count in counts]
    return chances


def _gaussian_binomial(m: int, n: int) -> list[int]:
    """In how many orders of n among m so many pairs fall: Π (1 − q^(m+i)) / (1 − q^i) over i = 1 … n."""
    found = [1]
    for i in range(1, n + 1):
        found = _product(found, [1, *[0] * (m + i - 1), -1])
        for power in range(i, len(found)):
            found[power] += found[power - i]
        found = found[: m * i + 1]
    return found


def _product(a: list[int], b: list[int]) -> list[int]:
    found = [0] * (len(a) + len(b) - 1)
    for power, factor in enumerate(a):
        for other, value in enumerate(b):
            found[power + other] += factor * value
    return found

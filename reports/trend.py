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

DRAWS = 9_999
"""Orders of a seed's scores that are drawn, where some are alike."""


class Trend(NamedTuple):
    """How scores go with a setting."""

    concordance: float | None
    """Of pairs of values, within seeds, the share with the higher score at the larger value less that with
    the lower: Kendall's rank correlation, −1 to 1; None without a pair."""
    p: float | None
    """Two-sided, had each seed its scores in any order; None without a pair."""
    p_holm: float | None = None
    """The same, adjusted for all trends of a report."""


def trend(scores: Mapping[int, Mapping[float, float]]) -> Trend:
    """The trend of scores, by seed and value of the setting; `inf` is a run that blew up."""
    seeds = [sorted(by_value.items()) for by_value in scores.values() if len(by_value) > 1]
    # Only orders count; infinities have no difference, places among the others do.
    ranks = [np.unique([score for _, score in one], return_inverse=True)[1] for one in seeds]
    pairs = sum(len(one) * (len(one) - 1) // 2 for one in ranks)
    if not pairs:
        return Trend(None, None)
    observed = sum(int(_directions(one[None])[0]) for one in ranks)
    chances = reduce(np.convolve, map(_chances, ranks))
    middle = len(chances) // 2
    extreme = chances[: middle - abs(observed) + 1].sum() + chances[middle + abs(observed) :].sum()
    return Trend(observed / pairs, min(1.0, float(extreme)))


def _directions(ranks: Places) -> Places:
    """Of each row of (orders, values): pairs that rise less pairs that fall."""
    first, second = np.triu_indices(ranks.shape[1], 1)
    sums: Places = np.sign(ranks[:, second] - ranks[:, first]).sum(axis=1)
    return sums


def _chances(ranks: Places) -> Array:
    """Probability of each sum of directions from −pairs to pairs, had one seed its scores in any order."""
    if len(set(ranks)) == len(ranks):
        # The i-th score stands in any of i + 1 places among those before it, each as likely.
        places = [np.tile([1.0, 0.0], i + 1)[:-1] / (i + 1) for i in range(1, len(ranks))]
        chances: Array = reduce(np.convolve, places)
        return chances
    orders = np.random.default_rng(0).permuted(np.tile(ranks, (DRAWS, 1)), axis=1)
    pairs = len(ranks) * (len(ranks) - 1) // 2
    sums = np.bincount(_directions(orders) + pairs, minlength=2 * pairs + 1) / DRAWS
    symmetric: Array = (sums + sums[::-1]) / 2
    return symmetric

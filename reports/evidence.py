"""What pairs of seeds say beside their mean ratio: how often the challenger wins, and whether that is chance.

Values are scores, lower is better, one per seed and side; `inf` is a run that blew up, worse than any other
and equal to another that blew up. Nothing here takes a mean, so nothing here needs to know how bad it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .statistics import Array, wilson_interval

EXACT_BELOW = 15
"""Pairs: so few can have all their signs tried; of 14 pairs there are 8192 patterns up to a common sign."""

FEWEST_DRAWS, MOST_DRAWS, DRAWN_SIGNS = 9_999, 131_071, 4_000_000

SLACK = 1e-4
"""Of the largest difference: rounding must not make a pattern smaller than its own mirror image."""

WORD = 32
"""Signs that one number gives."""
MIXES = (0x85EBCA6B, 0xC2B2AE35)
"""Multipliers of MurmurHash3's finalizer, after which the bits of a number say nothing of its neighbours."""


class Share(NamedTuple):
    """A share of pairs with its 95% interval; None where there is no pair."""

    value: float | None
    low: float | None
    high: float | None


NO_SHARE = Share(None, None, None)


def improvement(challenger: Sequence[float], baseline: Sequence[float]) -> Share:
    """P(challenger better at the same seed): pairs won and half of those tied, with a Wilson interval.

    What Bouthillier et al. (2021) call the probability of outperforming, for pairs.
    """
    ours, theirs = _pairs(challenger, baseline)
    n = len(ours)
    if n == 0:
        return NO_SHARE
    won = float(np.count_nonzero(ours < theirs)) + np.count_nonzero(ours == theirs) / 2
    return Share(won / n, *wilson_interval(won, n))


def cliffs_delta(challenger: Sequence[float], baseline: Sequence[float]) -> float | None:
    """Cliff's δ (1993), P(challenger better) − P(baseline better) over all pairs of a seed of either side.

    1: every challenger is better than every baseline, 0: neither, −1: the reverse. None without values.
    """
    ours, theirs = np.asarray(challenger, dtype=float), np.sort(np.asarray(baseline, dtype=float))
    if not ours.size or not theirs.size:
        return None
    better = theirs.size - np.searchsorted(theirs, ours, side="right")
    worse = np.searchsorted(theirs, ours, side="left")
    return float((better - worse).sum() / (ours.size * theirs.size))


def sign_flip_test(differences: Sequence[float] | Array) -> float | None:
    """Two-sided p-value of the mean of `differences` (of logs), had each pair its sign by chance.

    All patterns of signs below 15 pairs; from there on as many drawn ones as make p good to about its third
    digit, the same for the same number of pairs, with the observed one among them. Exchangeability within a
    pair is all it assumes; it cannot fall below `smallest_p`. None without pairs.
    """
    values = np.asarray(differences, dtype=float)
    n = int(values.size)
    if n == 0:
        return None
    scale = float(np.abs(values).max())
    if scale == 0:
        return 1.0
    observed = abs(float(values.sum())) / scale - SLACK
    sums = np.abs(_signs(n) @ (values / scale))
    extreme = int(np.count_nonzero(sums >= observed))
    return extreme / len(sums) if n < EXACT_BELOW else (extreme + 1) / (len(sums) + 1)


def smallest_p(n: int) -> float:
    """The least p-value that the sign-flip test of n pairs can give."""
    return float(2.0 ** (1 - n)) if n < EXACT_BELOW else 1 / (draws(n) + 1)


@lru_cache(maxsize=4)
def _signs(n: int) -> Array:
    """Patterns of n signs: all, up to a common one, or drawn ones.

    Drawn are the bits of mixed-up counters, which SQL can do as well.
    """
    place = np.arange(n, dtype=np.uint64)
    if n < EXACT_BELOW:
        words = np.arange(2 ** (n - 1), dtype=np.uint64)[:, None]  # the last bit stays 0: the common sign
    else:
        counted = np.arange(1, draws(n) + 1, dtype=np.uint64)
        words = np.stack([mixed(counted + draws(n) * block) for block in range(-(-n // WORD))], axis=1)
    bits = words[:, place // WORD] >> place % WORD & np.uint64(1)
    return 1.0 - 2.0 * bits.astype(np.float64)


def mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """32 bits of each, much as if drawn, all different for different numbers below 2³²."""
    size = np.uint64(2**WORD)
    numbers = (numbers ^ numbers >> np.uint64(16)) * np.uint64(MIXES[0]) % size
    numbers = (numbers ^ numbers >> np.uint64(13)) * np.uint64(MIXES[1]) % size
    return numbers ^ numbers >> np.uint64(16)


def draws(n: int) -> int:
    """Patterns of n signs that are drawn, where not all are tried."""
    return max(FEWEST_DRAWS, min(MOST_DRAWS, DRAWN_SIGNS // n))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for being a family (Holm 1979): no error among all of them, at the level they are
    compared with. None stays None and is not of the family.
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = largest
    return adjusted


def _pairs(a: Sequence[float], b: Sequence[float]) -> tuple[Array, Array]:
    ours, theirs = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if len(ours) != len(theirs):
        raise ValueError(f"pairs need equal lengths, not {len(ours)} and {len(theirs)}")
    if math.isnan(float(ours.sum())) or math.isnan(float(theirs.sum())):
        raise ValueError("a score is NaN: what blew up is inf, and what has no score is no pair")
    return ours, theirs

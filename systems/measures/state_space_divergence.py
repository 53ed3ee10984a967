"""D_stsp: Kullback-Leibler divergence of where a true and a generated trajectory dwell in state space, in
nats.

    D_stsp = Σ_k p_k ln(p_k / q_k),   p_k = (n_k + ε) / (Σ n + ε K),   q_k likewise for the generated points

KL(true ‖ generated) of histograms over a box cut into m bins per dimension, K bins in all, with Laplace
smoothing ε. Relative frequencies, so the lengths may differ. Blind to the order in time: see `hellinger`
for that. Source: G. Koppe et al., PLoS Comput. Biol. 15, e1007263 (2019); variants in use differ in m, in
the box, in what happens outside it, and in a fault that discards the first bin of every dimension
(`keep_first_bin = False`).

- outside = "own_bin": all points outside share bin K + 1. Leaving the box then costs as much as any other
  place the truth never visits, and the normalisation uses all points.
- outside = "dropped": they are left out of both histograms. NaN if no generated point remains.

Shapes: truth (T, N), generated (T', N). Only occupied bins are held. Raises ValueError if m^N exceeds
`MAX_BINS`: bins beyond that are nearly all empty and say nothing about the truth.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .base import FloatArray, check_generated, check_truth
from .box import Box, BoxRule

MAX_BINS = 100_000_000


@dataclass(frozen=True, kw_only=True)
class StateSpaceDivergence:
    """Definition of a binned D_stsp."""

    bins: int = 30
    box: BoxRule = "truth_range"
    box_width: float = 0.1
    """Margin (`truth_range`) or half width (`zero_centred`) in SDs of the truth, per dimension."""
    keep_first_bin: bool = True
    outside: Literal["own_bin", "dropped"] = "own_bin"
    epsilon: float = 1e-5
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return {"measure": "state_space_divergence", "direction": "true_to_generated", **asdict(self)}

    def bind(self, truth: FloatArray) -> _BoundDivergence:
        return _BoundDivergence(check_truth(truth), self)


class _BoundDivergence:
    def __init__(self, truth: FloatArray, definition: StateSpaceDivergence) -> None:
        self._definition = definition
        self._dimension = truth.shape[1]
        self._grid: int = definition.bins**self._dimension
        if self._grid > MAX_BINS:
            raise ValueError(
                f"{definition.bins} bins in {self._dimension} dimensions are {self._grid:.3g} in all, "
                f"above the limit of {MAX_BINS:.0e}: take fewer bins or fewer dimensions"
            )
        self._box = Box(truth, rule=definition.box, width=definition.box_width)
        self._length = len(truth)
        self._bins, self._counts = self._histogram(truth)
        if not self._counts.sum():
            raise ValueError("no point of the truth lies in the box")

    @property
    def _total_bins(self) -> int:
        return self._grid + int(self._definition.outside == "own_bin")

    def _histogram(self, points: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        index = self._box.bin_indices(
            points, self._definition.bins, drop_first=not self._definition.keep_first_bin
        )
        bins, counts = np.unique(index, return_counts=True)
        outside = len(points) - len(index)
        if self._definition.outside == "own_bin" and outside:
            bins, counts = np.append(bins, self._grid), np.append(counts, outside)
        return bins, counts.astype(np.int64)

    def score(self, generated: FloatArray) -> float:
        points = check_generated(generated, self._dimension)
        if not len(points) or not np.isfinite(points).all():
            return math.nan
        return self._divergence(*self._histogram(points))

    def _divergence(self, bins: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
        if not counts.sum():
            return math.nan
        epsilon, total = self._definition.epsilon, self._total_bins
        occupied = np.union1d(self._bins, bins)
        p = np.full(len(occupied), epsilon)
        q = p.copy()
        p[np.searchsorted(occupied, self._bins)] += self._counts
        q[np.searchsorted(occupied, bins)] += counts
        p_mass = float(self._counts.sum()) + epsilon * total
        q_mass = float(counts.sum()) + epsilon * total
        p, q = p / p_mass, q / q_mass
        # Bins that neither visits are all alike: one term, as often as there are such bins.
        empty = (total - len(occupied)) * (epsilon / p_mass) * math.log(q_mass / p_mass)
        return float(p @ np.log(p / q)) + empty

    def ceiling(self, steps: int | None = None) -> float:
        """`steps` generated points (by default as many as true ones), all in the one bin that the truth
        visits least, as a rule never.

        With `own_bin` that is the bin of all that is outside; otherwise some bin inside, since a trajectory
        wholly outside has no score.
        """
        definition = self._definition
        reachable = (definition.bins - (not definition.keep_first_bin)) ** self._dimension
        reachable += definition.outside == "own_bin"
        # Bins without true points are all alike, so any index that the truth does not have stands for them.
        worst = -1 if len(self._bins) < reachable else int(self._bins[np.argmin(self._counts)])
        return self._divergence(np.array([worst]), np.array([steps or self._length]))


def state_space_divergence(
    truth: FloatArray, generated: FloatArray, *, definition: StateSpaceDivergence | None = None
) -> float:
    """D_stsp of `generated` (T', N) against `truth` (T, N), nats; the default definition is the clean one."""
    return (definition or StateSpaceDivergence()).bind(truth).score(generated)

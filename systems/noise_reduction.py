"""Nonlinear noise reduction: a noisy series is drawn to the surface that its delay vectors lie near.

    z_j = w ∘ (x_j − ⟨x⟩_n),    ⟨z zᵀ⟩_n = Σ_i λ_i e_i e_iᵀ,    λ_1 ≥ … ≥ λ_m
    c_n = w⁻¹ ∘ Σ_{i>q} e_i e_iᵀ z_n      what the delay vector x_n is off a flat surface of q dimensions,
    c_n − ⟨c⟩_n                           and off one that is bent as its surroundings are: the correction

⟨ ⟩_n is the mean over the neighbours of x_n; w is 10³ at the first and the last delay and 1 between, which
holds the ends: what noise did to them the rest of the vector hardly tells. Off each value of the series goes
the mean of its m corrections, weighted by 1/w; near the ends of the series it has fewer, and less goes off.

P. Grassberger, R. Hegger, H. Kantz, C. Schaffrath & T. Schreiber, Chaos 3, 127 (1993), with the choices of
the TISEAN package (`ghkss`), so that results agree. Neighbours are all vectors, x_n itself too, within the
first of the radii r, √2 r, 2 r, … (maximum norm) that holds enough; r is divided by √2 after an iteration in
which it was enough for any vector. Shapes: series (T,), vectors (P, m), P = T − (m − 1) · delay.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .base import FloatArray

IntArray = NDArray[np.intp]
IndexArray = NDArray[np.int32]

# What memory is taken, some 200 MB, and how long it takes; results depend on these by rounding only.
BLOCK = 128  # vectors that lie together, whose neighbours are sought together
DISTANCES = 4_000_000  # looked at in one go
PAIRS = 1_000_000  # of neighbours, averaged over in one go
KEPT = 20_000_000  # pairs; where there are more, neighbours are sought a second time rather than kept


def reduce_noise(
    series: FloatArray,
    *,
    dimension: int = 5,
    delay: int = 1,
    manifold: int = 2,
    neighbours: int = 50,
    min_radius: float | None = None,
    iterations: int = 1,
    end_weight: float = 1e3,
) -> FloatArray:
    """A series (T,) less what is taken for noise, as (T,).

    Where the surface bends within a neighbourhood more than the noise is high, it is the signal that is lost:
    a short series of little noise is made worse, the more so in many dimensions and with many neighbours.

    Args:
        dimension: m, delays in a vector (TISEAN: -m 1,m).
        delay: steps from one delay to the next (-d).
        manifold: q, dimensions of the surface (-q): those of the attractor, rounded up.
        neighbours: that every vector has at least, itself counted (-k).
        min_radius: the first in which they are sought, in units of the series (-r); a thousandth of its range
            by default.
        iterations: of the whole (-i).
        end_weight: w at the first and the last delay; 1 is TISEAN's -2.

    Raises:
        ValueError: the series is constant, not finite or too short, or the settings make no sense.
    """
    if series.ndim != 1 or not np.isfinite(series).all() or not np.ptp(series) > 0:
        raise ValueError("the series must be a finite array (T,) that varies")
    if not 1 <= manifold < dimension:
        raise ValueError(f"manifold must be from 1 to {dimension - 1} (below dimension), not {manifold}")
    if neighbours <= manifold:
        raise ValueError(f"{neighbours} neighbours do not span {manifold} dimensions")
    if delay < 1 or iterations < 1:
        raise ValueError(f"delay and iterations must be at least 1, not {delay} and {iterations}")
    count = len(series) - (dimension - 1) * delay
    if count < neighbours:
        raise ValueError(
            f"a series of {len(series)} points has {max(count, 0)} vectors of {dimension} × {delay} steps, "
            f"too few for {neighbours} neighbours"
        )
    radius = float(np.ptp(series)) / 1000 if min_radius is None else float(min_radius)
    if not (0 < radius < math.inf and 0 < end_weight < math.inf):
        raise ValueError(f"min_radius and end_weight must be above 0, not {radius:g} and {end_weight:g}")
    weight = np.ones(dimension)
    weight[[0, -1]] = end_weight
    share = 1 / (weight * (1 / weight).sum())
    parts = [slice(i * delay, i * delay + count) for i in range(dimension)]
    cleaned = series.astype(np.float64)
    for _ in range(iterations):
        radii = [radius]
        while radii[-1] < np.ptp(cleaned):
            radii.append(radii[-1] * math.sqrt(2))
        vectors = np.column_stack([cleaned[part] for part in parts])
        correction, first_enough = _corrections(vectors, np.array(radii), neighbours, manifold, weight)
        for i, part in enumerate(parts):
            cleaned[part] -= share[i] * correction[:, i]
        if first_enough:
            radius /= math.sqrt(2)
    return cleaned


@dataclass(frozen=True, eq=False)
class _Near:
    """The neighbours of some of the vectors."""

    of: IntArray
    """Which vectors, (R,)."""
    indices: IndexArray
    """The neighbours of the first of them, then those of the second, …"""
    counts: IntArray
    """How many each has, (R,)."""
    first_enough: bool
    """Whether the smallest radius held enough for any."""

    def mean(self, values: FloatArray) -> FloatArray:
        """⟨values⟩_n, (R, K), of values (P, K) of all vectors."""
        from scipy.sparse import csr_array  # scipy here: plans are made without it, which takes a while

        ends = np.concatenate([[0], self.counts.cumsum()]).astype(np.int32)
        shares = np.repeat(1 / self.counts, self.counts)
        matrix = csr_array((shares, self.indices, ends), shape=(len(self.of), len(values)))
        return np.asarray(matrix @ values, dtype=np.float64)


def _corrections(
    vectors: FloatArray, radii: FloatArray, neighbours: int, manifold: int, weight: FloatArray
) -> tuple[FloatArray, bool]:
    """c_n − ⟨c⟩_n of all vectors (P, m), and whether the smallest radius was enough for any."""
    m = vectors.shape[1]
    x = vectors - vectors.mean(axis=0)  # second moments lose less by rounding
    c = np.empty_like(x)
    kept: list[_Near] = []
    pairs, first_enough = 0, False
    for near in _search(vectors, radii, neighbours):
        mean = near.mean(x)
        covariance = np.empty((len(near.of), m, m))
        for i in range(m):
            product = near.mean(x[:, i:] * x[:, i : i + 1]) - mean[:, i:] * mean[:, i : i + 1]
            covariance[:, i, i:] = product * weight[i:] * weight[i]
        _, directions = np.linalg.eigh(covariance, UPLO="U")
        across = directions[:, :, : m - manifold]  # eigenvalues rise
        z = (weight * (x[near.of] - mean))[:, :, None]
        c[near.of] = (across @ (across.swapaxes(1, 2) @ z))[:, :, 0] / weight
        first_enough |= near.first_enough
        pairs += len(near.indices)
        kept = [*kept, near] if pairs <= KEPT else []
    correction = np.empty_like(c)
    for near in kept or _search(vectors, radii, neighbours):
        correction[near.of] = c[near.of] - near.mean(c)
    return correction, first_enough


def _search(vectors: FloatArray, radii: FloatArray, neighbours: int) -> Iterator[_Near]:
    """The neighbours of all vectors, some vectors at a time."""
    from scipy.spatial import cKDTree

    tree = cKDTree(vectors)
    blocks = _blocks(vectors)
    lowest = np.array([vectors[block].min(axis=0) for block in blocks])
    highest = np.array([vectors[block].max(axis=0) for block in blocks])
    members = np.full((len(blocks), BLOCK), -1, dtype=np.int32)
    for row, block in zip(members, blocks, strict=True):
        row[: len(block)] = block
    found: list[_Near] = []
    pairs = 0
    for block in blocks:
        # What one of them needs is a guess at the radius; who has too few within it asks again with the next.
        distance = tree.query(vectors[block[0]], [neighbours], p=np.inf)[0][0]
        level = int(np.searchsorted(radii[:-1], distance))
        while len(block):
            low, high, radius = vectors[block].min(axis=0), vectors[block].max(axis=0), radii[level]
            touched = ((lowest - high <= radius) & (low - highest <= radius)).all(axis=1)
            near = members[touched].ravel()
            near = near[near >= 0]
            near = near[((vectors[near] - high <= radius) & (low - vectors[near] <= radius)).all(axis=1)]
            unserved = []
            for part in np.array_split(block, math.ceil(len(block) * len(near) / DISTANCES)):
                one, rest = _within(vectors, part, near, radii[: level + 1], neighbours)
                found.append(one)
                unserved.append(rest)
                pairs += len(one.indices)
                if pairs > PAIRS:
                    yield _joined(found)
                    found, pairs = [], 0
            block = np.concatenate(unserved)
            level += 1
    if found:
        yield _joined(found)


def _within(
    vectors: FloatArray, block: IntArray, candidates: IndexArray, radii: FloatArray, neighbours: int
) -> tuple[_Near, IntArray]:
    """Their neighbours among the candidates, and which of them have too few in every radius."""
    from scipy.spatial.distance import cdist

    distances = cdist(vectors[block], vectors[candidates], "chebyshev")
    level = np.full(len(block), len(radii))
    for i in reversed(range(len(radii))):
        enough = np.count_nonzero(distances <= radii[i], axis=1) >= neighbours
        if not enough.any():
            break
        level[enough] = i
    served = level < len(radii)
    near = distances[served] <= radii[level[served], None]
    indices = np.broadcast_to(candidates, near.shape)[near]
    counts = np.count_nonzero(near, axis=1)
    return _Near(block[served], indices, counts, bool((level == 0).any())), block[~served]


def _joined(parts: list[_Near]) -> _Near:
    return _Near(
        np.concatenate([part.of for part in parts]),
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.counts for part in parts]),
        any(part.first_enough for part in parts),
    )


def _blocks(vectors: FloatArray) -> list[IntArray]:
    """All vectors, in sets of a few that lie together: halved across the longest side until few."""
    blocks, stack = [], [np.arange(len(vectors))]
    while stack:
        block = stack.pop()
        if len(block) <= BLOCK:
            blocks.append(block)
            continue
        half = len(block) // 2
        order = np.argpartition(vectors[block, np.ptp(vectors[block], axis=0).argmax()], half)
        stack += [block[order[:half]], block[order[half:]]]
    return blocks

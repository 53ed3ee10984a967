"""Which τ enters a comparison: the one that the Lyapunov time predicts, or the best on other seeds.

Tuning τ on the seeds that are then compared is double dipping: the best of many noisy τ looks better than
it is. So τ is chosen on half of the seeds (A) and scored on the other half (B) alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .statistics import geometric_mean
from .trials import Cell


def nearest_tau(cells: Sequence[Cell], tau_pred: float) -> Cell:
    """The cell whose τ is nearest to `tau_pred` on a log scale; of two equally near, the smaller τ.

    τ_pred = ln 2 / (λ_max · dt) is a scale, known up to a factor: 2× too long and 2× too short are alike.
    """
    with_tau = [(cell, cell.tau) for cell in cells if cell.tau is not None and cell.tau > 0]
    if not with_tau or not (math.isfinite(tau_pred) and tau_pred > 0):
        raise ValueError(f"no τ to choose near τ_pred {tau_pred}")
    return min(with_tau, key=lambda pair: (round(abs(math.log(pair[1] / tau_pred)), 12), pair[1]))[0]


def split_seeds(seeds: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(A, B): the seeds of even and of odd rank in sorted order; A, where τ is chosen, gets the odd one out.

    By rank alone, never by result, and alternating, so that neither half is the older one.
    """
    ordered = sorted(set(seeds))
    return tuple(ordered[0::2]), tuple(ordered[1::2])


def best_on(cells: Sequence[Cell], seeds: Sequence[int]) -> Cell | None:
    """The cell with the lowest geometric-mean score over `seeds`; looks at no other seed's score.

    A cell must have a score at half of `seeds` at least, lest one lucky seed win; of two equally good, the
    smaller τ. None if no cell qualifies.
    """
    ranked: list[tuple[float, int, str, Cell]] = []
    for cell in cells:
        scores = cell.scores
        seen = [scores[seed] for seed in seeds if seed in scores]
        value = geometric_mean(seen).value
        if value is not None and 2 * len(seen) >= len(seeds):
            ranked.append((value, cell.tau or 0, cell.cell_id, cell))
    return min(ranked, key=lambda entry: entry[:3])[3] if ranked else None

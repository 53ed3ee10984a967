"""Seeds until a comparison is precise: `[seeds] until = "ci 20%"`.

Every cell of the grid is compared with the baseline of its context (system × architecture × settings),
paired by seed, as the report does it: the ratio of geometric means of D_stsp with its t-interval on the
logs. Where its 95% interval reaches further than the goal, a ratio of 1.2 to either side for 20%, both get
further seeds: about as many as the spread so far says are lacking, never more at once than there are. A
context without the baseline has the geometric mean of each cell instead.

The rule looks at the width of an interval alone and never at where it lies, so it cannot stop when a
difference happens to show. What it does to the coverage of the intervals is in the tests.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev


@dataclass(frozen=True)
class Goal:
    """How precise a comparison is to be, and how many seeds that may cost."""

    share: float
    """Of a ratio: 0.2 is from 1/1.2 to 1.2 times its value."""
    most: int
    """Seeds of a cell at most."""
    baseline: str
    """Name of the regime that others are compared with."""

    @staticmethod
    def parse(text: str) -> float:
        """'ci 20%' → 0.2.

        Raises:
            ValueError: it is not of that form.
        """
        kind, _, amount = text.strip().partition(" ")
        number = amount.strip().removesuffix("%")
        try:
            share = float(number) / 100
        except ValueError:
            share = 0.0
        if kind != "ci" or not amount.strip().endswith("%") or not (math.isfinite(share) and share > 0):
            raise ValueError(f'until: expected "ci 20%" or the like, got "{text}"')
        return share

    def lacking(self, logs: Sequence[float]) -> int:
        """How many more values the goal takes: 0 where it is met; `logs` are of values or of ratios.

        Estimated from the spread so far, and at most as many again as there are.
        """
        n = len(logs)
        if n < 2:
            return 2 - n
        spread, half = stdev(logs), math.log1p(self.share)
        if _half_width(spread, n) <= half:
            return 0
        needed = n
        while needed < 2 * n and _half_width(spread, needed) > half:
            needed += 1
        return needed - n


def _half_width(spread: float, n: int) -> float:
    """Of the 95% t-interval of a mean of n values."""
    from scipy import special

    return float(special.stdtrit(n - 1, 0.975)) * spread / math.sqrt(n)


def wanted(
    goal: Goal,
    baseline: Mapping[int, float] | None,
    others: Mapping[str, Mapping[int, float]],
) -> dict[str | None, int]:
    """How many further seeds each cell of a context is to have.

    Args:
        baseline: seed → ln D_stsp of the baseline's cell; None where the context has none.
        others: the same of every other cell, by its id.

    Returns:
        Cell id (None: the baseline) → seeds, those alone that lack some.
    """
    found: dict[str | None, int] = {}
    for cell, logs in others.items():
        if baseline is None:
            lacking = goal.lacking(list(logs.values()))
            if lacking and len(logs) < goal.most:
                found[cell] = min(lacking, goal.most - len(logs))
            continue
        pairs = sorted(set(logs) & set(baseline))
        lacking = goal.lacking([logs[seed] - baseline[seed] for seed in pairs])
        if lacking and len(pairs) < goal.most:
            upto = min(len(pairs) + lacking, goal.most)
            # A pair takes both: whoever is behind catches up.
            found[cell] = max(0, upto - len(logs))
            found[None] = max(found.get(None, 0), upto - len(baseline))
    return {cell: count for cell, count in found.items() if count > 0}

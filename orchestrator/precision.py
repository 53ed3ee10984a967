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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev


@dataclass(frozen=True)
class Goal:
    """How precise a comparison is to be, and how many seeds that may cost."""

    share: float
    """Of a ratio: 0.2 is from 1/1.2 to 1.2 times its value."""
    most: int
    """Seeds of a cell at most."""
    baseline: str | None
    """Name of the regime that others are compared with; None: each cell stands for itself."""

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
    seeds: Sequence[int],
    logs: Mapping[str, Mapping[int, float]],
    spent: Mapping[str, Collection[int]],
    *,
    baseline: str | None,
) -> dict[str, set[int]]:
    """Which further seeds the cells of a context are to have, cell by cell; nothing where the goal is met,
    or all seeds are spent.

    A comparison takes both sides of a pair: seeds that one of them has come first.

    Args:
        seeds: those that may be used, in their order.
        logs: cell → seed → ln D_stsp.
        spent: cell → seeds that it was given, with a result or without.
        baseline: the cell that all others are compared with; None: each cell stands for itself.
    """
    found: dict[str, set[int]] = {}
    for cell in logs:
        if cell == baseline:
            continue
        sides = [cell] if baseline is None else [cell, baseline]
        lacking = goal.lacking(_compared(logs, sides, seeds))
        free = [seed for seed in seeds if not all(seed in spent[side] for side in sides)]
        free.sort(key=lambda seed: not any(seed in spent[side] for side in sides))
        for seed in free[:lacking]:
            for side in sides:
                if seed not in spent[side]:
                    found.setdefault(side, set()).add(seed)
    return found


def unmet(
    goal: Goal, seeds: Sequence[int], logs: Mapping[str, Mapping[int, float]], *, baseline: str | None
) -> int:
    """How many cells are not as precise as the goal."""
    return sum(
        goal.lacking(_compared(logs, [cell] if baseline is None else [cell, baseline], seeds)) > 0
        for cell in logs
        if cell != baseline
    )


def _compared(
    logs: Mapping[str, Mapping[int, float]], sides: Sequence[str], seeds: Sequence[int]
) -> list[float]:
    """ln D_stsp of a cell, or of its ratio to another, at each seed that has it."""
    common = [seed for seed in seeds if all(seed in logs[side] for side in sides)]
    return [logs[sides[0]][seed] - sum(logs[side][seed] for side in sides[1:]) for seed in common]

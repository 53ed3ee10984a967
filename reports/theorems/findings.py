"""Claims against networks: in how many each holds, and what was measured, with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..statistics import Estimate, median_interval
from .claims import CLAIMS, Claim
from .networks import Network

SAME_RATE = 0.1
"""Rates are the same where they are, relatively, within this of each other."""


@dataclass(frozen=True, eq=False)
class Finding:
    """One claim, over all networks that meet its premise."""

    claim: Claim
    networks: tuple[Network, ...]
    """Those that decide something."""
    exceptions: tuple[Network, ...]
    """Of these, those in which it does not hold."""
    undecided: tuple[Network, ...]
    """Others that meet the premise: not measured, or not for long enough."""
    median: Estimate
    """Of what was measured in `networks`, where it is finite; `n` says in how many. None if not `pooled`."""
    lowest: float | None
    highest: float | None

    @property
    def verdict(self) -> str:
        """'holds', 'fails in 3 of 20', 'not tested'; of a rate also 'holds, at another rate' or undecided."""
        if not self.networks:
            return "not tested"
        if self.exceptions:
            return f"fails in {len(self.exceptions)} of {len(self.networks)}"
        return f"holds{self._of_rate}"

    @property
    def _of_rate(self) -> str:
        low, high = self.median.low, self.median.high
        if low is None or high is None:  # too few for an interval: what all of them are within
            low, high = self.lowest, self.highest
        if not self.claim.is_rate or low is None or high is None:
            return ""
        if max(abs(low - 1), abs(high - 1)) <= SAME_RATE:
            return ""
        apart = high < 1 - SAME_RATE or low > 1 + SAME_RATE
        return ", at another rate" if apart else ", rate undecided"

    def count(self, *, constructed: bool) -> int:
        """How many of `networks` were constructed, or trained."""
        return sum(network.constructed is constructed for network in self.networks)

    def by_architecture(self) -> dict[str, tuple[int, int]]:
        """Architecture → networks in which the claim holds, and networks that decide it."""
        excepted = {network.trial_id for network in self.exceptions}
        found: dict[str, tuple[int, int]] = {}
        for network in self.networks:
            held, all_of_it = found.get(network.architecture, (0, 0))
            found[network.architecture] = (held + (network.trial_id not in excepted), all_of_it + 1)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values, a key per column."""
        return {
            "claim": self.claim.name,
            "says": self.claim.says,
            "measured": self.claim.measured,
            "measured_in": self.median.n,
            "median": self.median.value,
            "low": self.median.low,
            "high": self.median.high,
            "lowest": self.lowest,
            "highest": self.highest,
            "networks": len(self.networks),
            "constructed": self.count(constructed=True),
            "trained": self.count(constructed=False),
            "holds_in": len(self.networks) - len(self.exceptions),
            "undecided": len(self.undecided),
            "by_architecture": architectures(self),
            "verdict": self.verdict,
            "exceptions": " ".join(network.trial_id for network in self.exceptions),
        }


def architectures(finding: Finding) -> str:
    """'lstm 12 of 12, rnn 9 of 10': in how many networks of each it holds."""
    counts = finding.by_architecture().items()
    return ", ".join(f"{name} {held} of {total}" for name, (held, total) in counts)


def examine(networks: Sequence[Network], claims: Iterable[Claim] = CLAIMS) -> tuple[Finding, ...]:
    """Every claim, in the order of the paper."""
    return tuple(_finding(claim, networks) for claim in claims)


def _finding(claim: Claim, networks: Sequence[Network]) -> Finding:
    outcomes = [(network, claim.holds(network)) for network in networks if claim.premise(network)]
    decided = tuple(network for network, holds in outcomes if holds is not None)
    values = sorted(value for value in map(claim.value, decided) if math.isfinite(value))
    return Finding(
        claim=claim,
        networks=decided,
        exceptions=tuple(network for network, holds in outcomes if holds is False),
        undecided=tuple(network for network, holds in outcomes if holds is None),
        median=median_interval(values) if claim.pooled else Estimate(len(values), None, None, None),
        lowest=values[0] if values else None,
        highest=values[-1] if values else None,
    )

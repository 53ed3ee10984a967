"""Claims against networks: in how many each holds, and what was measured, with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..statistics import Estimate, median_interval
from .claims import CLAIMS, SAME_RATE, Claim
from .networks import Network


@dataclass(frozen=True, eq=False)
class Finding:
    """One claim, over all networks that meet its premise."""

    claim: Claim
    networks: tuple[Network, ...]
    exceptions: tuple[Network, ...]
    """Of these, those in which it does not hold."""
    median: Estimate
    """Of what was measured, where it is finite."""
    lowest: float | None
    highest: float | None

    @property
    def verdict(self) -> str:
        """'holds', 'fails in 3 of 20', 'holds, at another rate', or 'not tested'."""
        if not self.networks:
            return "not tested"
        if self.exceptions:
            return f"fails in {len(self.exceptions)} of {len(self.networks)}"
        return "holds" if self._as_expected else "holds, at another rate"

    @property
    def _as_expected(self) -> bool:
        expected, found = self.claim.expected, self.median
        if expected is None or found.value is None:
            return True
        within = found.low is not None and found.high is not None and found.low <= expected <= found.high
        return within or abs(found.value - expected) <= SAME_RATE * abs(expected)

    def count(self, *, constructed: bool) -> int:
        """How many networks that meet the premise were constructed, or trained."""
        return sum(network.constructed is constructed for network in self.networks)

    def by_architecture(self) -> dict[str, tuple[int, int]]:
        """Architecture → networks in which the claim holds, and networks that meet the premise."""
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
            "median": self.median.value,
            "low": self.median.low,
            "high": self.median.high,
            "lowest": self.lowest,
            "highest": self.highest,
            "networks": len(self.networks),
            "constructed": self.count(constructed=True),
            "trained": self.count(constructed=False),
            "holds_in": len(self.networks) - len(self.exceptions),
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
    meant = tuple(network for network in networks if claim.premise(network))
    values = sorted(value for value in map(claim.value, meant) if math.isfinite(value))
    return Finding(
        claim=claim,
        networks=meant,
        exceptions=tuple(network for network in meant if not claim.holds(network)),
        median=median_interval(values),
        lowest=values[0] if values else None,
        highest=values[-1] if values else None,
    )

"""Where the best learning interval τ is expected: the Lyapunov prior, and the lack of one.

Mikhaeil, Monfared & Durstewitz (NeurIPS 2022) recommend τ_pred = ln 2 / (λ_max Δt). A search does not work on
τ itself but on a coordinate u in (0, 1), the prior's own cumulative probability: equal steps in u are fine
where the optimum is expected and coarse where it is not, and whatever sampler proposes u needs to know
nothing of priors.

    Lyapunov    ln(τ / centre) ~ Normal(0, ln width) with a share of `DEFENCE` uniform in ln τ
    uniform     ln τ uniform

both between a least and a greatest τ. The uniform share is what lets a search get away from a wrong prior:
without it, a τ two standard deviations away lies in a sliver of u in which no sampler finds its way.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

NORMAL = NormalDist()

DEFENCE = 0.75
"""Share of the Lyapunov prior that is uniform in ln τ."""


@dataclass(frozen=True)
class Prior:
    """A distribution of ln τ between two bounds.

    Raises:
        ValueError: bounds or centre that no τ can have.
    """

    low: int
    """The least τ, in steps."""
    high: int
    """The greatest τ."""
    centre: float | None = None
    """Where it is highest, in steps; None: uniform in ln τ."""
    width: float = 2.5
    """One standard deviation of ln τ, as a factor: two thirds lie between centre/width and centre·width."""

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high:
            raise ValueError(f"expected 1 ≤ least τ ≤ greatest τ, got {self.low} and {self.high}")
        if self.centre is not None and not (math.isfinite(self.centre) and self.centre > 0):
            raise ValueError(f"expected a positive number of steps as the prior's centre, got {self.centre}")

    def tau(self, u: float) -> int:
        """The integer τ at a quantile u."""
        low, high = self._logs
        # The distribution has no closed inverse: its logarithm is halved down to far less than a step.
        while high - low > 1e-9:
            middle = (low + high) / 2
            low, high = (middle, high) if self._below(middle) < u else (low, middle)
        return min(max(round(math.exp(low)), self.low), self.high)

    def coordinate(self, tau: float) -> float:
        """The quantile u of a τ, which need not be an integer: the inverse of `tau` up to rounding."""
        return self._below(math.log(tau))

    def density(self, tau: float) -> float:
        """Per unit of ln τ; 0 outside the bounds."""
        low, high = self._logs
        if not self.low <= tau <= self.high or low == high:
            return 0.0
        share = self._share
        dense = (1 - share) / (high - low)
        if share:
            assert self.centre is not None
            a, b = self._ends
            dense += share * NORMAL.pdf(self._standardised(math.log(tau))) / math.log(self.width) / (b - a)
        return dense

    def spread(self, z: float) -> int:
        """The τ that lies z standard deviations from the centre."""
        if self.centre is None:
            return self.tau(NORMAL.cdf(z))
        tau: int = round(self.centre * self.width**z)
        return min(max(tau, self.low), self.high)

    @property
    def region(self) -> tuple[int, int]:
        """The τ between which nine tenths of what is predicted lie, the uniform share aside; of a uniform
        prior, nine tenths of it."""
        return self.spread(-1.645), self.spread(1.645)

    def _below(self, log: float) -> float:
        """Cumulative probability at a ln τ."""
        low, high = self._logs
        if low == high:
            return 0.5
        log = min(max(log, low), high)
        share = self._share
        below = (1 - share) * (log - low) / (high - low)
        if share:
            a, b = self._ends
            below += share * (NORMAL.cdf(self._standardised(log)) - a) / (b - a)
        return min(max(below, 0.0), 1.0)

    @cached_property
    def _logs(self) -> tuple[float, float]:
        return math.log(self.low), math.log(self.high)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Probabilities of the normal distribution below the least and below the greatest τ."""
        a, b = (NORMAL.cdf(self._standardised(log)) for log in self._logs)
        return a, b

    @cached_property
    def _share(self) -> float:
        """Of the normal distribution; none where there is nothing of it between the bounds."""
        if self.centre is None or self._ends[1] - self._ends[0] < 1e-9:
            return 0.0
        return 1 - DEFENCE

    def _standardised(self, log: float) -> float:
        assert self.centre is not None
        return (log - math.log(self.centre)) / math.log(self.width)

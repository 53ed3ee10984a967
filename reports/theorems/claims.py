"""What the paper claims (section 3 and appendices A.1 to A.3, A.7), as what can be seen in one network.

Theory speaks of T → ∞; networks were followed for the longest lag in `gradients`, 1000 steps as a rule. A
claim has a premise, which the measured class of a network meets or not, a number that is measured, and what
must be for it to hold in this network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .networks import Network

JACOBIAN, FROM_DATA, GRADIENT = "ln_jacobian_run", "ln_jacobian_free", "ln_loss_gradient_free"
STEP_PRODUCT, STEP_SUM, STEP_CHANGE = "ln_step_product_run", "ln_step_sum_run", "ln_step_change_run"
FORCED, PLAIN, STATE = "ln_loss_gradient_trained", "ln_loss_gradient_plain", "ln_state_gradient_plain"

TENFOLD = math.log(10)
"""A gradient that gains less than a factor of ten over the last nine tenths of its time is bounded."""
SUBEXPONENTIAL = 0.01
"""The ε of Theorem 3 that is asked for at the longest lag."""
SAME_RATE = 0.05
"""Rates this near to each other, relatively, are the same, whatever their interval."""
CONVERGED = 1e-3
"""A sum that gains less than this share over the last nine tenths of its terms is finite."""
EXACT = 1e-9
"""Relative difference of two ways to compute one gradient, from rounding alone."""


@dataclass(frozen=True)
class Claim:
    """One statement, and how it is looked up in a network."""

    name: str
    """As in the paper."""
    says: str
    premise: Callable[[Network], bool]
    measured: str
    """What `value` is."""
    value: Callable[[Network], float]
    holds: Callable[[Network], bool]
    expected: float | None = None
    """What the median of `value` is to be, within SAME_RATE or its interval; None: whatever holds."""


def _chaotic(network: Network) -> bool:
    return network.kind == "chaotic"


def _ratio(quantity: str) -> Callable[[Network], float]:
    """Measured rate over λ₁, NaN where either is infinite."""

    def of(network: Network) -> float:
        slope = network.slope(quantity)
        return slope / network.rate if math.isfinite(slope) and math.isfinite(network.rate) else math.nan

    return of


def _arrived(network: Network) -> bool:
    """Whether runs from the data, where gradients are taken, have come to rest or cycle within that time.

    A long chaotic transient is no part of the attractor, and in it gradients grow.
    """
    return network.stable and network.slope(FROM_DATA) < 0


def _bounded(network: Network) -> bool:
    return network.growth(GRADIENT) < TENFOLD


def _mean_rate(network: Network) -> float:
    """ln ‖∂z_T/∂z_1‖ / (T − 1) at the longest time."""
    longest = network.longest(JACOBIAN)
    return network.last(JACOBIAN) / (longest - 1) if longest > 1 else math.nan


def _has_finite_sum(quantity: str) -> Callable[[Network], bool]:
    """Whether the sum whose logarithm this is has converged; of nothing but zeros it has."""

    def of(network: Network) -> bool:
        return network.last(quantity) == -math.inf or 0 <= network.growth(quantity) < CONVERGED

    return of


def _difference_across_forcing(network: Network) -> float:
    """Relative difference of ∂L_T/∂θ with windows cut beforehand and by the plain loop with forcing."""
    plain = network.curves.get(PLAIN, {})
    if not plain:
        return math.nan
    lag = max(plain)
    return abs(math.expm1(network.curves[FORCED][lag] - plain[lag]))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "Theorem 1 (i)",
        "at a stable fixed point or cycle ‖∂z_T/∂z_1‖ vanishes, at the rate λ₁",
        lambda network: network.stable,
        "rate / λ₁",
        _ratio(JACOBIAN),
        lambda network: network.slope(JACOBIAN) < 0,
        expected=1.0,
    ),
    Claim(
        "Theorem 1 (ii)",
        "and gradients of the loss stay bounded (here: of runs that have come to it)",
        _arrived,
        "ln growth of ‖∂L_T/∂θ‖",
        lambda network: network.growth(GRADIENT),
        _bounded,
    ),
    Claim(
        "Theorem 1 (iii)",
        "in a PLRNN from every start in the basin (here: from the data)",
        lambda network: network.stable and network.architecture == "plrnn",
        "ln growth of ‖∂L_T/∂θ‖",
        lambda network: network.growth(GRADIENT),
        _bounded,
    ),
    Claim(
        "Theorem 2 (i)",
        "under chaos ‖∂z_T/∂z_1‖ explodes, at the rate λ₁",
        _chaotic,
        "rate / λ₁",
        _ratio(JACOBIAN),
        lambda network: network.slope(JACOBIAN) > 0,
        expected=1.0,
    ),
    Claim(
        "Theorem 2 (ii)",
        "and so do gradients of the loss",
        _chaotic,
        "rate / λ₁",
        _ratio(GRADIENT),
        lambda network: network.slope(GRADIENT) > 0,
        expected=1.0,
    ),
    Claim(
        "Theorem 3",
        "under quasi-periodicity ‖∂z_T/∂z_1‖ grows or falls less than exponentially",
        lambda network: network.kind == "quasi_periodic",
        "ln ‖∂z_T/∂z_1‖ / (T−1)",
        _mean_rate,
        lambda network: abs(_mean_rate(network)) < SUBEXPONENTIAL,
    ),
    Claim(
        "Theorem 4 (i)",
        "where Σ ‖J_t‖ is finite, Jacobians and gradients stay bounded",
        _has_finite_sum(STEP_SUM),
        "ln growth of ‖∂L_T/∂θ‖",
        lambda network: network.growth(GRADIENT),
        lambda network: _bounded(network) and network.growth(JACOBIAN) < TENFOLD,
    ),
    Claim(
        "Theorem 4 (ii)",
        "where Σ ‖J_t − 1‖ is finite, ‖∂z_T/∂z_1‖ neither vanishes nor explodes",
        _has_finite_sum(STEP_CHANGE),
        "ln growth of ‖∂z_T/∂z_1‖",
        lambda network: network.growth(JACOBIAN),
        lambda network: math.isfinite(network.last(JACOBIAN)) and abs(network.growth(JACOBIAN)) < TENFOLD,
    ),
    Claim(
        "Proposition 1",
        "in a chaotic LSTM the whole Jacobian, of h and c, exceeds 1",
        lambda network: _chaotic(network) and network.architecture == "lstm",
        "ln ‖∂z_T/∂z_1‖",
        lambda network: network.last(JACOBIAN),
        lambda network: all(value > 0 for value in network.late(JACOBIAN).values()),
    ),
    Claim(
        "Proposition 2",
        "no unitary RNN is chaotic",
        lambda network: network.architecture == "urnn",
        "λ₁ per step",
        lambda network: network.rate,
        lambda network: not _chaotic(network),
    ),
    Claim(
        "Proposition 2, b ≤ 0",
        "none is whose modReLU has no positive bias, so that ‖J‖ ≤ 1 as the proof assumes",
        lambda network: network.architecture == "urnn" and network.jacobian_bound <= 1,
        "λ₁ per step",
        lambda network: network.rate,
        lambda network: not _chaotic(network),
    ),
    Claim(
        "Proposition 3",
        "where Σ ln ‖J_t‖ falls without end, ‖∂z_T/∂z_1‖ vanishes",
        lambda network: network.slope(STEP_PRODUCT) < -network.resolution,
        "rate of ‖∂z_T/∂z_1‖",
        lambda network: network.slope(JACOBIAN),
        lambda network: network.slope(JACOBIAN) < 0,
    ),
    Claim(
        "Corollary 1, Remark 6",
        "a chaotic tanh RNN has ‖W‖ > 1",
        lambda network: _chaotic(network) and network.architecture == "rnn",
        "‖W‖",
        lambda network: network.jacobian_bound,
        lambda network: network.jacobian_bound > 1,
    ),
    Claim(
        "Corollary 1, reversed",
        "no network is chaotic whose Jacobian is nowhere above 1",
        lambda network: network.jacobian_bound <= 1 + EXACT,
        "λ₁ per step",
        lambda network: network.rate,
        lambda network: not _chaotic(network),
    ),
    Claim(
        "Eq. 94 to 96",
        "across a forcing ∂L_T/∂z_1 is exactly 0, and ∂L_T/∂θ is that since the forcing",
        lambda network: PLAIN in network.curves,
        "relative difference of ∂L_T/∂θ",
        _difference_across_forcing,
        lambda network: network.last(STATE) == -math.inf and _difference_across_forcing(network) < EXACT,
    ),
)  # fmt: skip

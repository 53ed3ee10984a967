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
"""A gradient that gains less than a factor of ten over the last nine tenths of its time is bounded. A power
of T below 1 passes too."""
E_FOLD = 1.0
"""A Jacobian that gains or loses less than this, in ln, in the last nine tenths of its time goes nowhere."""
SLOWING = 0.9
"""Growth per step in the last half of the time over that in nine tenths of it: 1 of an exponential, and of
1 + cT that gains an E_FOLD or more at most 0.78."""
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
    """NaN where it was not measured."""
    holds: Callable[[Network], bool | None]
    """None where this network decides nothing: not measured, or not for long enough."""
    is_rate: bool = False
    """`value` is a rate over λ₁, of which the claim says that it is 1."""
    pooled: bool = True
    """Whether networks of different make have a median in common; otherwise there is the range alone."""


def _chaotic(network: Network) -> bool:
    return network.kind == "chaotic"


def _settles(network: Network) -> bool:
    return network.kind in ("fixed_point", "cycle")


def _less(value: float, bound: float) -> bool | None:
    """Whether a measured value is below a bound; None where there is no value."""
    return None if math.isnan(value) else value < bound


def _both(*parts: bool | None) -> bool | None:
    """Whether all of several things hold; None where one that fails is not among them and one is unknown."""
    if False in parts:
        return False
    return None if None in parts else True


def _vanishes(network: Network) -> bool | None:
    """Undecided where λ₁ is not told from 0: what comes near such a point or cycle need not come nearer."""
    return _less(network.slope(JACOBIAN), 0.0) if network.stable else None


def _bounded(network: Network) -> bool | None:
    return _less(network.growth(GRADIENT), TENFOLD)


def _bounded_in_the_end(network: Network) -> bool | None:
    """Undecided where the run from the data, where gradients are taken, has not come to rest or cycle in that
    time: in a long chaotic transient, which is no part of the attractor, gradients grow.
    """
    arrived = network.stable and network.slope(FROM_DATA) < 0
    return _bounded(network) if arrived else None


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


def _less_than_exponential(network: Network) -> bool | None:
    """Whether late growth slows down, as that of a power of T does and of 1 + cT, and an exponential's not.

    The premise is |λ₁| below what can be told from 0, which bounds the growth; what it leaves, an
    exponential of a weaker rate, is seen from an E_FOLD on.
    """
    late = network.late(JACOBIAN)
    if len(late) < 3:
        return None
    first, *_, before, last = sorted(late)
    growth = late[last] - late[first]
    if abs(growth) < E_FOLD:
        return True
    overall, in_the_end = growth / (last - first), (late[last] - late[before]) / (last - before)
    return _less(in_the_end / overall, SLOWING)


def _power(network: Network) -> float:
    """p where ‖∂z_T/∂z_1‖ grows as T^p in the long run."""
    late = network.late(JACOBIAN)
    if len(late) < 2:
        return math.nan
    return network.growth(JACOBIAN) / math.log(max(late) / min(late))


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


def _exceeds_1(network: Network) -> bool | None:
    late = network.late(JACOBIAN)
    return all(value > 0 for value in late.values()) if late else None


def _neither_vanishes_nor_explodes(network: Network) -> bool | None:
    return _both(
        _less(abs(network.growth(JACOBIAN)), TENFOLD), None if not network.late(JACOBIAN) else
        math.isfinite(network.last(JACOBIAN)),
    )  # fmt: skip


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "Theorem 1 (i)",
        "at a stable fixed point or cycle ‖∂z_T/∂z_1‖ vanishes, at the rate λ₁",
        _settles,
        "rate / λ₁",
        _ratio(JACOBIAN),
        _vanishes,
        is_rate=True,
    ),
    Claim(
        "Theorem 1 (ii)",
        "and gradients of the loss stay bounded",
        _settles,
        "ln growth of ‖∂L_T/∂θ‖",
        lambda network: network.growth(GRADIENT),
        _bounded_in_the_end,
    ),
    Claim(
        "Theorem 1 (iii)",
        "in a PLRNN from every start in the basin (here: from the data)",
        lambda network: _settles(network) and network.architecture == "plrnn",
        "ln growth of ‖∂L_T/∂θ‖",
        lambda network: network.growth(GRADIENT),
        _bounded_in_the_end,
    ),
    Claim(
        "Theorem 2 (i)",
        "under chaos ‖∂z_T/∂z_1‖ explodes, at the rate λ₁",
        _chaotic,
        "rate / λ₁",
        _ratio(JACOBIAN),
        lambda network: _less(-network.slope(JACOBIAN), 0.0),
        is_rate=True,
    ),
    Claim(
        "Theorem 2 (ii)",
        "and so do gradients of the loss",
        _chaotic,
        "rate / λ₁",
        _ratio(GRADIENT),
        lambda network: _less(-network.slope(GRADIENT), 0.0),
        is_rate=True,
    ),
    Claim(
        "Theorem 3",
        "where λ₁ is not told from 0, as under quasi-periodicity, ‖∂z_T/∂z_1‖ goes less than exponentially",
        lambda network: network.kind == "quasi_periodic",
        "power of T that it grows as",
        _power,
        _less_than_exponential,
    ),
    Claim(
        "Theorem 4 (i)",
        "where Σ ‖J_t‖ is finite, Jacobians and gradients stay bounded",
        _has_finite_sum(STEP_SUM),
        "ln growth of ‖∂L_T/∂θ‖",
        lambda network: network.growth(GRADIENT),
        lambda network: _both(_bounded(network), _less(network.growth(JACOBIAN), TENFOLD)),
    ),
    Claim(
        "Theorem 4 (ii)",
        "where Σ ‖J_t − 1‖ is finite, ‖∂z_T/∂z_1‖ neither vanishes nor explodes",
        _has_finite_sum(STEP_CHANGE),
        "ln growth of ‖∂z_T/∂z_1‖",
        lambda network: network.growth(JACOBIAN),
        _neither_vanishes_nor_explodes,
    ),
    Claim(
        "Proposition 1",
        "in a chaotic LSTM the whole Jacobian, of h and c, exceeds 1",
        lambda network: _chaotic(network) and network.architecture == "lstm",
        "ln ‖∂z_T/∂z_1‖",
        lambda network: network.last(JACOBIAN),
        _exceeds_1,
    ),
    Claim(
        "Proposition 2",
        "no unitary RNN is chaotic",
        lambda network: network.architecture == "urnn",
        "λ₁ per step",
        lambda network: network.rate,
        lambda network: not _chaotic(network),
        pooled=False,
    ),
    Claim(
        "Proposition 2, b ≤ 0",
        "none is whose modReLU has no positive bias, so that ‖J‖ ≤ 1 as the proof assumes",
        lambda network: network.architecture == "urnn" and network.jacobian_bound <= 1,
        "λ₁ per step",
        lambda network: network.rate,
        lambda network: not _chaotic(network),
        pooled=False,
    ),
    Claim(
        "Proposition 3",
        "where no J_t is 0 and Σ ln ‖J_t‖ falls without end, ‖∂z_T/∂z_1‖ vanishes",
        lambda network: -math.inf < network.slope(STEP_PRODUCT) < -network.resolution,
        "rate of ‖∂z_T/∂z_1‖",
        lambda network: network.slope(JACOBIAN),
        lambda network: _less(network.slope(JACOBIAN), 0.0),
        pooled=False,
    ),
    Claim(
        "Corollary 1, Remark 6",
        "a chaotic tanh RNN has ‖W‖ > 1",
        lambda network: _chaotic(network) and network.architecture == "rnn",
        "‖W‖",
        lambda network: network.jacobian_bound,
        lambda network: network.jacobian_bound > 1 if math.isfinite(network.jacobian_bound) else None,
        pooled=False,
    ),
    Claim(
        "Corollary 1, reversed",
        "no RNN or PLRNN is chaotic whose Jacobian is nowhere above 1",
        lambda network: network.jacobian_bound <= 1 + EXACT and network.architecture != "urnn",
        "λ₁ per step",
        lambda network: network.rate,
        lambda network: not _chaotic(network),
        pooled=False,
    ),
    Claim(
        "Eq. 94 to 96",
        "across a forcing ∂L_T/∂z_1 is exactly 0, and ∂L_T/∂θ is that since the forcing",
        lambda network: PLAIN in network.curves,
        "relative difference of ‖∂L_T/∂θ‖",
        _difference_across_forcing,
        lambda network: _both(
            network.last(STATE) == -math.inf, _less(_difference_across_forcing(network), EXACT)
        ),
    ),
)

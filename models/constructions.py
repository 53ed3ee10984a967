"""Networks whose dynamics are known beforehand, made and not trained, to try statements about dynamics on.

    fixed_point      small weights: all runs end in one point
    cycle            a ring of n units that hand on their sign and turn it once: period 2n or a divisor of it
    quasi_periodic   a turn by an irrational share of the circle
    chaotic          PLRNN: the tent map x ← 1 − μ|x|, whose exponent is ln μ; others: large random weights

The rest of the M units follows those above by a random contraction, so that no network is small in disguise.
An LSTM gets the weights of a tanh network in its candidate g, with input and output gates nearly open and the
forget gate partly: it then is h ← ~tanh(f c + tanh(W h + b)).

A PLRNN turns without attracting: its quasi-periodic orbits are ellipses side by side. The diagonal of its W
is zero, so a unit that needs its own rectified value takes that of a twin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .streams import stream

FloatArray = NDArray[np.float64]
Kind = Literal["fixed_point", "cycle", "quasi_periodic", "chaotic"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SMALLEST = 6
"""Latent units that a construction needs at least."""


def construct(
    architecture: str, kind: Kind, *, latent_dim: int, observed_dim: int, seed: int
) -> dict[str, FloatArray]:
    """Weights of one network, with those that an architecture of this name has.

    Raises:
        ValueError: there is no such construction, or too few latent units.
    """
    if (architecture, kind) not in _MAKERS:
        raise ValueError(
            f"no {kind!r} network of architecture {architecture!r} can be constructed: there are "
            + ", ".join(f"{kind} {name}" for name, kind in _MAKERS)
        )
    if latent_dim < max(SMALLEST, observed_dim):
        raise ValueError(f"a constructed network needs latent_dim >= {max(SMALLEST, observed_dim)}")
    rng = stream(seed, f"construction/{architecture}/{kind}")
    weights = _MAKERS[architecture, kind](latent_dim, rng)
    bound = 4.0 / math.sqrt(latent_dim)  # so that a start on the data is a small state
    return {**weights, "B": rng.uniform(-bound, bound, (observed_dim, latent_dim))}


def _contraction(units: int, rng: np.random.Generator) -> FloatArray:
    """A random matrix of spectral norm 0.3 to 0.9."""
    W = rng.standard_normal((units, units))
    norm = float(np.linalg.norm(W, 2))
    return W * (rng.uniform(0.3, 0.9) / norm)


def _with_followers(block: FloatArray, latent_dim: int, rng: np.random.Generator) -> FloatArray:
    """`block` in the corner, the other units driven by it and contracting."""
    size = len(block)
    W = np.zeros((latent_dim, latent_dim))
    W[:size, :size] = block
    W[size:, size:] = _contraction(latent_dim - size, rng)
    W[size:, :size] = rng.uniform(-0.5, 0.5, (latent_dim - size, size))
    return W


def _rotation(angle: float) -> FloatArray:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _angle(rng: np.random.Generator) -> float:
    """An irrational share of the circle, in steps so small that the run looks like a flow."""
    return 2 * math.pi * float(rng.uniform(0.02, 0.12)) * (math.sqrt(5) - 1) / 2


def _ring(gain: float, units: int) -> FloatArray:
    W = np.zeros((units, units))
    W[np.arange(1, units), np.arange(units - 1)] = gain
    W[0, -1] = -gain
    return W


def _rnn_fixed_point(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    return {"W": _contraction(m, rng), "h": rng.uniform(-0.5, 0.5, m)}


def _rnn_cycle(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    block = _ring(float(rng.uniform(1.3, 2.5)), int(rng.integers(1, 5)))
    return {"W": _with_followers(block, m, rng), "h": np.zeros(m)}


def _rnn_quasi_periodic(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    block = float(rng.uniform(1.05, 1.15)) * _rotation(_angle(rng))
    return {"W": _with_followers(block, m, rng), "h": np.zeros(m)}


def _rnn_chaotic(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    W = rng.standard_normal((m, m)) * float(rng.uniform(4.0, 8.0)) / math.sqrt(m)
    return {"W": W, "h": rng.uniform(-0.5, 0.5, m)}


def _plrnn(W: FloatArray, h: FloatArray) -> dict[str, FloatArray]:
    return {"AW": W, "h": h}


def _tent(right: float, left: float, m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    """x ← 1 + right·max(x, 0) + left·min(x, 0), with x = z₁ = z₃ = −z₂ = −z₄."""
    block = np.array(
        [[0, -left, right, 0], [-right, 0, 0, left], [right, -left, 0, 0], [-right, left, 0, 0]], dtype=float
    )
    h = np.concatenate([[1.0, -1.0, 1.0, -1.0], rng.uniform(-0.5, 0.5, m - 4)])
    return _plrnn(_with_followers(block, m, rng), h)


def _plrnn_fixed_point(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    return _plrnn(0.5 * _contraction(m, rng), rng.uniform(-0.5, 0.5, m))


def _plrnn_cycle(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    # The fixed point on the right is unstable, the product of both slopes is not: a stable 2-cycle.
    right = -float(rng.uniform(1.1, 2.0))
    return _tent(right, float(rng.uniform(0.2, 0.45)), m, rng)


def _plrnn_chaotic(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    mu = float(rng.uniform(1.3, 1.95))
    return _tent(-mu, mu, m, rng)


def _plrnn_quasi_periodic(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    """A turn of (x, y) = (z₁, z₂), with z₃ = −z₁ and z₄ = −z₂ so that y = max(z₂, 0) − max(z₄, 0)."""
    turn = _rotation(_angle(rng))
    across = turn - np.diag(np.diag(turn))
    block = np.diag(np.tile(np.diag(turn), 2)) + np.block([[across, -across], [-across, across]])
    centre = np.array([2.0, 1.0])  # away from where runs start, or else some would rest there
    shift = centre - turn @ centre
    h = np.concatenate([shift, -shift, rng.uniform(-0.5, 0.5, m - 4)])
    return _plrnn(_with_followers(block, m, rng), h)


def _as_lstm(weights: dict[str, FloatArray], forget: float) -> dict[str, FloatArray]:
    W, h = weights["W"], weights["h"]
    m = len(W)
    gates = np.zeros((4 * m, m))
    gates[3 * m :] = W
    return {"W": gates, "b": np.concatenate([np.full(m, 6.0), np.full(m, forget), np.full(m, 6.0), h])}


def _lstm_fixed_point(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    return {"W": rng.uniform(-0.2, 0.2, (4 * m, m)), "b": rng.uniform(-0.5, 0.5, 4 * m)}


def _lstm_cycle(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    return _as_lstm(_rnn_cycle(m, rng), forget=-5.0)


def _lstm_quasi_periodic(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    return _as_lstm(_rnn_quasi_periodic(m, rng), forget=-6.0)


def _lstm_chaotic(m: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    return _as_lstm(_rnn_chaotic(m, rng), forget=-2.0)


_MAKERS: dict[tuple[str, str], Callable[[int, np.random.Generator], dict[str, FloatArray]]] = {
    ("rnn", "fixed_point"): _rnn_fixed_point, ("rnn", "cycle"): _rnn_cycle,
    ("rnn", "quasi_periodic"): _rnn_quasi_periodic, ("rnn", "chaotic"): _rnn_chaotic,
    ("plrnn", "fixed_point"): _plrnn_fixed_point, ("plrnn", "cycle"): _plrnn_cycle,
    ("plrnn", "quasi_periodic"): _plrnn_quasi_periodic, ("plrnn", "chaotic"): _plrnn_chaotic,
    ("lstm", "fixed_point"): _lstm_fixed_point, ("lstm", "cycle"): _lstm_cycle,
    ("lstm", "quasi_periodic"): _lstm_quasi_periodic, ("lstm", "chaotic"): _lstm_chaotic,
}  # fmt: skip

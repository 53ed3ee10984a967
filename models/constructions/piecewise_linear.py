"""PLRNNs, z ← A z + W max(z, 0) + h. The diagonal of W is zero, so a unit that needs its own rectified value
takes that of a twin.
"""

from __future__ import annotations

import numpy as np

from .blocks import FloatArray, Weights, contraction, irrational_angle, rotation, with_followers


def fixed_point(m: int, rng: np.random.Generator) -> Weights:
    """Weights so small that the map contracts on every side."""
    return _weights(0.5 * contraction(m, rng), rng.uniform(-0.5, 0.5, m))


def cycle(m: int, rng: np.random.Generator) -> Weights:
    """A 2-cycle: the fixed point on the right is unstable, the product of both slopes is not."""
    right = -float(rng.uniform(1.1, 2.0))
    return _tent(right, float(rng.uniform(0.2, 0.45)), m, rng)


def quasi_periodic(m: int, rng: np.random.Generator) -> Weights:
    """A turn of (x, y) = (z₁, z₂), with z₃ = −z₁ and z₄ = −z₂ so that y = max(z₂, 0) − max(z₄, 0).

    It turns without attracting: its orbits are ellipses side by side.
    """
    turn = rotation(irrational_angle(rng))
    across = turn - np.diag(np.diag(turn))
    block = np.diag(np.tile(np.diag(turn), 2)) + np.block([[across, -across], [-across, across]])
    centre = np.array([2.0, 1.0])  # away from where runs start, or else some would rest there
    shift = centre - turn @ centre
    h = np.concatenate([shift, -shift, rng.uniform(-0.5, 0.5, m - 4)])
    return _weights(with_followers(block, m, rng), h)


def chaotic(m: int, rng: np.random.Generator) -> Weights:
    """The tent map x ← 1 − μ|x|, whose exponent is ln μ."""
    mu = float(rng.uniform(1.3, 1.95))
    return _tent(-mu, mu, m, rng)


def superstable(m: int, rng: np.random.Generator) -> Weights:
    """A = 0, W ≤ 0, h < 0: after one step no unit is above 0, and the Jacobian is A."""
    W = -np.abs(rng.standard_normal((m, m)))
    np.fill_diagonal(W, 0.0)
    return _weights(W, -rng.uniform(0.1, 0.5, m))


def neutral(m: int, rng: np.random.Generator) -> Weights:
    """A = 1, W = 0, h = 0: the full manifold attractor of Schmidt et al. (2021), z ← z."""
    return _weights(np.eye(m), np.zeros(m))


def _weights(W: FloatArray, h: FloatArray) -> Weights:
    return {"AW": W, "h": h}


def _tent(right: float, left: float, m: int, rng: np.random.Generator) -> Weights:
    """x ← 1 + right·max(x, 0) + left·min(x, 0), with x = z₁ = z₃ = −z₂ = −z₄."""
    block = np.array(
        [[0, -left, right, 0], [-right, 0, 0, left], [right, -left, 0, 0], [-right, left, 0, 0]], dtype=float
    )
    h = np.concatenate([[1.0, -1.0, 1.0, -1.0], rng.uniform(-0.5, 0.5, m - 4)])
    return _weights(with_followers(block, m, rng), h)

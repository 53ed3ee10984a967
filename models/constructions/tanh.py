"""Vanilla RNNs, z ← tanh(W z + h)."""

from __future__ import annotations

import math

import numpy as np

from .blocks import FloatArray, Weights, contraction, irrational_angle, rotation, with_followers


def fixed_point(m: int, rng: np.random.Generator) -> Weights:
    """Weights so small that the map contracts."""
    return {"W": contraction(m, rng), "h": rng.uniform(-0.5, 0.5, m)}


def cycle(m: int, rng: np.random.Generator) -> Weights:
    """A ring of n units that hand on their sign and turn it once: period 2n or a divisor of it."""
    block = _ring(float(rng.uniform(1.3, 2.5)), int(rng.integers(1, 5)))
    return {"W": with_followers(block, m, rng), "h": np.zeros(m)}


def quasi_periodic(m: int, rng: np.random.Generator) -> Weights:
    """A turn with a gain a little above 1, which tanh limits."""
    block = float(rng.uniform(1.05, 1.15)) * rotation(irrational_angle(rng))
    return {"W": with_followers(block, m, rng), "h": np.zeros(m)}


def chaotic(m: int, rng: np.random.Generator) -> Weights:
    """Large random weights: as a rule, not always."""
    W = rng.standard_normal((m, m)) * float(rng.uniform(4.0, 8.0)) / math.sqrt(m)
    return {"W": W, "h": rng.uniform(-0.5, 0.5, m)}


def superstable(m: int, rng: np.random.Generator) -> Weights:
    """W = 0: the Jacobian diag(1 − z²) W of any other is zero nowhere."""
    return {"W": np.zeros((m, m)), "h": rng.uniform(-0.5, 0.5, m)}


def neutral(m: int, rng: np.random.Generator) -> Weights:
    """W a random orthogonal matrix, h = 0: z falls as t^(−1/2), and Jacobians get ever nearer to W."""
    W, _ = np.linalg.qr(rng.standard_normal((m, m)))
    return {"W": W, "h": np.zeros(m)}


def _ring(gain: float, units: int) -> FloatArray:
    W = np.zeros((units, units))
    W[np.arange(1, units), np.arange(units - 1)] = gain
    W[0, -1] = -gain
    return W

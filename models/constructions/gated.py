"""LSTMs, as a rule with the weights of a tanh network in the candidate g, input and output gates nearly open
and the forget gate partly: then h ← ~tanh(f c + tanh(W h + b)).
"""

from __future__ import annotations

import numpy as np

from . import tanh
from .blocks import Weights

SHUT = -800.0
"""Bias of a gate that is 0 in every arithmetic, not only nearly so."""


def fixed_point(m: int, rng: np.random.Generator) -> Weights:
    """Small random weights."""
    return {"W": rng.uniform(-0.2, 0.2, (4 * m, m)), "b": rng.uniform(-0.5, 0.5, 4 * m)}


def cycle(m: int, rng: np.random.Generator) -> Weights:
    """The tanh network's ring."""
    return _around(tanh.cycle(m, rng), forget=-5.0)


def quasi_periodic(m: int, rng: np.random.Generator) -> Weights:
    """The tanh network's turn."""
    return _around(tanh.quasi_periodic(m, rng), forget=-6.0)


def chaotic(m: int, rng: np.random.Generator) -> Weights:
    """Large random weights: as a rule, not always."""
    return _around(tanh.chaotic(m, rng), forget=-2.0)


def superstable(m: int, rng: np.random.Generator) -> Weights:
    """No weights and a shut forget gate: nothing depends on the state before."""
    return _around(tanh.superstable(m, rng), forget=SHUT)


def neutral(m: int, rng: np.random.Generator) -> Weights:
    """The constant error carousel (Hochreiter & Schmidhuber 1997): input shut, forget gate open, c ← c."""
    gates = np.zeros((4 * m, m))
    gates[2 * m : 3 * m] = rng.uniform(-1.0, 1.0, (m, m))
    return {"W": gates, "b": np.concatenate([np.full(m, SHUT), np.full(m, -SHUT), np.zeros(2 * m)])}


def _around(weights: Weights, forget: float) -> Weights:
    W, h = weights["W"], weights["h"]
    m = len(W)
    gates = np.zeros((4 * m, m))
    gates[3 * m :] = W
    return {"W": gates, "b": np.concatenate([np.full(m, 6.0), np.full(m, forget), np.full(m, 6.0), h])}

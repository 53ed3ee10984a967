"""Unitary networks, z ← σ_b(W z + h) with modReLU σ_b.

But for networks that rest, a few *sources* with b > 0 are coupled by a matrix C of norm below 1, and so
stay bounded. C becomes a corner of a unitary matrix with as many *sinks*, whose bias keeps them at 0; all
other units follow the sources.

Such a network can be chaotic, though the paper's Proposition 2 says that none can: modReLU stretches across
its argument by 1 + b/|a|, which the proof takes for at most 1. Two sources are enough.
"""

from __future__ import annotations

import cmath
import math

import numpy as np
from numpy.typing import NDArray

from .blocks import FloatArray, Weights, irrational_angle

ComplexArray = NDArray[np.complex128]

SINK = -1e6
CANDIDATES, SETTLING, COUNTED = 64, 300, 700
"""Of the search for a chaotic pair, and the steps that each is tried for."""
PAIR = np.array([[-0.3, -0.2 - 0.1j], [0.1 - 0.2j, 0.2 - 0.1j]])
"""Coupling of two sources with b = 1 that is chaotic: λ₁ is 0.33 a step."""


def fixed_point(m: int, rng: np.random.Generator) -> Weights:
    """Any unitary matrix and a constant input; no bias above 0, so that nothing is stretched."""
    units = m // 2
    return {
        "G": rng.standard_normal((units, units)),
        "b": -rng.uniform(0.05, 0.3, units),
        "h": rng.uniform(-0.2, 0.2, m),
    }


def cycle(m: int, rng: np.random.Generator) -> Weights:
    """One source that changes its sign, across its input: period 2."""
    across = cmath.rect(rng.uniform(0.5, 1.0), rng.uniform(0, 2 * math.pi))
    return _network(np.array([[-rng.uniform(0.3, 0.8)]]), np.array([across]), m, rng)


def quasi_periodic(m: int, rng: np.random.Generator) -> Weights:
    """One source that turns by an irrational share of the circle, where gain and loss balance."""
    turn = cmath.rect(rng.uniform(0.3, 0.8), irrational_angle(rng))
    return _network(np.array([[turn]]), np.zeros(1, complex), m, rng)


def chaotic(m: int, rng: np.random.Generator) -> Weights:
    """Two sources: the most chaotic of some pairs near `PAIR`."""
    shape = (CANDIDATES, 2, 2)
    near = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    pairs: ComplexArray = np.asarray(PAIR * (1 + 0.1 * near), dtype=np.complex128)
    return _network(pairs[np.argmax(_exponents(pairs, rng))], np.zeros(2, complex), m, rng)


def superstable(m: int, rng: np.random.Generator) -> Weights:
    """A random unitary matrix, and thresholds that no state reaches."""
    units = m // 2
    return {
        "G": rng.standard_normal((units, units)),
        "b": np.full(units, SINK),
        "h": rng.uniform(-0.5, 0.5, m),
    }


def neutral(m: int, rng: np.random.Generator) -> Weights:
    """W = 1, b = 0, h = 0: z ← z."""
    units = m // 2
    return {"G": np.zeros((units, units)), "b": np.zeros(units), "h": np.zeros(m)}


def _network(C: ComplexArray, h: ComplexArray, m: int, rng: np.random.Generator) -> Weights:
    """k sources coupled by C (k, k) with inputs h and b = 1, k sinks, and followers: m real numbers."""
    k, units = len(C), m // 2
    rows = rng.standard_normal((units, units)) + 1j * rng.standard_normal((units, units))
    rows[:k] = 0
    rows[:k, :k] = C
    # [C, (1 − C C*)^½] has orthonormal rows.
    squares, vectors = np.linalg.eigh(np.eye(k) - C @ C.conj().T)
    rows[:k, k : 2 * k] = (vectors * np.sqrt(squares)) @ vectors.conj().T
    # Orthonormal rows, of which the first k stay what they are; the last become the sinks'.
    Q, R = np.linalg.qr(rows.conj().T)
    W: ComplexArray = np.asarray((Q * (np.diag(R) / np.abs(np.diag(R)))).conj().T, dtype=np.complex128)
    followers = np.arange(2 * k, units)
    W = np.concatenate([W[:k], W[units - k :], W[k : units - k]])
    b = np.ones(units)
    b[k : 2 * k] = SINK
    b[followers] = -rng.uniform(0.05, 0.3, len(followers))
    inputs = rng.uniform(-0.5, 0.5, units) + 1j * rng.uniform(-0.5, 0.5, units)
    inputs[:k] = h
    return {"G": _generator(W), "b": b, "h": np.concatenate([inputs.real, inputs.imag])}


def _generator(W: ComplexArray) -> FloatArray:
    """G with W = exp((G − Gᵀ)/2 + i (G + Gᵀ)/2)."""
    from scipy.linalg import schur  # slow to import, and plans need it not

    T, V = schur(W, output="complex")  # of a normal matrix: diagonal, with its eigenvalues
    K = (V * (1j * np.angle(np.diag(T)))) @ V.conj().T
    return np.asarray(K.real + K.imag, dtype=np.float64)


def _exponents(pairs: ComplexArray, rng: np.random.Generator) -> FloatArray:
    """Largest Lyapunov exponents of pairs (K, 2, 2) of sources with b = 1."""
    z, v = (rng.standard_normal((len(pairs), 2, 2)) @ np.array([1, 1j]) for _ in range(2))
    growth = np.zeros(len(pairs))
    for step in range(SETTLING + COUNTED):
        argument, pushed = (np.einsum("kij,kj->ki", pairs, x) for x in (z, v))
        modulus = np.abs(argument)
        u = argument / modulus
        turned = pushed * u.conj()
        z, v = (modulus + 1) * u, (turned.real + 1j * turned.imag * (1 + 1 / modulus)) * u
        norm = np.linalg.norm(v, axis=1)
        v /= norm[:, None]
        growth += np.log(norm) if step >= SETTLING else 0.0
    return growth / COUNTED

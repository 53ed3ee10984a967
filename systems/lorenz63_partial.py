"""Lorenz-63 of which y and z alone are observed, as in the sparse-forcing paper's A.6.3.

Trained on y and z, scored on x, y and z: after training latent states are regressed on all three variables
over the first ten points of the free run, and what the network then shows of them is compared with the truth.
Equations, parameters and exponents are those of `lorenz63`.
"""

from __future__ import annotations

import dataclasses

from .base import FloatArray
from .lorenz63 import LORENZ63


def observation(states: FloatArray) -> FloatArray:
    """(x, y, z) -> (y, z)."""
    return states[:, 1:]


LORENZ63_PARTIAL = dataclasses.replace(
    LORENZ63,
    name="lorenz63_partial",
    description="Lorenz-63 (sigma 16, rho 45.92, beta 4) of which y and z are observed",
    variables=("y", "z"),
    state_variables=("x", "y", "z"),
    observation=observation,
    regressed_points=10,
)

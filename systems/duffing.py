"""The periodically forced Duffing oscillator, as in the text of the sparse-forcing paper.

    ẍ + δ ẋ + β x + α x³ = γ cos ωt

Made autonomous by the phase θ̇ = ω; the data are x, ẋ and cos θ, an embedding in three dimensions. Equations:
G. Duffing, Erzwungene Schwingungen bei veränderlicher Eigenfrequenz (1918). Parameters: α = 1, β = −1, δ =
0.1, γ = 0.35, ω = 1.4 and dt = 0.17 as in the text of Mikhaeil et al.

Of the three exponents one is 0, that of the phase, and the sum is −δ exactly. The paper takes λ_max = 0.0995
from a collection of systems; computed it is about a third larger.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import FloatArray
from .exponents import ExponentSettings
from .flow import Flow


def derivatives(
    x: Any, v: Any, theta: Any, *, alpha: float, beta: float, delta: float, gamma: float, omega: float
) -> tuple[Any, Any, Any]:
    """(ẋ, v̇, θ̇) of floats or of arrays of one shape."""
    return v, gamma * np.cos(theta) - delta * v - beta * x - alpha * x**3, omega


def partials(
    x: Any, v: Any, theta: Any, *, alpha: float, beta: float, delta: float, gamma: float, omega: float
) -> tuple[tuple[Any, ...], ...]:
    """Rows of the Jacobian."""
    return (
        (0.0, 1.0, 0.0),
        (-beta - 3 * alpha * x**2, -delta, -gamma * np.sin(theta)),
        (0.0, 0.0, 0.0),
    )


def observation(states: FloatArray) -> FloatArray:
    """(x, v, θ) -> (x, ẋ, cos θ)."""
    return np.column_stack([states[:, :2], np.cos(states[:, 2])])


DUFFING = Flow(
    name="duffing",
    description="forced Duffing oscillator as in the text of Mikhaeil et al. (2022), dt 0.17",
    source="Mikhaeil, Monfared & Durstewitz, NeurIPS (2022), appendix A.4; equations: Duffing (1918)",
    equations="duffing",
    variables=("x", "xdot", "cos_wt"),
    state_variables=("x", "xdot", "phase"),
    observation=observation,
    parameters={"alpha": 1.0, "beta": -1.0, "delta": 0.1, "gamma": 0.35, "omega": 1.4},
    derivatives=derivatives,
    partials=partials,
    initial_state=(1.0, 0.0, 0.0),
    dt=0.17,
    transient_time=500.0,
    # Slow: a Lyapunov time is 7.5. The states are smooth on a scale of 1.
    exponent_settings=ExponentSettings(members=512, step=0.02, steps_per_qr=10, transient=100.0, time=200.0),
)

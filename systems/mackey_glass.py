"""The Mackey-Glass equation, in ten dimensions by delays, as in the sparse-forcing paper.

    ẋ = β x_ρ / (1 + x_ρⁿ) − γ x        x_ρ = x(t − ρ)

M. C. Mackey & L. Glass, Science 197, 287 (1977). Parameters as in the text of Mikhaeil et al.: β = 2, γ = 1,
n = 9.65, ρ = 2, dt = 0.04. The text does not say what the ten dimensions are: here they span the delay,
x(t), x(t − ρ/10), …, x(t − 9ρ/10). It gives λ_max = 0.21, from a collection of systems.
"""

from __future__ import annotations

from typing import Any

from .delay import DelayEquation


def derivative(x: Any, delayed: Any, *, beta: float, gamma: float, n: float) -> Any:
    """ẋ of floats or of arrays of one shape; x ≥ 0."""
    return beta * delayed / (1.0 + delayed**n) - gamma * x


def partials(x: Any, delayed: Any, *, beta: float, gamma: float, n: float) -> tuple[Any, Any]:
    """∂ẋ/∂x and ∂ẋ/∂x_ρ."""
    power = delayed**n
    return 0.0 * x - gamma, beta * (1.0 + (1.0 - n) * power) / (1.0 + power) ** 2


MACKEY_GLASS = DelayEquation(
    name="mackey_glass",
    description="Mackey-Glass in ten dimensions by delays: beta 2, gamma 1, n 9.65, delay 2",
    source="Mikhaeil, Monfared & Durstewitz, NeurIPS (2022), appendix A.4; Mackey & Glass (1977)",
    equations="mackey_glass",
    variables=tuple(f"x_{i}" for i in range(10)),
    parameters={"beta": 2.0, "gamma": 1.0, "n": 9.65, "rho": 2.0},
    delay="rho",
    derivative=derivative,
    partials=partials,
    initial_value=0.9,
    lag=5,
    steps_per_delay=100,
    dt=0.04,
    transient_time=500.0,
)

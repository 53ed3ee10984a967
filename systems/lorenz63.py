"""Lorenz-63, with the parameters of Rosenstein et al. (1993), as named in the text of the sparse-forcing
paper.

    ẋ = σ (y − x)        ẏ = x (ρ − z) − y        ż = x y − β z

Equations: E. N. Lorenz, J. Atmos. Sci. 20, 130 (1963). Parameters here: σ = 16, ρ = 45.92, β = 4, dt = 0.01,
for which the literature gives λ_max = 1.50 per unit time, hence τ_pred = ln 2 / (λ_max dt) = 46.2 steps.
The divergence of the flow is constant: the exponents add up to −(σ + 1 + β) exactly.
Standardised per dimension. States (x, y, z); shapes as in `flow.Flow`.
"""

from __future__ import annotations

from typing import Any

from .flow import Flow


def derivatives(x: Any, y: Any, z: Any, *, sigma: float, rho: float, beta: float) -> tuple[Any, Any, Any]:
    """(ẋ, ẏ, ż) of floats or of arrays of one shape."""
    return sigma * (y - x), x * (rho - z) - y, x * y - beta * z


def partials(x: Any, y: Any, z: Any, *, sigma: float, rho: float, beta: float) -> tuple[tuple[Any, ...], ...]:
    """Rows of the Jacobian."""
    return (
        (-sigma, sigma, 0.0),
        (rho - z, -1.0, -x),
        (y, x, -beta),
    )


LORENZ63 = Flow(
    name="lorenz63",
    description="Lorenz-63 as in the text of Mikhaeil et al. (2022): sigma 16, rho 45.92, beta 4",
    source="Rosenstein, Collins & De Luca, Physica D 65, 117 (1993); equations: Lorenz (1963)",
    equations="lorenz63",
    variables=("x", "y", "z"),
    parameters={"sigma": 16.0, "rho": 45.92, "beta": 4.0},
    derivatives=derivatives,
    partials=partials,
    initial_state=(1.0, 1.0, 30.0),
    dt=0.01,
    transient_time=100.0,
    standardisation="per_dimension",
)

"""Lorenz-63 as it is in the data file released with the sparse-forcing paper, which is not the system of
its text.

Regressing finite differences of that file on the quadratic monomials gives σ = 10, ρ = 38, β = 8/3, dt =
0.01. The file is standardised with one mean (11.238) and one SD (18.815) for all three columns, so that x
and y keep a mean of −0.59 and z one of 1.19: a box placed around zero misses much of this attractor.

λ_max = 1.10 per unit time, hence τ_pred = 63 steps. The paper's figures were made from this file: set results
against its curves here, and against its text with `lorenz63`. Equations and shapes as there.
"""

from __future__ import annotations

from .flow import Flow
from .lorenz63 import derivatives, partials

LORENZ63_PUBLISHED = Flow(
    name="lorenz63_published",
    description="Lorenz-63 as in the data released with Mikhaeil et al. (2022): sigma 10, rho 38, beta 8/3",
    source="data file of Mikhaeil, Monfared & Durstewitz, NeurIPS (2022); equations: Lorenz (1963)",
    equations="lorenz63",
    variables=("x", "y", "z"),
    parameters={"sigma": 10.0, "rho": 38.0, "beta": 8.0 / 3.0},
    derivatives=derivatives,
    partials=partials,
    initial_state=(1.0, 1.0, 30.0),
    dt=0.01,
    transient_time=100.0,
    standardisation="global",
)

"""The Rössler system, with the parameters of Rosenstein et al. (1993), as in the sparse-forcing paper.

    ẋ = −y − z        ẏ = x + a y        ż = b + z (x − c)

Equations: O. E. Rössler, Phys. Lett. A 57, 397 (1976). Parameters: a = 0.15, b = 0.2, c = 10, dt = 0.1, for
which the literature gives λ_max = 0.09 per unit time, hence τ_pred = ln 2 / (λ_max dt) = 77.0 steps.
"""

from __future__ import annotations

from typing import Any

from .exponents import ExponentSettings
from .flow import Flow


def derivatives(x: Any, y: Any, z: Any, *, a: float, b: float, c: float) -> tuple[Any, Any, Any]:
    """(ẋ, ẏ, ż) of floats or of arrays of one shape."""
    return -y - z, x + a * y, b + z * (x - c)


def partials(x: Any, y: Any, z: Any, *, a: float, b: float, c: float) -> tuple[tuple[Any, ...], ...]:
    """Rows of the Jacobian."""
    return (
        (0.0, -1.0, -1.0),
        (1.0, a, 0.0),
        (z, 0.0, x - c),
    )


ROESSLER = Flow(
    name="roessler",
    description="Rössler as in the text of Mikhaeil et al. (2022): a 0.15, b 0.2, c 10",
    source="Rosenstein, Collins & De Luca, Physica D 65, 117 (1993); equations: Rössler (1976)",
    equations="roessler",
    variables=("x", "y", "z"),
    parameters={"a": 0.15, "b": 0.2, "c": 10.0},
    derivatives=derivatives,
    partials=partials,
    initial_state=(1.0, 1.0, 1.0),
    dt=0.1,
    transient_time=500.0,
    # Slow: a Lyapunov time is 11. ż is stiff, −c and below, so the step stays small.
    exponent_settings=ExponentSettings(members=256, step=0.02, steps_per_qr=10, transient=100.0, time=300.0),
)

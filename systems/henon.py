"""Hénon's map.

    x ← 1 − a x² + y        y ← b x

M. Hénon, Commun. Math. Phys. 50, 69 (1976), with his a = 1.4, b = 0.3. λ_max = 0.41922 (J. C. Sprott, Chaos
and Time-Series Analysis, 2003); areas shrink by b in every iteration: the exponents add up to ln b exactly.
τ_pred is 1.7 iterations: what is chaotic here is so at once. Standardised per dimension.
"""

from __future__ import annotations

from typing import Any

from .map import Map


def image(x: Any, y: Any, *, a: float, b: float) -> tuple[Any, Any]:
    """(x, y) one iteration later, of floats or of arrays of one shape."""
    return 1.0 - a * x * x + y, b * x


def partials(x: Any, y: Any, *, a: float, b: float) -> tuple[tuple[Any, ...], ...]:
    """Rows of the Jacobian."""
    return (-2.0 * a * x, 1.0), (b, 0.0)


HENON = Map(
    name="henon",
    description="Henon's map, a 1.4, b 0.3",
    source="Henon, Commun. Math. Phys. 50, 69 (1976)",
    equations="henon",
    variables=("x", "y"),
    parameters={"a": 1.4, "b": 0.3},
    image=image,
    partials=partials,
    initial_state=(0.1, 0.1),
)

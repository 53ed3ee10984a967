"""Lorenz-96: N variables on a ring, each driven by its neighbours, damped and forced.

    ẋ_i = (x_{i+1} − x_{i−2}) x_{i−1} − x_i + F        indices modulo N

E. N. Lorenz, Predictability: a problem partly solved, ECMWF Seminar (1996). F = 8, chaotic for the N here.
The divergence of the flow is −N, so the exponents add up to −N exactly.
"""

from __future__ import annotations

from typing import Any

from .exponents import ExponentSettings
from .flow import Flow


def derivatives(*x: Any, forcing: float) -> tuple[Any, ...]:
    """(ẋ_0, …) of floats or of arrays of one shape."""
    n = len(x)
    return tuple((x[(i + 1) % n] - x[i - 2]) * x[i - 1] - x[i] + forcing for i in range(n))


def partials(*x: Any, forcing: float) -> tuple[tuple[Any, ...], ...]:
    """Rows of the Jacobian."""
    n = len(x)
    rows = []
    for i in range(n):
        row: list[Any] = [0.0] * n
        row[(i + 1) % n], row[i - 2], row[i] = x[i - 1], -x[i - 1], -1.0
        row[i - 1] = x[(i + 1) % n] - x[i - 2]
        rows.append(tuple(row))
    return tuple(rows)


def lorenz96(n: int) -> Flow:
    """The system of `n` variables with F = 8."""
    return Flow(
        name=f"lorenz96_{n}",
        description=f"Lorenz-96 of {n} variables, F 8",
        source="Lorenz, ECMWF Seminar on Predictability (1996)",
        equations="lorenz96",
        variables=tuple(f"x{i}" for i in range(n)),
        parameters={"forcing": 8.0},
        derivatives=derivatives,
        partials=partials,
        initial_state=(8.01, *[8.0] * (n - 1)),
        dt=0.04,
        transient_time=50.0,
        exponent_settings=ExponentSettings(
            members=192, step=0.01, steps_per_qr=10, transient=10.0, time=40.0
        ),
    )


LORENZ96_10 = lorenz96(10)
LORENZ96_20 = lorenz96(20)

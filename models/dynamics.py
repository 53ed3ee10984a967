"""What a network does when it runs freely: fixed point, cycle, quasi-periodic or chaotic, with the evidence.

Two observations decide, both of the whole state in double precision:

- Whether the run returns: the least k for which z_t is z_{t−k}, throughout. k = 1 is a fixed point.
- The largest exponent λ₁ (`lyapunov`). It is told from 0 where it is `SIGMAS` times as large as its standard
  error and as the exponent that a growth in proportion to time would show in so many steps.

    returns                       fixed_point, or cycle of period k
    shrinks as λ₁ < 0 says        fixed_point, which it spirals into
    does not, λ₁ above 0          chaotic
    does not, λ₁ below 0          cycle, of a period that is longer than what was looked at
    does not, λ₁ about 0          quasi_periodic: a torus, or a closed curve on which steps are no whole
                                  share of a turn, as a limit cycle of an ODE is when it is sampled

Weak chaos, with λ₁ below what can be told from 0, counts as quasi-periodic: the evidence says how much that
is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from .lyapunov import FloatArray, NetworkSpectra

Kind = Literal["fixed_point", "cycle", "quasi_periodic", "chaotic", "unbounded"]

SIGMAS = 3.0
RETURNS = 1e-5
"""A distance so small, in units of the run's extent, is a return."""
RESTS = 1e-6
"""A run of so small an extent, relative to 1 + |z|, stands still."""


@dataclass(frozen=True)
class Dynamics:
    """What one network does, and by which evidence."""

    kind: Kind
    period: int | None
    """Of a fixed point (1) or a cycle; None for a cycle that is longer than `looked_at`."""
    exponent: float
    """λ₁ per step."""
    standard_error: float
    resolution: float
    """Above this λ₁ is told from 0, per step."""
    nearest_return: float
    """Least distance of the whole last part of the run from itself k steps before, over k up to `looked_at`,
    in units of its extent."""
    extent: float
    """Of the run, in its widest component."""
    looked_at: int
    """Longest period that was looked for."""

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types; what is not finite is None."""
        return {
            key: None if isinstance(value, float) and not np.isfinite(value) else value
            for key, value in asdict(self).items()
        }


def classify(spectra: NetworkSpectra, member: int) -> Dynamics | None:
    """What a member of a stack does, by its exponents and the run that they were taken along.

    None for a run that is not finite.
    """
    path = spectra.path[member]
    exponent = float(spectra.exponents[member, 0])
    if not np.isfinite(path).all() or np.isnan(exponent):
        return None
    error = float(np.nan_to_num(spectra.standard_errors[member, 0]))
    looked_at = len(path) // 2
    extent = float(np.ptp(path[looked_at:], axis=0).max())
    period, nearest = _period(path, looked_at, extent)
    resolution = SIGMAS * max(error, spectra.shear)
    kind: Kind
    if period is None and _shrinks(path, exponent, error):
        period = 1  # on its way, by a slow spiral
    if period is not None:
        kind = "fixed_point" if period == 1 else "cycle"
    elif exponent > resolution:
        kind = "chaotic"
    else:
        kind = "cycle" if exponent < -resolution else "quasi_periodic"
    return Dynamics(
        kind=kind,
        period=period,
        exponent=exponent,
        standard_error=error,
        resolution=resolution,
        nearest_return=nearest,
        extent=extent,
        looked_at=looked_at,
    )


def _shrinks(path: FloatArray, exponent: float, error: float) -> bool:
    """Whether a run comes to rest ever more slowly: its extent falls as its negative exponent says."""
    half = len(path) // 2
    expected = exponent * half
    if not exponent < -SIGMAS * error or not -50 < expected < -0.05:
        return False
    before, after = (float(np.ptp(part, axis=0).max()) for part in (path[:half], path[half:]))
    return before > 0 and np.log(max(after / before, 1e-300)) < 0.5 * expected


def _period(path: FloatArray, looked_at: int, extent: float) -> tuple[int | None, float]:
    """The least period of the second half of a run, if any, and its nearest return."""
    late = path[looked_at:]
    # Each component by itself: one that is large and at rest must not hide the others.
    if (np.ptp(late, axis=0) <= RESTS * (1.0 + np.abs(late).max(axis=0))).all():
        return 1, 0.0
    nearest = np.inf
    for k in range(1, looked_at + 1):
        # A few points rule out nearly every k; the others are looked at in full.
        distance = float(np.abs(late[::97] - path[looked_at - k : len(path) - k : 97]).max())
        if distance <= RETURNS * extent:
            distance = float(np.abs(late - path[looked_at - k : len(path) - k]).max())
        nearest = min(nearest, distance / extent)
        if distance <= RETURNS * extent:
            return k, nearest
    return None, nearest

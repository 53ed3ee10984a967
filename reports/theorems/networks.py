"""Networks as theory sees them: what each does when it runs freely, and how its gradients go with time.

Views relied on: ``results``, ``study_trials`` and the table ``gradients``.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np

from ..reading import check_studies
from ..scope import ALL, Scope
from ..trials import ReportError

LATE = 10
"""What happens in the long run is looked at from a LATE-th of the longest time on."""

Curve = Mapping[int, float]
"""Steps T → natural logarithm of a norm; −∞ where it is 0."""


@dataclass(frozen=True, eq=False)
class Network:
    """One trained or constructed network at its last evaluation."""

    trial_id: str
    architecture: str
    regime: str
    """Its label."""
    constructed: bool
    kind: str
    """`fixed_point`, `cycle`, `quasi_periodic` or `chaotic`."""
    rate: float
    """λ₁ per step; −∞ where a Jacobian is 0."""
    resolution: float
    """Above this λ₁ is told from 0."""
    jacobian_bound: float
    """What ‖J‖ nowhere exceeds; ∞ where no such number is known."""
    curves: Mapping[str, Curve]
    """Quantity of the table `gradients` → its curve."""

    @property
    def stable(self) -> bool:
        """Whether it rests at, or cycles through, what attracts it."""
        return self.kind in ("fixed_point", "cycle") and self.rate < -self.resolution

    def last(self, quantity: str) -> float:
        """Value at the longest time; NaN without any."""
        curve = self.curves.get(quantity)
        return curve[max(curve)] if curve else math.nan

    def late(self, quantity: str) -> Curve:
        """The curve from a LATE-th of its longest time on."""
        curve = self.curves.get(quantity, {})
        return {lag: value for lag, value in curve.items() if lag * LATE >= max(curve)}

    def slope(self, quantity: str) -> float:
        """Growth per step in the long run, by least squares; −∞ for what is 0 in the end, NaN if unknown."""
        late = self.late(quantity)
        if len(late) < 2:
            return math.nan
        if math.isinf(late[max(late)]):
            return late[max(late)]
        finite = [(lag, value) for lag, value in late.items() if math.isfinite(value)]
        if len(finite) < 2:
            return math.nan
        lags, values = np.array(finite).T
        return float(np.polyfit(lags, values, 1)[0])

    def growth(self, quantity: str) -> float:
        """What the curve gains from a LATE-th of its longest time to that time; 0 where both are −∞."""
        late = self.late(quantity)
        if len(late) < 2:
            return math.nan
        first, last = late[min(late)], late[max(late)]
        if last == math.inf:  # beyond all numbers, from wherever
            return math.inf
        return 0.0 if first == last else last - first


def read_networks(
    connection: duckdb.DuckDBPyConnection,
    *,
    scope: Scope = ALL,
) -> tuple[Network, ...]:
    """Every network with a class and gradients, bounded.

    Raises:
        UnknownNameError: a study has no results.
        ReportError: no network's dynamics are known.
    """
    check_studies(connection, scope.studies)
    found = connection.execute(
        f"""
        SELECT trial_id, architecture, regime_label, regime = 'constructed', dynamics, net_lambda_max * dt,
               dynamics_evidence
        FROM (FROM {scope.rows})
        WHERE status = 'ok' AND dynamics <> 'unbounded' AND net_lambda_max IS NOT NULL
        ORDER BY system, architecture, regime_label, seed, trial_id"""
    ).fetchall()
    if not found:
        where = f" of {', '.join(scope.studies)}" if scope.studies else ""
        raise ReportError(
            f"No network{where} has known dynamics: trials have them from version 5 of the results on."
        )
    curves: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for trial_id, quantity, lag, value in connection.execute(
        """
        SELECT trial_id, quantity, lag, value FROM gradients WHERE trial_id IN (SELECT unnest(?))
        QUALIFY epoch = max(epoch) OVER (PARTITION BY trial_id) ORDER BY lag""",
        [[row[0] for row in found]],
    ).fetchall():
        curves[trial_id][quantity][lag] = value
    return tuple(
        _network(trial_id, *values, curves=curves[trial_id])
        for trial_id, *values in found
        if trial_id in curves
    )


def read_left_out(
    connection: duckdb.DuckDBPyConnection,
    *,
    scope: Scope = ALL,
) -> dict[str, int]:
    """Architecture → trials that are no such network: unbounded, diverged, failed or not measured."""
    found = connection.execute(
        f"""
        SELECT architecture, count(*) FROM (FROM {scope.rows})
        WHERE NOT coalesce(status = 'ok' AND dynamics <> 'unbounded' AND net_lambda_max IS NOT NULL
                           AND trial_id IN (SELECT trial_id FROM gradients), false)
        GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    return dict(found)


def _network(
    trial_id: str,
    architecture: str,
    regime: str,
    constructed: bool,
    kind: str,
    rate: float,
    evidence_as_json: str,
    *,
    curves: Mapping[str, Curve],
) -> Network:
    evidence = json.loads(evidence_as_json)
    resolution, bound = evidence.get("resolution"), evidence.get("jacobian_bound")
    return Network(
        trial_id=trial_id,
        architecture=architecture,
        regime=regime,
        constructed=constructed,
        kind=kind,
        rate=rate,
        resolution=0.0 if resolution is None else resolution,
        jacobian_bound=math.inf if bound is None else bound,
        curves=curves,
    )

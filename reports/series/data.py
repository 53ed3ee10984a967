"""The facts of a series for programs: one mapping of plain JSON types, numbers to the last digit.

λ in 1/time of the system; times in steps of the series, τ in steps of the data that are trained on; None for
what there is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...systems.analysis.overview import Column, Overview
from .facts import in_use
from .verdict import judge, tau_grid, warnings
from .words import time_unit


def as_dict(overview: Overview) -> dict[str, Any]:
    """Everything, for programs: plain JSON types, None for what is not there."""
    system, found, computed, dt = overview.system, overview.exponent, overview.computed, overview.dt
    used = in_use(overview)
    credence, verdict = judge(overview)
    slope = {} if found is None else {"value": found.slope.value / dt, "se": found.slope.standard_error / dt}
    plateau = used.plateau if used is not None else None
    everything: dict[str, Any] = _plain({
        "system": system.name,
        "description": system.description,
        "source": system.source,
        "recorded": system.is_recorded,
        "points": overview.points,
        "dt": dt,
        "time_unit": time_unit(overview) or None,
        "raw_points": overview.raw_points,
        "parts": list(overview.parts.lengths),
        "training_points": system.trained_points,
        "training_dt": system.dt,
        "missing": [vars(gap) for gap in overview.gaps],
        "preparation": [{"step": step.name, **step.parameters} for step in overview.preparation],
        "columns": {column.name: _column(column) for column in overview.columns},
        "lambda_max": computed.exponents[0] if computed is not None else slope.get("value"),
        "lambda_max_standard_error": computed.standard_errors[0] if computed is not None else slope.get("se"),
        "lambda_max_from": "equations" if computed is not None else "series" if found else None,
        "lambda_credence": credence,
        "lambda_verdict": verdict,
        "lambda_of_series": slope.get("value"),
        "lambda_of_series_standard_error": slope.get("se"),
        "lambda_low": found.other_windows[0] / dt if found else None,
        "lambda_high": found.other_windows[1] / dt if found else None,
        "lambda_surrogates": [slope / dt for slope in found.surrogates] if found else None,
        "window": found.slope.window if found else None,
        "settings": vars(overview.settings) if overview.settings is not None else None,
        "tau_pred": overview.tau_pred,
        "tau_grid": tau_grid(overview),
        "correlation_dimension": plateau.dimension if plateau else None,
        "correlation_dimension_standard_error": plateau.standard_error if plateau else None,
        "correlation_dimension_radii": plateau.radii if plateau else None,
        "correlation_dimension_by_delays": {
            str(one.delays): one.plateau.dimension if one.plateau else None for one in overview.dimensions
        },
        "warnings": warnings(overview),
    })  # fmt: skip
    return everything


def flat(facts: Mapping[str, Any], under: str = "") -> list[tuple[str, Any]]:
    """Names and values of a nested mapping, for CSV: `columns.x.delay`, `tau_grid.0`."""
    rows: list[tuple[str, Any]] = []
    for key, value in facts.items():
        if isinstance(value, list):
            value = {str(place): one for place, one in enumerate(value)}
        if isinstance(value, dict):
            rows += flat(value, f"{under}{key}.")
        else:
            rows.append((f"{under}{key}", value))
    return rows


def _column(column: Column) -> dict[str, Any]:
    own = {k: v for k, v in vars(column).items() if k not in ("name", "frequency", "power", "embedding")}
    found = column.embedding
    return own | {
        "period_steps": found.period if found else None,
        "delay_steps": found.delay if found else None,
        "delay_because": found.delay_because if found else None,
        "embedding_dimension": found.dimension if found else None,
        "embedding_dimension_because": found.dimension_because if found else None,
        "false_neighbours": found.false_neighbours.tolist() if found else None,
    }


def _plain(value: Any) -> Any:
    """Tuples as lists, and None for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

"""The facts of a series as rows for terminal and page: (label, value) in plain words, numbers as read.

For programs they are in `data`, to the last digit.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from ...systems.analysis.exponent import POINTS, SlopeSettings
from ...systems.analysis.overview import DRIFT_P, Dimension, Overview
from ...systems.recorded import Recorded
from ..verdict import counted
from .verdict import judge, saturates, tau_grid
from .words import duration, names, otherwise, per_time, plain, ranges, with_error

Row: TypeAlias = tuple[str, str]

COLUMN_HEADER = (
    "column", "from", "to", "mean", "SD", "mean drifts by", "SD changes by", "period", "delay", "dim.",
)  # fmt: skip


def facts(overview: Overview, *, with_slope: bool = True) -> list[Row]:
    """All that fits in a line each; without `slope_facts` where these are shown by themselves."""
    system = overview.system
    rows = [
        ("name", system.name),
        ("description", system.description),
        ("source", system.source or "–"),
        ("columns", names(overview)),
        ("length", f"{overview.points:,} points, {duration(overview, overview.points)}"),
        ("time between points", duration(overview, 1)),
    ]
    if isinstance(system, Recorded):
        rows += [
            ("as recorded", f"{system.raw_points:,} points"),
            *([("parts", str(system.parts))] if system.raw_parts else []),
            ("missing values", missing(overview)),
            ("preparation", ", then ".join(map(str, overview.preparation)) or "none"),
            ("embedded for training", ", then ".join(map(str, system.unfolding)) or "no"),
            ("trained on", f"{system.n_points:,} points"),
            ("tested on", f"the last {system.test_points:,} points" if system.test_points else "the same"),
        ]
    else:
        rows.append(("missing values", "none"))
    rows += [("stationarity", stationarity(overview)), *(slope_facts(overview) if with_slope else ())]
    unit = f"{plain(overview.tau_pred)} steps" if math.isfinite(overview.tau_pred) else "–"
    if judge(overview)[0] in ("no_evidence", "unknown") and unit != "–":
        unit += ", were this slope λ_max"
    rows += [("τ_pred", unit), ("τ to try", ", ".join(map(str, tau_grid(overview))) or "–")]
    rows += [("correlation dimension", dimension(overview)), ("embedding suggested", embedding(overview))]
    return rows


def slope_facts(overview: Overview) -> list[Row]:
    """λ_max and all that it must be seen beside."""
    rows, unit, found = [], per_time(overview), overview.exponent
    if overview.computed is not None:
        spectrum = overview.computed
        rows.append(("λ_max", f"{with_error(spectrum.exponents[0], spectrum.standard_errors[0])} {unit}"))
        rows.append(("computed by", spectrum.method))
    if found is None:
        return [*rows, ("slope of the series", "–")]
    slope, (first, last) = found.slope, found.slope.window
    value, error = slope.value / overview.dt, slope.standard_error / overview.dt
    windows, noise = ranges(overview, found)
    label = "λ_max" if overview.computed is None else "slope of the series"
    rows += [
        (label, f"{with_error(value, error)} {unit}, standard error over blocks"),
        ("per step of the series", with_error(slope.value, slope.standard_error)),
        (
            "window",
            f"steps {first} to {last} ({duration(overview, last - first)}), "
            f"where distances grow {plain(math.exp(slope.value * (last - first)))}-fold",
        ),
        (f"slope {otherwise(overview)}", windows),
        (f"slope of {counted(len(found.surrogates), 'surrogate')}", noise),
        ("neighbours followed", f"{found.curve.pairs:,}: {found.curve.method}"),
    ]
    return rows


def column_rows(overview: Overview) -> list[list[str]]:
    """A row per column, under COLUMN_HEADER."""
    return [
        [
            column.name,
            *(plain(value) for value in (column.low, column.high)),
            plain(column.mean if abs(column.mean) > 1e-9 * column.sd else 0.0),
            plain(column.sd),
            f"{plain(column.mean_drift, 2)} SD{_marked(column.mean_drift_p)}",
            f"× {plain(column.sd_drift, 2)}{_marked(column.sd_drift_p)}",
            *(
                ("–", "–", "–")
                if column.embedding is None
                else (
                    plain(column.embedding.period),
                    str(column.embedding.delay),
                    str(column.embedding.dimension),
                )
            ),
        ]
        for column in overview.columns
    ]


def missing(overview: Overview) -> str:
    """'voltage: 112 (0.93%) in 25 gaps, the longest 8, the first at row 401'."""
    parts = [
        f"{gap.column}: {gap.missing:,} ({gap.missing / (overview.raw_points or 1):.2%}) in "
        f"{counted(gap.gaps, 'gap')}, the longest {gap.longest:,}, the first at row {gap.first_row:,}"
        for gap in overview.gaps
    ]
    return "; ".join(parts) or "none"


def stationarity(overview: Overview) -> str:
    """Which columns drift."""
    mean = [column.name for column in overview.columns if column.mean_drift_p < DRIFT_P]
    spread = [column.name for column in overview.columns if column.sd_drift_p < DRIFT_P]
    said = [f"the mean of {', '.join(mean)} drifts"] if mean else []
    said += [f"the SD of {', '.join(spread)} drifts"] if spread else []
    return "; ".join(said) or "no trend of mean or SD found"


def embedding(overview: Overview, at_most: int = 4) -> str:
    """Delay and dimension of the first columns, with the reason for each."""
    said = []
    for column in overview.columns[:at_most]:
        found = column.embedding
        if found is not None:
            delay = f"{counted(found.delay, 'step')} ({found.delay_because})"
            said.append(
                f"{column.name}: delay {delay}, dimension {found.dimension} ({found.dimension_because})"
            )
    more = len(overview.columns) - at_most
    return "; ".join(said + ([f"{more} more below"] if more > 0 else [])) or "–"


def dimension(overview: Overview) -> str:
    """D₂ in the state space of λ_max, with the range of ε in which it was read off."""
    found = in_use(overview)
    if found is None or found.plateau is None:
        return "– (no plateau)" if found is not None else "–"
    plateau = found.plateau
    where = f"over ε from {plateau.radii[0]:.2g} to {plateau.radii[1]:.2g} SD"
    rest = "" if saturates(overview) else "; does not come to rest with more delays"
    return f"{with_error(plateau.dimension, plateau.standard_error)} {where}{rest}"


def settings_rows(settings: SlopeSettings) -> list[Row]:
    """How the slope was estimated, so that it can be had again; times in steps of the series."""
    embedded = f"{settings.dimension} delays of {settings.delay} steps"
    nearest = "nearest neighbours (Rosenstein et al. 1993)"
    nearest += ", distances across the flow" if settings.across_flow else ""
    within = f"neighbours within {plain(settings.radius)} SD (Kantz 1994)"
    chosen = "steps {} to {}".format(*settings.window) if settings.window else "from the curve's rise"
    return [
        ("state space", embedded if settings.dimension > 1 else "the columns as they are, each of SD 1"),
        ("neighbours", nearest if settings.radius is None else within),
        ("theiler", f"{settings.theiler}: neighbours are further apart in time than this"),
        ("steps", f"{settings.steps}: so long they are followed"),
        ("window", chosen),
        ("points", f"the first {POINTS:,} of a longer series"),
    ]


def in_use(overview: Overview) -> Dimension | None:
    """The correlation sum in the state space that λ_max was estimated in."""
    if overview.settings is None:
        return None
    wanted = overview.settings.dimension
    return next((one for one in overview.dimensions if one.delays == wanted), None)


def _marked(p: float) -> str:
    return " !" if p < DRIFT_P else ""

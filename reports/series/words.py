"""Numbers of a series as they are read: λ in its unit, durations, values with errors."""

from __future__ import annotations

import math

from ...systems.analysis.exponent import Estimate
from ...systems.analysis.overview import Overview
from ...systems.recorded import Recorded
from ..verdict import counted


def time_unit(overview: Overview) -> str:
    """Of `dt`; '' where it has no name."""
    return overview.system.time_unit if isinstance(overview.system, Recorded) else ""


def per_time(overview: Overview) -> str:
    """The unit of λ_max."""
    unit = time_unit(overview)
    return f"per {unit}" if unit else "per step" if overview.dt == 1 else "per unit time"


def duration(overview: Overview, steps: float) -> str:
    """So many steps of the series as time: '0.22 s', '0.22 units of time', '22 steps'."""
    unit = time_unit(overview) or ("step" if overview.dt == 1 else "units of time")
    text = plain(steps * overview.dt, 4)
    return f"{text} {unit}s" if unit == "step" and text != "1" else f"{text} {unit}"


def names(overview: Overview) -> str:
    """The columns: 'x, y, z', or 'x_0 … x_9 (10 columns)'."""
    own = [column.name for column in overview.columns]
    return ", ".join(own) if len(own) <= 4 else f"{own[0]} … {own[-1]} ({len(own)} columns)"


def plain(value: float | None, digits: int = 3) -> str:
    """So many significant digits, '–' for none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"
    return text.replace("-", "−")


def with_error(value: float, error: float) -> str:
    """'1.5052 ± 0.0024': two significant digits of the error, and the value to the same place."""
    if not (math.isfinite(error) and error > 0):
        return plain(value, 4)
    places = max(0, 1 - math.floor(math.log10(error)))
    if places > 12:
        return f"{plain(value, 4)} ± {plain(error, 2)}"
    return f"{value:.{places}f} ± {error:.{places}f}".replace("-", "−")


def beside(overview: Overview, found: Estimate) -> str:
    """What a slope must be seen beside."""
    windows, noise = ranges(overview, found)
    return f"{windows} {otherwise(overview)}, {noise} for {counted(len(found.surrogates), 'surrogate')}"


def otherwise(overview: Overview) -> str:
    """What the range of slopes is over."""
    return "over other windows and by plain distances" if overview.across_flow else "over other windows"


def curve_of(overview: Overview) -> str:
    """What a log-divergence curve shows."""
    return "median ln distance across the flow" if overview.across_flow else "mean ln distance"


def ranges(overview: Overview, found: Estimate) -> tuple[str, str]:
    """'1.43 to 1.81' twice, in 1/time: over other windows, and of the surrogates."""
    windows, noise = (
        f"{plain(min(slopes) / overview.dt)} to {plain(max(slopes) / overview.dt)}"
        for slopes in (found.other_windows, found.surrogates)
    )
    return windows, noise

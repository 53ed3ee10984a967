"""The log-divergence curve with the window of its slope and the surrogates' curves; the local slopes of the
correlation sum.

Below the divergence curve its own local slope: where that is level, the curve has a straight part.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ...systems.analysis.divergence import BLOCKS
from ...systems.analysis.exponent import Estimate
from ...systems.analysis.overview import Overview
from ..series.words import curve_of, plain, with_error
from .curves import SIZE, FloatArray, small_figure, thinned, time_above
from .style import COLOURS, GREY, styled

Dashes: TypeAlias = tuple[float, tuple[float, ...]]
BLUE, RED, GREEN = COLOURS[0], COLOURS[1], COLOURS[2]
CURVE_VERTICES = 300
FEWEST_PAIRS = 30
"""Local slopes of fewer near pairs are chance."""


def divergence_curve(overview: Overview, *, unit: str = "") -> Figure | None:
    """Log distance of neighbours against time; None where there is no estimate."""
    found = overview.exponent
    if found is None or overview.settings is None:
        return None
    first, last = found.slope.window
    curve = found.curve.log_distance
    steps = np.arange(len(curve), dtype=np.float64)
    width = max(1, min(overview.settings.theiler // 2, len(curve) // 20))
    with styled():
        figure = small_figure((SIZE[0], 4.6))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
        for axis in (above, below):
            axis.axvspan(first, last, color=COLOURS[4], alpha=0.18, linewidth=0, zorder=0)
        above.plot(
            *thinned(steps, curve, CURVE_VERTICES), color=BLUE, linewidth=2.2, label="the series", zorder=2
        )
        by_block = found.curve.by_block
        low, high = np.fmin.reduce(by_block, axis=0), np.fmax.reduce(by_block, axis=0)
        some = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), CURVE_VERTICES)).astype(int))
        above.fill_between(
            some, low[some], high[some], color=BLUE, alpha=0.22, linewidth=0, label=f"its {BLOCKS} blocks"
        )
        _lines(above, overview, found)
        for place, one in enumerate(found.surrogate_curves):
            label = f"{len(found.surrogate_curves)} surrogates" if place == 0 else None
            drawn = thinned(steps, one.log_distance, CURVE_VERTICES)
            above.plot(*drawn, color=GREY, linewidth=0.7, label=label, zorder=3)
            local = _local_slopes(one.log_distance, width) / overview.dt
            below.plot(*thinned(steps, local, CURVE_VERTICES), color=GREY, linewidth=0.6, zorder=1)
        local, level = _local_slopes(curve, width) / overview.dt, found.slope.value / overview.dt
        below.plot(*thinned(steps, local, CURVE_VERTICES), color=BLUE, linewidth=1.3)
        below.plot([first, last], [level, level], color=RED, linewidth=1.4, linestyle=(0, (5, 2)), zorder=4)
        below.axhline(0, color=GREY, linewidth=0.6)
        below.set_ylim(*_slope_limits(local, level))
        reach = max(5 * last, 3 * overview.settings.theiler, 20)
        below.set_xlim(0, min(len(curve) - 1, reach))
        below.set_xlabel("steps after they were neighbours")
        above.set_ylabel(f"{curve_of(overview)} (SDs)")
        below.set_ylabel("local slope")
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        above.legend(fontsize=8, loc="best")
        time_above(above, overview.dt, unit)
        figure.align_ylabels()
    return figure


def _lines(axis: Axes, overview: Overview, found: Estimate) -> None:
    """The fit over its window, and beside it the slope that the equations give."""
    first, last = found.slope.window
    middle, height = (first + last) / 2, float(found.curve.log_distance[first : last + 1].mean())
    reach = np.array([first - 0.15 * (last - first), last + 0.15 * (last - first)])
    value = with_error(found.slope.value / overview.dt, found.slope.standard_error / overview.dt)
    found_label = f"{value} over steps {first} to {last}"
    rates: list[tuple[float, str, Dashes, str]] = [(found.slope.value, RED, (0, (5, 2)), found_label)]
    if overview.computed is not None and overview.computed.exponents[0] > 0:
        exact = overview.computed.exponents[0]
        rates.append((exact * overview.dt, GREEN, (0, (1, 1.5)), f"{plain(exact)} of the equations"))
    for rate, colour, dashes, label in rates:
        line = height + rate * (reach - middle)
        axis.plot(reach, line, color=colour, linewidth=1.4, linestyle=dashes, label=label, zorder=4)


def _local_slopes(curve: FloatArray, half_width: int) -> FloatArray:
    """Of the curve over so many steps on either side, per step; over fewer near its ends, NaN at them."""
    at = np.arange(len(curve))
    reach = np.minimum(half_width, np.minimum(at, at[::-1]))
    with np.errstate(invalid="ignore"):
        slopes: FloatArray = (curve[at + reach] - curve[at - reach]) / (2.0 * reach)
    return slopes


def _slope_limits(local: FloatArray, level: float) -> tuple[float, float]:
    """The jump of the first steps is not to press the rest flat."""
    seen = local[np.isfinite(local)]
    low, high = (float(np.percentile(seen, share)) for share in (5, 95)) if len(seen) else (0.0, 0.0)
    low, high = min(low, level, 0.0), max(high, level, 0.0)
    room = 0.4 * (high - low) or 1.0
    return low - room, high + room


def correlation_slopes(overview: Overview) -> Figure | None:
    """Local slopes of ln C(ε) against ε, a line per number of delays, plateaus thick; None without any."""
    if not overview.dimensions:
        return None
    many = len(overview.dimensions)
    with styled():
        figure = small_figure()
        axis = figure.subplots()
        top = 1.0
        for place, one in enumerate(overview.dimensions):
            shade = BLUE if many == 1 else COLOURS[place % len(COLOURS)]
            slopes, radii = one.sum.slopes(), one.sum.radii
            slopes = np.where(one.sum.share * one.sum.pairs >= FEWEST_PAIRS, slopes, np.nan)
            name = "the columns as they are" if one.delays == 1 else f"{one.delays} delays"
            label = f"{name}: no plateau"
            if one.plateau is not None:
                low, high = one.plateau.radii
                flat = (radii >= low) & (radii <= high)
                label = f"{name}: {one.plateau.dimension:.2f}"
                axis.plot(radii[flat], slopes[flat], color=shade, linewidth=4.5, alpha=0.45, zorder=2)
                top = max(top, one.plateau.dimension)
            axis.plot(
                radii, slopes, color=shade, linewidth=1.2, marker=".", markersize=3, label=label, zorder=3
            )
            if np.isfinite(slopes).any():
                top = max(top, float(np.nanpercentile(slopes, 90)))
        axis.set_xscale("log")
        axis.set_ylim(0, (1.25 if many < 4 else 1.5) * top)
        axis.xaxis.set_major_locator(LogLocator())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel("distance ε (SDs)")
        axis.set_ylabel("local slope of ln C(ε)")
        axis.legend(fontsize=8, ncols=1 if many < 4 else 2, loc="upper right")
    return figure if math.isfinite(top) else None

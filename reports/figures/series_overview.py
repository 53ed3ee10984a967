"""Figures of a series before training: how it looks, how long it remembers, how many delays unfold it, and
its spectrum. Each is None where there is nothing to draw.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from ...systems.analysis.overview import Overview
from .curves import SIZE, VERTICES, FloatArray, dots, of_columns, small_figure, thinned, time_above
from .divergence_curve import correlation_slopes, divergence_curve
from .style import COLOURS, GREY, styled

PERIODS = 12
"""So many mean periods of the series are shown, as far as there are points for it."""

STRIPS = 5
"""Columns whose beginning is drawn."""

COARSE = 8.0
"""A series with fewer points a period is drawn as points."""


def series_figures(overview: Overview, *, unit: str = "") -> dict[str, Figure]:
    """All figures by name, in the order of the page; those that cannot be drawn are left out."""
    drawn = {
        "series": beginning(overview, unit=unit),
        "portrait": portrait(overview),
        "divergence": divergence_curve(overview, unit=unit),
        "delay": memory(overview),
        "neighbours": unfolding(overview),
        "dimension": correlation_slopes(overview),
        "spectrum": spectrum(overview),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def beginning(overview: Overview, *, unit: str = "") -> Figure:
    """The first few periods of the first few columns."""
    shown = overview.columns[:STRIPS]
    period = _period(overview)
    points = int(min(len(overview.snippet), max(100, PERIODS * period)))
    steps = np.arange(points, dtype=np.float64)
    with styled():
        figure = small_figure()
        axes = list(figure.subplots(len(shown), 1, sharex=True, squeeze=False).flat)
        for place, (axis, column) in enumerate(zip(axes, shown, strict=True)):
            line = thinned(steps, overview.snippet[:points, place])
            marker = "." if period < COARSE and points <= VERTICES else ""
            axis.plot(*line, color=COLOURS[0], linewidth=0.9, marker=marker, markersize=3)
            axis.set_ylabel(column.name)
            axis.yaxis.set_major_locator(MaxNLocator(3 if len(shown) > 1 else 6))
        axes[-1].set_xlabel("steps")
        axes[-1].set_xlim(0, points - 1)
        time_above(axes[0], overview.dt, unit)
        figure.align_ylabels()
    return figure


def portrait(overview: Overview) -> Figure | None:
    """The plane of the two columns that say least of each other, or of one column and its delay."""
    snippet = overview.snippet
    if snippet.shape[1] > 1:
        with np.errstate(invalid="ignore", divide="ignore"):  # a column may be constant
            related = np.abs(np.atleast_2d(np.corrcoef(snippet.T))[0, 1:])
        other = 1 + int(np.argmin(np.where(np.isfinite(related), related, 2.0)))
        x, y = snippet[:, 0], snippet[:, other]
        names = overview.columns[0].name, overview.columns[other].name
    else:
        found = overview.columns[0].embedding
        if found is None:
            return None
        # The suggested delay may be long; after a quarter of a period the picture is widest.
        lag = max(1, min(found.delay, round(found.period / 4)))
        x, y = snippet[lag:, 0], snippet[:-lag, 0]
        name = overview.columns[0].name
        names = f"{name}(t)", f"{name}(t − {lag})"
    x, y = x[:VERTICES], y[:VERTICES]
    with styled():
        figure = small_figure()
        axis = figure.subplots()
        if _period(overview) < COARSE:
            dots(axis, x, y, size=2.2, colour=COLOURS[0])
        else:
            axis.plot(x, y, color=COLOURS[0], linewidth=0.7)
        axis.set_xlabel(names[0])
        axis.set_ylabel(names[1])
    return figure


def memory(overview: Overview) -> Figure | None:
    """Autocorrelation and mutual information against the lag, with the suggested delays."""
    found = [(column, column.embedding) for column in overview.columns]
    if not any(embedding is not None for _, embedding in found):
        return None
    with styled():
        figure = small_figure((SIZE[0], 3.9))
        above, below = figure.subplots(2, 1, sharex=True)
        longest, latest = 1, 1
        for (_, embedding), how in zip(found, of_columns([c.name for c, _ in found]), strict=True):
            if embedding is None:
                continue
            lags = np.arange(len(embedding.information), dtype=np.float64)
            at = embedding.delay
            longest, latest = max(longest, len(lags) - 1), max(latest, at)
            above.plot(*thinned(lags, embedding.autocorrelation), **how)
            below.plot(*thinned(lags, embedding.information), **how)
            for axis, curve in ((above, embedding.autocorrelation), (below, embedding.information)):
                spot = {key: value for key, value in how.items() if key in ("color", "alpha", "zorder")}
                axis.plot([at], [curve[at]], "o", markersize=5, **spot)
        above.axhline(0, color=GREY, linewidth=0.6)
        above.axhline(1 / np.e, color=GREY, linewidth=0.6, linestyle=(0, (1, 2)))
        above.annotate(
            "1/e", (1, 1 / np.e), (2, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            va="center", fontsize=8, color=GREY,
        )  # fmt: skip
        above.set_ylabel("autocorrelation")
        below.set_ylabel("mutual inform. (nats)")
        below.set_ylim(bottom=0)
        below.set_xlim(0, min(longest, max(5 * latest, 2 * _period(overview), 20)))
        below.set_xlabel("lag (steps)")
        if len(found) > 1:
            below.legend(fontsize=8)
    return figure


def unfolding(overview: Overview) -> Figure | None:
    """The share of false neighbours against the number of delays."""
    found = [(column, column.embedding) for column in overview.columns]
    if not any(embedding is not None for _, embedding in found):
        return None
    with styled():
        figure = small_figure((SIZE[0], 3.9))
        axis = figure.subplots()
        for (_, embedding), how in zip(found, of_columns([c.name for c, _ in found]), strict=True):
            if embedding is None:
                continue
            share = 100 * embedding.false_neighbours
            axis.plot(np.arange(1, len(share) + 1), share, marker="o", markersize=4, **how)
            spot = {key: value for key, value in how.items() if key in ("color", "alpha", "zorder")}
            place = embedding.dimension
            axis.plot([place], share[place - 1], "o", markersize=9, markerfacecolor="none", **spot)
        axis.axhline(1, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
        axis.set_yscale("symlog", linthresh=0.1)
        axis.set_ylim(-0.01, 130)
        axis.yaxis.set_major_locator(FixedLocator([0, 0.1, 1, 10, 100]))
        axis.yaxis.set_minor_locator(FixedLocator([]))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}%"))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("number of delays")
        axis.set_ylabel("false neighbours")
        if len(found) > 1:
            axis.legend(fontsize=8)
    return figure


def spectrum(overview: Overview) -> Figure:
    """Power against frequency, both on log scales, each column as a share of its variance."""
    with styled():
        figure = small_figure()
        axis = figure.subplots()
        least, most = np.inf, 0.0
        for column, how in zip(overview.columns, of_columns([c.name for c in overview.columns]), strict=True):
            power = column.power / column.sd**2 if column.sd > 0 else column.power
            shown = power > 0
            if not shown.any():
                continue
            axis.plot(*thinned(column.frequency[shown], power[shown]), **({"linewidth": 0.9} | how))
            least, most = min(least, float(power[shown].min())), max(most, float(power.max()))
        axis.set_xscale("log")
        axis.set_yscale("log")
        if most > 0:
            axis.set_ylim(max(least, most * 1e-14) / 2, most * 3)
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel("frequency (per step)")
        axis.set_ylabel("power / variance (steps)")
        turned: Any = (_turned, _turned)
        above = axis.secondary_xaxis("top", functions=turned)
        above.set_xlabel("period (steps)", fontsize=8)
        above.tick_params(labelsize=8)
        above.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        above.xaxis.set_minor_formatter(NullFormatter())
        if len(overview.columns) > 1:
            axis.legend(fontsize=8, loc="lower left")
    return figure


def _turned(value: FloatArray) -> FloatArray:
    """Frequency to period and back; 0, which matplotlib asks for, is no error."""
    return np.asarray(1.0 / np.maximum(value, 1e-12), dtype=np.float64)


def _period(overview: Overview) -> float:
    """The longest mean period of a column, steps; 1 where none is known."""
    return max((c.embedding.period for c in overview.columns if c.embedding is not None), default=1.0)

"""Figures 1, 3b, 5, 7, 8, 9 and 11b: how well the attractor and its spectra are met, against τ.

Left the distance in state space (or of spectra, D_H): geometric means over all seeds with 95% t-intervals on
logs. Right PSC, up to 1: medians with 95% intervals of order statistics. A seed that blew up counts as the
worst there is in both; it is drawn as a cross there. Lines join what was run, and break where a τ was not.
What the authors' figure shows is drawn in grey with open markers, where it is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from ...measures import MEASURES
from ...published import PublishedCurve
from ...trials import Cell, Context
from ..over_tau import DODGE, level_lines, prediction_times, ticks_at
from ..style import GREY, colour_and_marker, styled
from .frame import framed, gap, lettered
from .sweep_marks import (
    AUTHORS,
    CORRELATION,
    DISTANCE,
    REGIMES,
    Look,
    Panel,
    authors_marker,
    draw_authors,
    draw_crosses,
    draw_curve,
    draw_level,
)

WIDTH, HEIGHT = 9.6, 3.5
"""Inches, of both panels together."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is drawn: contexts of one system, of which cells that are not wanted were left out."""

    title: str
    measure: str
    """Of the left panel, a key of MEASURES."""
    distances: Sequence[Context]
    """By that measure."""
    correlations: Sequence[Context]
    """The same by 1 − PSC."""
    names: Mapping[str, str]
    """context_id → name in the legend, of every context that is wanted, whether it was run or not."""
    taus: Mapping[str, Sequence[int]]
    """Regime → the τ that are wanted, rising."""
    regimes: Sequence[str]
    """That are drawn, of ours or of the authors."""
    wanted: Sequence[str]
    """Those of them that the study has."""
    published: Sequence[PublishedCurve] = ()
    """Of the measure on the left."""
    published_correlations: Sequence[PublishedCurve] = ()
    caption: Sequence[str] = field(default=())


def sweep_figure(sweep: Sweep) -> Figure:
    """The figure; write it with `encoded`."""
    with styled():
        figure, panels = framed(WIDTH, HEIGHT, caption=sweep.caption, handles=sweep_handles(sweep))
        draw_sweep(panels, sweep)
    return figure


def draw_sweep(panels: SubFigure, sweep: Sweep, *, letters: tuple[str, str] = ("", "")) -> None:
    """Both panels into a part of a figure; to be called within `styled()`."""
    left, right = panels.subplots(1, 2)
    psc = "PSC (as published)" if sweep.measure.endswith("_published") else "PSC"
    pairs = (
        (left, sweep.distances, sweep.published, DISTANCE, MEASURES[sweep.measure].title),
        (right, sweep.correlations, sweep.published_correlations, CORRELATION, psc),
    )
    for (axis, contexts, published, panel, label), letter in zip(pairs, letters, strict=True):
        axis.set_xscale("log")
        if panel.logs:
            axis.set_yscale("log")
        axis.set_xlabel("learning interval τ (steps)")
        axis.set_ylabel(label)
        _draw(axis, sweep, contexts, published, panel)
        lettered(axis, letter, sweep.title if axis is left else "", pad=16)


def _draw(
    axis: Axes,
    sweep: Sweep,
    contexts: Sequence[Context],
    published: Sequence[PublishedCurve],
    panel: Panel,
) -> None:
    names = list(sweep.names.values())
    for curve in published:
        draw_authors(axis, curve, names)
    for context in contexts:
        name = sweep.names[context.context_id]
        order = names.index(name)
        shift = 1 + DODGE * (order - (len(names) - 1) / 2)
        look = Look(*colour_and_marker(name, names), order, shift)
        for regime in sweep.regimes:
            dashes, filled = REGIMES[regime][1], regime == "sparse_forcing"
            for family in _families(context, regime):
                if family[0].tau:
                    taus = sweep.taus.get(regime, ())
                    draw_curve(axis, family, taus, panel, look=look, dashes=dashes, filled=filled)
                else:
                    draw_level(axis, family[0], panel, look=look, dashes=dashes)
        draw_crosses(axis, context, panel, look=look)
    _limits(axis, sweep, contexts, published, panel)
    if not contexts:
        gap(axis, "nothing was run yet")
        if not published:
            axis.yaxis.set_major_locator(NullLocator())
            axis.yaxis.set_minor_locator(NullLocator())
    prediction_times(axis, contexts)
    for name in ("floor", "ceiling"):
        levels = [level for c in contexts if (level := getattr(c, name)) is not None]
        # Of a measure that is best at its highest the floor is above.
        level_lines(axis, name if panel.logs else _best_and_worst(name), map(panel.value, levels))


def _best_and_worst(name: str) -> str:
    return {"floor": "perfect", "ceiling": "worst"}[name]


def _families(context: Context, regime: str) -> list[list[Cell]]:
    families: dict[str, list[Cell]] = {}
    for cell in context.cells:
        if cell.regime == regime:
            families.setdefault(cell.family, []).append(cell)
    return [families[name] for name in sorted(families)]


def _limits(
    axis: Axes,
    sweep: Sweep,
    contexts: Sequence[Context],
    published: Sequence[PublishedCurve],
    panel: Panel,
) -> None:
    """From seeds, levels and the authors' means, not from intervals: with two seeds one spans decades."""
    cells = [cell for context in contexts for cell in context.cells]
    heights = [panel.value(score) for cell in cells for score in cell.scores.values()]
    heights += [panel.value(v) for c in contexts for v in (c.floor, c.ceiling) if v is not None]
    heights += [point.mean for curve in published for point in curve.points]
    taus = sorted({tau for some in sweep.taus.values() for tau in some})
    spots = [float(tau) for tau in taus] + [c.tau_pred for c in contexts if c.tau_pred is not None]
    spots += [point.tau for curve in published for point in curve.points if point.tau is not None]
    if heights and panel.logs:
        room = 1.7 + 0.35 * len(sweep.names)  # for the numbers above the crosses
        axis.set_ylim(min(heights) / 1.5, max(heights) * room)
    elif heights:
        span = max(heights) - min(heights) or 1.0
        room = 0.06 + 0.05 * len(sweep.names)  # for those below
        axis.set_ylim(min(heights) - room * span, max(heights) + 0.06 * span)
    if spots:
        axis.set_xlim(min(spots) / 1.45, max(spots) * 1.35)
    if taus:
        ticks_at(axis, taus)
    if panel.logs and heights:
        axis.yaxis.set_major_formatter(FuncFormatter(lambda score, _: f"{score:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())


def sweep_handles(sweep: Sweep) -> list[Artist]:
    """The legend: architectures by colour and marker, regimes by line, then what else is drawn."""
    names = list(sweep.names.values())
    ran = {sweep.names[context.context_id] for context in sweep.distances}
    handles: list[Artist] = []
    for name in names:
        colour, marker = colour_and_marker(name, names)
        label = name if name in ran else f"{name} (not run)"
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=5.5, label=label))
    for regime in sweep.regimes:
        called, dashes = REGIMES[regime]
        cells = [c for context in sweep.distances for c in context.cells if c.regime == regime]
        trials = [trial for cell in cells for trial in cell.trials if trial.status != "failed"]
        blown_up = sum(trial.blown_up for trial in trials)
        if not any(cell.regime == regime for context in sweep.distances for cell in context.cells):
            called += " (not run)" if regime in sweep.wanted else f" ({AUTHORS} alone)"
        elif blown_up:
            called += f", {blown_up}/{len(trials)} blown up"
        line = Line2D([], [], color=GREY, linestyle=dashes, label=called)
        if regime == "zero_reset":
            line.set(marker="o", markersize=5.5, fillstyle="bottom", markerfacecoloralt="white")
        handles.append(line)
    dot = Line2D([], [], color=GREY, marker=".", linestyle="none", alpha=0.5, label="one seed")
    handles.append(dot)
    if any(t.blown_up for c in sweep.distances for cell in c.cells for t in cell.trials):
        handles.append(Line2D([], [], color=GREY, marker="x", linestyle="none", label="blew up: how many"))
    theirs = sorted({curve.architecture for curve in (*sweep.published, *sweep.published_correlations)})
    for architecture in theirs:
        hollow = Line2D([], [], color=GREY, marker=authors_marker(architecture, names), markersize=5)
        hollow.set(markerfacecolor="white", linewidth=0.8, label=f"{AUTHORS}: {architecture}")
        handles.append(hollow)
    return handles

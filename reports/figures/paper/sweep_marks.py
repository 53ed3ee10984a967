"""What is drawn of one cell, or of one curve, in a panel over τ.

A curve has NaN where a τ that is wanted was not run, so that its line breaks there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from matplotlib.axes import Axes

from ...published import PublishedCurve
from ...statistics import SMALLEST_SCORE, Estimate, geometric_mean, median_interval
from ...trials import Cell, Context
from ..over_tau import BASELINE_DASHES, RESET_DASHES, Dashes
from ..style import GREY, colour_and_marker

LineStyle: TypeAlias = Dashes | Literal["solid"]

REGIMES: Mapping[str, tuple[str, LineStyle]] = {
    "sparse_forcing": ("sparse forcing", "solid"),
    "clipping": ("clipping", BASELINE_DASHES[0]),
    "zero_reset": ("zero reset", RESET_DASHES),
}
"""Regime → what it is called and how its line is drawn."""

AUTHORS = "authors"
"""The label of what their figure shows."""


@dataclass(frozen=True)
class Look:
    """How an architecture looks, and where among the others it stands."""

    colour: str
    marker: str
    order: int
    shift: float
    """Factor on τ, so that architectures do not hide one another."""


@dataclass(frozen=True)
class Panel:
    """How scores become what is drawn."""

    estimate: Callable[[Sequence[float]], Estimate]
    value: Callable[[float], float]
    logs: bool


def _psc(score: float) -> float:
    return 1.0 - score


DISTANCE = Panel(geometric_mean, lambda score: max(score, SMALLEST_SCORE), logs=True)
CORRELATION = Panel(median_interval, _psc, logs=False)


def _seeds(cell: Cell, panel: Panel) -> list[float]:
    """What single seeds are drawn at; those that blew up are crosses."""
    return [panel.value(t.score) for t in cell.trials if t.score is not None and not t.blown_up]


def _estimate(cell: Cell, panel: Panel) -> tuple[float, tuple[float, float] | None]:
    """Middle and interval of all seeds, those that blew up at the worst there is; NaN without any."""
    found = panel.estimate(list(cell.scores.values()))
    if found.value is None:
        return math.nan, None
    if found.low is None or found.high is None:
        return panel.value(found.value), None
    low, high = sorted((panel.value(found.low), panel.value(found.high)))
    return panel.value(found.value), (low, high)


def draw_curve(
    axis: Axes,
    family: Sequence[Cell],
    taus: Sequence[int],
    panel: Panel,
    *,
    look: Look,
    dashes: LineStyle,
    filled: bool,
) -> None:
    """NaN at every τ that is wanted and was not run, so that the line breaks there."""
    at = {cell.tau: cell for cell in family}
    middles = []
    for tau in taus:
        cell = at.get(tau)
        middle, interval = (math.nan, None) if cell is None else _estimate(cell, panel)
        middles.append(middle)
        if cell is not None:
            seeds = _seeds(cell, panel)
            beside = [tau * look.shift * 1.013] * len(seeds)  # not under the interval
            axis.plot(
                beside, seeds, ".", color=look.colour, alpha=0.3, markersize=4, markeredgewidth=0, zorder=2
            )
        if interval is not None:
            axis.plot([tau * look.shift] * 2, interval, color=look.colour, linewidth=1.2, zorder=3)
    (line,) = axis.plot(
        [tau * look.shift for tau in taus], middles, color=look.colour, marker=look.marker, zorder=4
    )
    line.set(markersize=5.5, linestyle=dashes, linewidth=1.4)
    # Half, where it is not sparse forcing: what is open is the authors', also in black and white.
    line.set(fillstyle="full" if filled else "bottom", markerfacecoloralt="white")
    if not filled and len(middles) == 1 and math.isfinite(middles[0]):  # a window, held against every τ
        axis.axhline(middles[0], color=look.colour, linestyle=dashes, linewidth=0.9, zorder=1.5)


def draw_level(axis: Axes, cell: Cell, panel: Panel, *, look: Look, dashes: LineStyle) -> None:
    """A regime without τ: a line across the panel, its marker and its interval near the left edge, its seeds
    at the right one.
    """
    middle, interval = _estimate(cell, panel)
    if not math.isfinite(middle):
        return
    across = axis.get_yaxis_transform()
    axis.axhline(middle, color=look.colour, linestyle=dashes, linewidth=1.2, zorder=1.5)
    place = 0.012 + 0.02 * look.order
    axis.plot([place], [middle], look.marker, color=look.colour, markersize=5, transform=across, zorder=4)
    if interval is not None:
        axis.plot([place] * 2, interval, color=look.colour, linewidth=1.2, transform=across, zorder=3)
    seeds = _seeds(cell, panel)
    right = [0.985 - 0.012 * look.order] * len(seeds)
    axis.plot(
        right,
        seeds,
        ".",
        color=look.colour,
        alpha=0.3,
        markersize=4,
        markeredgewidth=0,
        transform=across,
        zorder=2,
    )


def draw_crosses(axis: Axes, context: Context, panel: Panel, *, look: Look) -> None:
    """A cross at the worst there is, with how many blew up, over each τ of forcing at which any did.

    Of other regimes the legend says how many.
    """
    if context.ceiling is None:
        return
    worst, away = panel.value(context.ceiling), 1 if panel.logs else -1
    for cell in context.cells:
        count = sum(trial.blown_up for trial in cell.trials)
        if cell.regime == "sparse_forcing" and cell.tau and count:
            axis.plot([cell.tau * look.shift], [worst], "x", color=look.colour, markersize=5, zorder=5)
            axis.annotate(
                str(count), (cell.tau * look.shift, worst), (0, away * (5 + 8 * look.order)), fontsize=7,
                color=look.colour, textcoords="offset points", ha="center",
                va="bottom" if panel.logs else "top",
            )  # fmt: skip


THEIRS = {"rnn": "*", "plrnn": "X", "lstm": "P"}
"""Markers of the authors' architectures that none of ours has."""


def authors_marker(architecture: str, names: Sequence[str]) -> str:
    """That of our architecture of this name, where it is among `names`; else one that none of ours has."""
    # An architecture with other settings of ours is still called by its name first.
    own = [name for name in names if name.split(" ")[0] == architecture]
    return colour_and_marker(own[0], names)[1] if own else THEIRS.get(architecture, "h")


def draw_authors(axis: Axes, curve: PublishedCurve, names: Sequence[str]) -> None:
    """Their means and standard errors, grey and open, with the architecture's marker."""
    marker = authors_marker(curve.architecture, names)
    _, dashes = REGIMES[curve.regime]
    if curve.points[0].tau is None:
        level, across = curve.points[0].mean, axis.get_yaxis_transform()
        axis.axhline(level, color=GREY, linestyle=dashes, linewidth=0.9, alpha=0.8, zorder=1)
        axis.plot(
            [0.5], [level], marker, color=GREY, markerfacecolor="white", markersize=5, transform=across,
            label=AUTHORS, zorder=2.5,
        )  # fmt: skip
        return
    taus = [float(point.tau or math.nan) for point in curve.points]
    means = [point.mean for point in curve.points]
    for tau, point in zip(taus, curve.points, strict=True):
        if point.sem is not None:
            ends = [point.mean - point.sem, point.mean + point.sem]
            axis.plot([tau] * 2, ends, color=GREY, linewidth=0.8, zorder=2.2)
    axis.plot(
        taus, means, color=GREY, marker=marker, markerfacecolor="white", markersize=5, linewidth=0.8,
        linestyle=dashes, label=AUTHORS, zorder=2.5,
    )  # fmt: skip

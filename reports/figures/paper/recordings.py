"""Figures 3a and 11a, 4 and 10: λ_max read off a recording, and how the recording was prepared.

3a, 11a: mean log distance of neighbours against time, a curve per number of delays, with the slope that is
fitted over a declared window. 4, 10: (a) a snippet as recorded and de-noised, (b) local slopes of the
correlation sums, (c) the first three delays of what is trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from ....systems.analysis.correlation_dimension import CorrelationSum
from ....systems.analysis.divergence import DivergenceCurve, Slope
from ..curves import thinned
from ..divergence_curve import CURVE_VERTICES, FEWEST_PAIRS
from ..style import COLOURS, GREY, MARKERS, styled
from .frame import framed, keep_right, lettered, stacked
from .sweeps import HEIGHT, WIDTH, Sweep, draw_sweep, sweep_handles

FloatArray = NDArray[np.float64]

BLUE, RED = COLOURS[0], COLOURS[1]
ALONE = (6.0, 3.8)
"""Inches, of a panel of curves by itself."""

PREPARED = (9.8, 3.3)
DIMENSIONS = 9.0
"""Local slopes up to there; those of few near pairs leave the panel."""


@dataclass(frozen=True, eq=False)
class Divergence:
    """The curve of one embedding with its fit; slopes per step."""

    delays: int
    curve: DivergenceCurve
    slope: Slope
    declared: bool = False
    """Whether it is the embedding that λ_max of the system is read off in."""


def exponent_figure(found: Sequence[Divergence], *, title: str, caption: Sequence[str]) -> Figure:
    """Figure 3a; write it with `encoded`."""
    with styled():
        figure, panels = framed(*ALONE, caption=caption)
        draw_divergences(panels.subplots(), found, title=title)
    return figure


def exponent_and_sweep_figure(
    found: Sequence[Divergence], sweep: Sweep, *, title: str, caption: Sequence[str]
) -> Figure:
    """Figure 11: the exponent above, what was trained below."""
    with styled():
        figure, panels = framed(WIDTH, 2 * HEIGHT, caption=caption, handles=sweep_handles(sweep))
        above, below = stacked(panels, (1, 1))
        draw_divergences(above.subplots(), found, title=title, letter="a")
        draw_sweep(below, sweep, letters=("b", ""))
    return figure


def draw_divergences(axis: Axes, found: Sequence[Divergence], *, title: str, letter: str = "") -> None:
    """One line per embedding with a marker of its own, the fits dashed over the windows."""
    for place, one in enumerate(found):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        curve = one.curve.log_distance
        steps = np.arange(len(curve), dtype=np.float64)
        first, last = one.slope.window
        fitted = f"λ = {one.slope.value:.4f} ± {one.slope.standard_error:.4f}"
        label = f"m = {one.delays}: {fitted}" + (" *" if one.declared else "")
        drawn = thinned(steps, curve, CURVE_VERTICES)
        axis.plot(*drawn, color=colour, linewidth=1.4, marker=marker, markevery=0.12, label=label, zorder=2)
        # Least squares go through the means of both.
        middle, height = (first + last) / 2, float(curve[first : last + 1].mean())
        reach = np.array([first, last], dtype=np.float64)
        axis.plot(
            reach, height + one.slope.value * (reach - middle), color="black", linestyle=(0, (5, 2)),
            linewidth=1.1, zorder=3,
        )  # fmt: skip
    first, last = found[0].slope.window
    axis.axvspan(first, last, color=GREY, alpha=0.13, linewidth=0, zorder=0)
    axis.set_xlabel("steps after they were neighbours")
    axis.set_ylabel("mean ln distance (SDs)")
    axis.margins(x=0.02)
    fit = Line2D([], [], color="black", linestyle=(0, (5, 2)), linewidth=1.1)
    fit.set_label(f"fits over steps {first} to {last}")
    handles = [*axis.get_legend_handles_labels()[0], fit]
    axis.legend(handles=handles, fontsize=8, loc="lower right")
    lettered(axis, letter, title)


@dataclass(frozen=True, eq=False)
class Preparation:
    """What is shown of a recording; each is None where it is not to be had, with why."""

    recorded: FloatArray | None
    """A snippet before noise reduction, (S,), in SDs."""
    cleaned: FloatArray
    """The same de-noised and smoothed, (S,)."""
    step: float
    """Steps of the recording between two points of the snippet."""
    sums: Sequence[tuple[int, CorrelationSum]]
    """Number of delays → its correlation sum."""
    delays: FloatArray
    """What is trained on, (T, ≥ 3)."""
    names: Sequence[str]
    time_unit: str
    without: str = ""
    """Why there is nothing as recorded."""


def preparation_figure(shown: Preparation, *, title: str, caption: Sequence[str]) -> Figure:
    """Figures 4 and 10; write it with `encoded`."""
    recorded = "recorded" if shown.recorded is not None else f"recorded: {shown.without}"
    handles: list[Artist] = [
        Line2D([], [], color=GREY, linewidth=1.0, label=recorded),
        Line2D([], [], color=RED, linewidth=1.6, label="de-noised and smoothed"),
    ]
    looks = {delays: _look(place, len(shown.sums), delays) for place, (delays, _) in enumerate(shown.sums)}
    handles += [Line2D([], [], **look) for look in looks.values()]
    with styled():
        figure, panels = framed(*PREPARED, caption=caption, handles=handles)
        keep_right(figure)
        grid = panels.add_gridspec(1, 3)
        snippet, slopes = (panels.add_subplot(grid[0, i]) for i in (0, 1))
        space = panels.add_subplot(grid[0, 2], projection="3d")
        _snippet(snippet, shown)
        lettered(snippet, "a", title)
        _slopes(slopes, shown.sums, looks)
        lettered(slopes, "b", "correlation sums")
        path = shown.delays[:, :3]
        space.plot(*path.T, color=BLUE, linewidth=0.5)
        for which, name in zip("xyz", shown.names, strict=False):
            getattr(space, f"set_{which}label")(name, fontsize=9, labelpad=-6)
        space.tick_params(labelsize=7, pad=-3)
        lettered(space, "c", "the first three delays")
    return figure


def _snippet(axis: Axes, shown: Preparation) -> None:
    time = shown.step * np.arange(len(shown.cleaned))
    if shown.recorded is not None:
        axis.plot(time, shown.recorded, color=GREY, linewidth=0.6, zorder=1)
    axis.plot(time, shown.cleaned, color=RED, linewidth=1.6, zorder=2)
    axis.set_xlabel(f"time ({shown.time_unit})")
    axis.set_ylabel("signal (SDs)")


def _look(place: int, of: int, delays: int) -> dict[str, Any]:
    """From light to dark with the number of delays."""
    return {
        "color": BLUE,
        "alpha": 0.3 + 0.7 * place / max(1, of - 1),
        "linewidth": 1.2,
        "marker": MARKERS[place % len(MARKERS)],
        "markersize": 3.5,
        "label": f"m = {delays}",
    }


def _slopes(
    axis: Axes, sums: Sequence[tuple[int, CorrelationSum]], looks: Mapping[int, dict[str, Any]]
) -> None:
    for delays, found in sums:
        near = found.share * found.pairs >= FEWEST_PAIRS
        slopes = np.where(near, found.slopes(), np.nan)
        axis.plot(found.radii, slopes, **looks[delays], markevery=4)
    axis.set_xscale("log")
    axis.set_ylim(0, DIMENSIONS)
    low, high = axis.get_xlim()
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("distance ε (SDs)")
    axis.set_ylabel("local slope of ln C(ε)")

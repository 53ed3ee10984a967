"""Loss and measure over the epochs of training, per regime: medians and quartiles over seeds.

One row of panels per context, the loss on the left and the measure on the right. A seed that diverged counts
as worse than any other from there on: no curve is one of survivors alone. A cross marks where it ended.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from .style import GREY, colour_and_marker, styled

Dashes = tuple[float, tuple[float, ...]] | Literal["solid"]

DASHES: tuple[Dashes, ...] = (
    "solid", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)),
)  # fmt: skip
LEGEND_WIDTH = 125
"""Letters in a line of the legend, of which the mark of an entry takes 7."""
DECADE = 12
"""Between the ends of an axis, from which on powers of ten are enough."""
VERTICES = 60
"""Of one curve; more are not seen."""


@dataclass(frozen=True)
class Course:
    """One cell: a quantity over epochs. `inf` is what diverged, or is at no number."""

    regime: str
    epochs: tuple[int, ...]
    low: tuple[float, ...]
    """First quartile over seeds."""
    middle: tuple[float, ...]
    high: tuple[float, ...]
    ended: tuple[tuple[int, float], ...] = ()
    """(epoch, last value) of each seed that diverged."""


@dataclass(frozen=True)
class Courses:
    """The cells of one context."""

    title: str
    loss: tuple[Course, ...]
    measure: tuple[Course, ...]
    floor: float | None = None
    ceiling: float | None = None
    """Of the measure."""


def places(courses: Sequence[Courses]) -> dict[str, int]:
    """Regime → its place among all: its colour, in whatever else is drawn of it."""
    regimes = dict.fromkeys(course.regime for one in courses for course in (*one.loss, *one.measure))
    return {regime: place for place, regime in enumerate(regimes)}


def learning_curves(courses: Sequence[Courses], measure: str) -> Figure:
    """The figure of at least one context; write it with `to_svg`. `measure` is written at the axes."""
    regimes = list(places(courses))
    with styled():
        figure = Figure(figsize=(9.5, 2.9 * len(courses) + 0.7), layout="constrained")
        grid = figure.subplots(len(courses), 2, squeeze=False)
        for (left, right), context in zip(grid, courses, strict=True):
            _panel(left, context.loss, regimes)
            left.set_ylabel("loss")
            left.set_title("\n".join(textwrap.wrap(context.title, 60)), fontsize=10)
            _panel(right, context.measure, regimes)
            if context.loss:
                right.set_xlim(left.get_xlim())
            right.set_ylabel(measure)
            for name, level in (("floor", context.floor), ("ceiling", context.ceiling)):
                if level is not None and level > 0 and context.measure:
                    right.axhline(level, color=GREY, linestyle=(0, (1, 2)), linewidth=1.1, zorder=1)
                    right.annotate(
                        name, (1, level), (2, 0), xycoords=("axes fraction", "data"),
                        textcoords="offset points", ha="left", va="center", fontsize=8, color=GREY,
                    )  # fmt: skip
        for axis in grid[-1]:
            axis.set_xlabel("epoch")
        handles = [_handle(name, regimes) for name in regimes]
        if any(course.ended for context in courses for course in context.loss):
            handles.append(Line2D([], [], color=GREY, marker="x", linestyle="none", label="seed diverged"))
        longest = max(len(str(handle.get_label())) for handle in handles)
        columns = max(1, min(len(handles), LEGEND_WIDTH // (longest + 7)))
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=9)
    return figure


def _look(name: str, regimes: Sequence[str]) -> tuple[str, str, Dashes]:
    colour, marker = colour_and_marker(name, regimes)
    return colour, marker, DASHES[regimes.index(name) % len(DASHES)]


def _handle(name: str, regimes: Sequence[str]) -> Line2D:
    colour, marker, dashes = _look(name, regimes)
    return Line2D([], [], color=colour, marker=marker, markersize=4, linestyle=dashes, label=name)


def _panel(axis: Axes, courses: Sequence[Course], regimes: Sequence[str]) -> None:
    """Curves that break where more than half of the seeds have diverged."""
    axis.set_yscale("log")
    for course in courses:
        colour, marker, dashes = _look(course.regime, regimes)
        kept = thinned(len(course.epochs))
        epochs = [course.epochs[i] for i in kept]
        low, middle, high = (
            [_drawn(values[i]) for i in kept] for values in (course.low, course.middle, course.high)
        )
        top = [m if math.isnan(h) and not math.isnan(m) else h for m, h in zip(middle, high, strict=True)]
        axis.fill_between(epochs, low, top, color=colour, alpha=0.15, linewidth=0, zorder=2)
        few = len(epochs) <= 12
        style: dict[str, Any] = {"marker": marker, "markersize": 4} if few else {}
        axis.plot(epochs, middle, color=colour, linestyle=dashes, linewidth=1.4, zorder=3, **style)
        for epoch, value in course.ended:
            axis.plot(epoch, value, "x", color=colour, markersize=6, zorder=4)
    if not courses:
        axis.text(0.5, 0.5, "not recorded", transform=axis.transAxes, ha="center", color=GREY, fontsize=9)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    bottom, top_end = axis.get_ylim()
    if top_end < DECADE * bottom:  # powers of ten would leave it without a number
        axis.yaxis.set_major_locator(MaxNLocator(nbins=5))
        axis.yaxis.set_minor_locator(NullLocator())
    else:
        axis.yaxis.set_major_locator(LogLocator(numticks=6))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _drawn(value: float) -> float:
    """What a logarithmic axis can show."""
    return value if math.isfinite(value) and value > 0 else math.nan


def thinned(count: int, at_most: int = VERTICES) -> list[int]:
    """Places of so many of `count` values or fewer, evenly, with the first and the last."""
    if count <= at_most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (at_most - 1)) for i in range(at_most)})

"""D_stsp against τ with the fitted curve, the prior beneath it, and where the optimum lies.

One panel per system, architecture and regime: a filled circle per τ (geometric mean of its seeds, with its
interval; single seeds as dots), an open triangle per τ that a search gave up early, the curve with its 95%
band, the prior as a hatched hill on the axis, τ_pred as a line and the interval of τ_opt as a bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from ..statistics import SMALLEST_SCORE
from ..tau import TauAnswer
from .style import COLOURS, GREY, hide_unused, styled

BLUE, RED = COLOURS[0], COLOURS[1]
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
HILL = 0.22
"""Height of the prior's peak, of the panel's."""


def tau_response(answers: Sequence[TauAnswer]) -> Figure:
    """The figure; write it with `to_svg`."""
    columns = 1 if len(answers) == 1 else 2
    rows = math.ceil(len(answers) / columns)
    with styled():
        size = (7.2 if columns == 1 else 11.0, 3.5 * rows + 0.8)
        figure = Figure(figsize=size, layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        several = len({answer.context.settings for answer in answers}) > 1
        for axis, answer in zip(axes, answers, strict=False):
            _panel(axis, answer)
            settings = f"\n{answer.context.settings}" if several and answer.context.settings else ""
            title = f"{answer.context.system} × {answer.context.architecture}, {answer.regime}{settings}"
            axis.set_title(title, pad=16, fontsize=10)
        hide_unused(axes, len(answers))
        handles = _legend(answers)
        figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)), fontsize=9)
    return figure


def _panel(axis: Axes, answer: TauAnswer) -> None:
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("learning interval τ (steps)")
    axis.set_ylabel("D_stsp")
    _curve(axis, answer)
    for point in answer.points:
        if point.scores:
            estimate = point.estimate
            raised = np.maximum(point.scores, SMALLEST_SCORE)
            axis.plot(
                [point.tau * 1.015] * len(raised), raised, ".", color=BLUE, alpha=0.35, markeredgewidth=0
            )
            axis.plot(point.tau, estimate.value or math.nan, "o", color=BLUE, markersize=5.5, zorder=4)
            if estimate.low is not None and estimate.high is not None:
                axis.plot([point.tau] * 2, [estimate.low, estimate.high], color=BLUE, linewidth=1.1, zorder=3)
        if point.given_up:
            middle = math.exp(np.log(np.maximum(point.given_up, SMALLEST_SCORE)).mean())
            axis.plot(point.tau, middle, "^", color=GREY, markerfacecolor="white", markersize=5.5, zorder=3)
    _levels(axis, answer)
    _prior(axis, answer)
    interval = answer.interval
    if answer.response is not None and interval is not None and answer.reconstructs:
        across = axis.get_xaxis_transform()
        axis.plot(interval, [0.03, 0.03], color=RED, linewidth=3.5, solid_capstyle="butt", transform=across)
        axis.plot(answer.response.optimum, 0.03, "D", color=RED, markersize=6, transform=across, zorder=5)


def _curve(axis: Axes, answer: TauAnswer) -> None:
    found = answer.response
    if found is not None:
        axis.fill_between(
            found.taus, np.exp(found.low), np.exp(found.high), color=BLUE, alpha=0.14, linewidth=0
        )
        axis.plot(found.taus, np.exp(found.mean), color=BLUE, linewidth=1.6, zorder=2)


def _levels(axis: Axes, answer: TauAnswer) -> None:
    """Limits from the scores, floor and ceiling, τ_pred and the ticks."""
    context = answer.context
    scores = [score for point in answer.points for score in (*point.scores, *point.given_up)]
    levels = [level for level in (context.floor, context.ceiling) if level is not None and level > 0]
    heights = [max(score, SMALLEST_SCORE) for score in scores] + levels
    axis.set_ylim(min(heights) / 1.8, max(heights) * 1.6)
    taus = [point.tau for point in answer.points] + ([context.tau_pred] if context.tau_pred else [])
    axis.set_xlim(min(taus) / 1.25, max(taus) * 1.25)
    for name in ("floor", "ceiling"):
        level = getattr(context, name)
        if level is not None and level > 0:
            axis.axhline(level, color=GREY, linestyle=(0, (1, 2)), linewidth=1.1, zorder=1)
            axis.annotate(
                name, (1, level), (2, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                va="center", fontsize=8, color=GREY,
            )  # fmt: skip
    if context.tau_pred:
        axis.axvline(context.tau_pred, color="black", linewidth=1.3, zorder=1.5)
        axis.annotate(
            f"τ_pred {context.tau_pred:.3g}", (context.tau_pred, 1), (0, 2), fontsize=9, ha="center",
            xycoords=("data", "axes fraction"), textcoords="offset points",
        )  # fmt: skip
    axis.xaxis.set_major_locator(FixedLocator([float(tick) for tick in TICKS]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda tau, _: f"{tau:g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda score, _: f"{score:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _prior(axis: Axes, answer: TauAnswer) -> None:
    prior = answer.prior
    if prior is None:
        return
    taus = np.geomspace(*axis.get_xlim(), 200)
    density = np.array([prior.density(float(tau)) for tau in taus])
    peak = float(density.max())
    if peak > 0:
        scale = HILL if prior.centre is not None else HILL / 3
        axis.fill_between(
            taus, 0, scale * density / peak, transform=axis.get_xaxis_transform(), facecolor="none",
            edgecolor=GREY, hatch="////", linewidth=0.6, alpha=0.45, zorder=0.5,
        )  # fmt: skip


def _legend(answers: Sequence[TauAnswer]) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=BLUE, marker="o", linestyle="none", label="τ tried, mean of its seeds"),
        Line2D([], [], color=BLUE, linewidth=1.6, label="fitted curve and 95% band"),
        Line2D([], [], color=RED, marker="D", linewidth=3, label="τ_opt and its 95%"),
        Patch(facecolor="none", edgecolor=GREY, hatch="////", label="prior of τ"),
    ]
    if any(point.given_up for answer in answers for point in answer.points):
        early = Line2D([], [], color=GREY, marker="^", linestyle="none", markerfacecolor="white")
        early.set_label("given up early")
        handles.append(early)
    return handles

"""Methods along a setting: scores with the floor (left), and ratios to the baseline (right)."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from ..along import Along, Line
from ..settings import plain
from ..statistics import Estimate
from .learning_curves import DASHES
from .style import GREY, colour_and_marker, hide_unused, styled

WIDE = 8.0
"""Values that span more than such a factor are on a logarithmic axis."""

DODGE = 5.0
"""Methods stand so many points apart at each value, so that no interval hides another."""

POINTS = 72
"""In an inch."""


def along_setting(found: Sequence[Along], measure: str) -> Figure:
    """The figure, a row of panels for each, without ratios where nothing is compared."""
    with styled():
        figure = Figure(figsize=(10.0, 0.6 + 3.3 * len(found)), layout="constrained")
        columns = 2 if any(one.baseline for one in found) else 1
        names = list(dict.fromkeys(line.name for one in found for line in one.lines))
        handles: dict[str, Artist] = {}
        for one, panels in zip(found, figure.subplots(len(found), columns, squeeze=False), strict=True):
            for line in one.lines:
                _curve(figure, panels[0], line, names, {point.value: point.mean for point in line.points})
            floors = [(value, context.floor) for value, context in one.contexts.items() if context.floor]
            if floors:
                panels[0].plot(*zip(*floors, strict=True), color=GREY, linestyle=":", linewidth=1.2)
            panels[0].set_ylabel(f"{measure} (dotted: floor)")
            handles |= dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
            if len(found) > 1:
                panels[0].set_title(one.title)
            if one.baseline:
                _ratios(figure, panels[1], one, names)
            used = columns if one.baseline else 1
            hide_unused(panels, used)
            for axis in panels[:used]:
                _scale(axis, list(one.contexts), one.setting)
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=4, fontsize=9)
    return figure


def _ratios(figure: Figure, axis: Axes, one: Along, names: Sequence[str]) -> None:
    for line in one.lines:
        found = {
            point.value: Estimate(row.n_pairs, row.ratio, row.low, row.high)
            for point in line.points
            if (row := point.part.row) is not None
        }
        _curve(figure, axis, line, names, found)
    axis.axhline(1, color=GREY, linewidth=1.0, zorder=1)
    axis.set_ylabel(f"ratio to {one.baseline}")


def _scale(axis: Axes, values: Sequence[float], setting: str) -> None:
    """The setting's axis, with a tick at every value that was run, and that of what is measured."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    least = min(abs(value) for value in values if value)
    if max(values) > WIDE * least and min(values) > 0:
        axis.set_xscale("log")
    elif max(values) > WIDE * least and min(values) == 0:
        axis.set_xscale("symlog", linthresh=least)
    axis.set_xticks(values, [plain(value) for value in values], minor=False)
    axis.set_xticks([], minor=True)
    axis.set_xlabel(setting)


def _curve(
    figure: Figure, axis: Axes, line: Line, names: Sequence[str], found: dict[float, Estimate]
) -> None:
    place = names.index(line.name)
    colour, marker = colour_and_marker(line.name, names)
    values = [(value, one.value) for value, one in found.items() if one.value is not None]
    if not values:
        return
    apart = DODGE * (place - (len(names) - 1) / 2)
    beside = axis.transData + ScaledTranslation(apart / POINTS, 0, figure.dpi_scale_trans)
    axis.plot(
        *zip(*values, strict=True), color=colour, marker=marker, markersize=5, linewidth=1.4,
        linestyle=DASHES[place % len(DASHES)], label=line.name, transform=beside, zorder=3,
    )  # fmt: skip
    drawn = list(values)
    for value, one in found.items():
        if one.low is not None and one.high is not None:
            axis.plot([value] * 2, [one.low, one.high], color=colour, linewidth=1.1, transform=beside)
            drawn += [(value, one.low), (value, one.high)]
    axis.update_datalim(drawn)  # which matplotlib does not, of what is moved aside
    axis.autoscale_view()

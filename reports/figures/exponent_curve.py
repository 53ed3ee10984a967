"""λ_max of the trained networks against τ, in units of the data's own: 1 is a recovered exponent.

One panel per system and settings. Lines join the medians over networks, dots are single networks; regimes
without τ are levels across the panel. Between −1 and 1 the scale is linear, beyond it is logarithmic.
"""

from __future__ import annotations

import math
import textwrap
from collections import defaultdict
from collections.abc import Collection, Sequence
from statistics import median
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..exponents import WITHIN, Exponents
from ..trials import Context, family_of
from .style import GREY, colour_and_marker, hide_unused, styled

MAX_TICKS = 9
TICKS = (-1000, -100, -10, -1, 0, 1, 10, 100)
LINES: tuple[tuple[float, tuple[float, ...]] | Literal["solid"], ...] = (
    "solid",
    (0, (5, 3)),
    (0, (6, 2, 1, 2)),
    (0, (2, 2)),
)


def exponent_curve(
    contexts: Sequence[Context], rows: Sequence[Exponents], only: Collection[str] | None = None
) -> Figure:
    """The figure of what `read_exponents` gave, at least one row; write it with `to_svg`.

    `only` are the context_ids to draw, in the colours that they have among all.
    """
    of_cell = {row.cell_id: row for row in rows}
    with_rows = {row.context_id for row in rows}
    shown = [context for context in contexts if context.context_id in with_rows]
    panels: dict[tuple[str, str], list[Context]] = defaultdict(list)
    for context in shown:
        if only is not None and context.context_id not in only:
            continue
        panels[context.system, context.settings].append(context)
    architectures = sorted({context.architecture for context in shown})
    families = sorted({family_of(cell.label) for c in shown for cell in c.cells}, key=_first_forcing)
    columns = 1 if len(panels) == 1 else 2
    with styled():
        lines = math.ceil(len(panels) / columns)
        figure = Figure(figsize=(7.2 if columns == 1 else 11.0, 3.6 * lines + 0.9), layout="constrained")
        axes = list(figure.subplots(lines, columns, squeeze=False).flat)
        for axis, ((system, settings), members) in zip(axes, panels.items(), strict=False):
            _panel(axis, members, of_cell, architectures, families)
            axis.set_title("\n".join([system, *textwrap.wrap(settings, 60)]), pad=18)
        hide_unused(axes, len(panels))
        handles = [
            Line2D([], [], color=colour, marker=marker, label=name)
            for name in architectures
            for colour, marker in [colour_and_marker(name, architectures)]
        ]
        handles += [
            Line2D([], [], color=GREY, linestyle=LINES[i % len(LINES)], label=name)
            for i, name in enumerate(families)
        ]
        patch = Patch(color=GREY, alpha=0.2, linewidth=0, label=f"within {WITHIN:.0%} of the data's λ_max")
        figure.legend(
            handles=[*handles, patch], loc="outside lower center", ncols=min(4, len(handles) + 1), fontsize=9
        )
    return figure


def _first_forcing(family: str) -> tuple[bool, str]:
    return not family.startswith("sparse_forcing"), family


def _panel(
    axis: Axes,
    contexts: Sequence[Context],
    of_cell: dict[str, Exponents],
    architectures: Sequence[str],
    families: Sequence[str],
) -> None:
    axis.set_xscale("log")
    axis.set_yscale("symlog", linthresh=1.0)
    axis.set_xlabel("learning interval τ (steps)")
    axis.set_ylabel("λ_max, networks / data")
    axis.axhline(1.0, color="black", linewidth=1.0, zorder=1)
    axis.axhspan(1 - WITHIN, 1 + WITHIN, color=GREY, alpha=0.2, linewidth=0, zorder=0)
    axis.axhline(0.0, color=GREY, linestyle=(0, (1, 2)), linewidth=1.0, zorder=1)
    taus = sorted({cell.tau for context in contexts for cell in context.cells if cell.tau})
    for context in contexts:
        colour, marker = colour_and_marker(context.architecture, architectures)
        curves: dict[str, list[tuple[int, list[float]]]] = defaultdict(list)
        for cell in context.cells:
            row = of_cell[cell.cell_id]
            values = [value / row.of_data for value in row.values]
            dashes = LINES[families.index(family_of(cell.label)) % len(LINES)]
            if cell.tau:
                curves[family_of(cell.label)].append((cell.tau, values))
            elif values:
                axis.axhline(median(values), color=colour, linestyle=dashes, linewidth=1.2, zorder=2)
        for family, points in curves.items():
            points.sort()
            dashes = LINES[families.index(family) % len(LINES)]
            middles = [median(values) if values else math.nan for _, values in points]
            axis.plot([tau for tau, _ in points], middles, color=colour, marker=marker, linestyle=dashes)
            for tau, values in points:
                axis.plot([tau] * len(values), values, ".", color=colour, alpha=0.35, markeredgewidth=0)
    for tau_pred in sorted({context.tau_pred for context in contexts if context.tau_pred is not None}):
        axis.axvline(tau_pred, color="black", linewidth=1.3, zorder=1.5)
        axis.annotate(
            f"τ_pred {tau_pred:.3g}", (tau_pred, 1), (0, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="bottom", fontsize=9,
        )  # fmt: skip
    if taus:
        ticks = taus if len(taus) <= MAX_TICKS else taus[:: math.ceil(len(taus) / MAX_TICKS)]
        axis.xaxis.set_major_locator(FixedLocator([float(tau) for tau in ticks]))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda tau, _: f"{tau:g}"))
        axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_locator(FixedLocator([float(tick) for tick in TICKS]))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())

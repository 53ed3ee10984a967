"""D_stsp against the learning interval τ: forcing per architecture, the baseline as a dashed band.

After Fig. 1 of Mikhaeil, Monfared and Durstewitz, "On the difficulty of learning chaotic dynamics with RNNs"
(NeurIPS 2022), with what it leaves out: every seed, the intervals of the baseline, and the runs that blew up.
One panel per system and settings. Points are geometric means with 95 % t-intervals on the logs.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullFormatter

from ..comparison import Comparison
from ..statistics import SMALLEST_SCORE, geometric_mean
from ..trials import Cell, Context
from .over_tau import BASELINE_DASHES, DODGE, RESET_DASHES, Dashes, level_lines, prediction_times, ticks_at
from .style import GREY, colour_and_marker, hide_unused, styled

DRAWN_OVER_TAU = ("sparse_forcing", "zero_reset")


def tau_curve(comparison: Comparison, only: Collection[str] | None = None) -> Figure:
    """The figure; write it with `to_svg`. It keeps no global state of matplotlib's.

    `only` are the context_ids to draw, in the colours that they have among all.
    """
    panels: dict[tuple[str, str], list[Context]] = {}
    for context in comparison.contexts:
        if only is not None and context.context_id not in only:
            continue
        panels.setdefault((context.system, context.settings), []).append(context)
    architectures = sorted({context.architecture for context in comparison.contexts})
    columns = 1 if len(panels) == 1 else 2
    rows = math.ceil(len(panels) / columns)
    with styled():
        figure = Figure(figsize=(7.2 if columns == 1 else 11.0, 4.1 * rows + 0.9), layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axis, ((system, settings), contexts) in zip(axes, panels.items(), strict=False):
            _panel(axis, comparison, contexts, architectures)
            axis.set_title("\n".join([system, *textwrap.wrap(settings, 60)]), pad=18)
        hide_unused(axes, len(panels))
        handles = _legend(comparison, architectures)
        figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(handles)), fontsize=9)
    return figure


def _panel(axis: Axes, comparison: Comparison, contexts: Sequence[Context], names: Sequence[str]) -> None:
    forced = [cell for context in contexts for cell in context.cells if cell.regime == "sparse_forcing"]
    with_tau = [cell for context in contexts for cell in context.cells if cell.regime in DRAWN_OVER_TAU]
    grid = sorted({cell.tau for cell in forced or with_tau if cell.tau})
    variants = _variants(comparison)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("learning interval τ (steps)")
    axis.set_ylabel(comparison.measure_name)
    for order, context in enumerate(contexts):
        colour, marker = colour_and_marker(context.architecture, names)
        shift = 1 + DODGE * (order - (len(contexts) - 1) / 2)
        for cell in _baselines(comparison, context):
            dashes = variants.get(cell.label, BASELINE_DASHES[0])
            _level(axis, cell, colour, dashes, marker=marker, place=0.01 + 0.02 * order)
        for place, family in enumerate(_families(context, "sparse_forcing")):
            _curve(axis, family, grid, colour, marker, shift=shift, filled=place == 0)
        if comparison.baseline != "zero_reset":
            for family in _families(context, "zero_reset"):
                if len(family) == 1:
                    _level(axis, family[0], colour, RESET_DASHES)
                taus = sorted(cell.tau for cell in family if cell.tau)
                _curve(axis, family, taus, colour, marker, shift=shift, filled=False, dashes=RESET_DASHES)
        _blown_up(axis, context, colour, shift=shift, order=order)
    _references(axis, contexts)
    _limits(axis, contexts, grid)


def _families(context: Context, regime: str) -> list[list[Cell]]:
    families: dict[str, list[Cell]] = {}
    for cell in context.cells:
        if cell.regime == regime and cell.tau:
            families.setdefault(cell.family, []).append(cell)
    return [families[name] for name in sorted(families)]


def _baselines(comparison: Comparison, context: Context) -> list[Cell]:
    used = {row.baseline.cell_id for row in comparison.rows if row.context_id == context.context_id}
    return [
        cell
        for cell in context.cells
        if cell.cell_id in used or (cell.regime == comparison.baseline and not cell.tau)
    ]


def _variants(comparison: Comparison) -> dict[str, Dashes]:
    """A dash pattern per variant of the baseline, the same in every panel."""
    labels = sorted({row.baseline.label for row in comparison.rows})
    return {label: BASELINE_DASHES[place % len(BASELINE_DASHES)] for place, label in enumerate(labels)}


def _curve(
    axis: Axes,
    family: Sequence[Cell],
    grid: Sequence[int],
    colour: str,
    marker: str,
    *,
    shift: float,
    filled: bool,
    dashes: Dashes | str = "solid",
) -> None:
    """Means with intervals, joined only where no τ of the grid is missing between them."""
    at = {cell.tau: cell for cell in family}
    means: list[float] = []
    for tau in grid:
        cell = at.get(tau)
        scores = [] if cell is None else list(cell.scores.values())
        estimate = geometric_mean(scores)
        means.append(math.nan if estimate.value is None else estimate.value)
        seeds = [t.score for t in cell.trials if t.score is not None and not t.blown_up] if cell else []
        if seeds:
            beside = [tau * shift * 1.013] * len(seeds)  # not under the interval
            axis.plot(beside, seeds, ".", color=colour, alpha=0.35, markersize=5, markeredgewidth=0, zorder=2)
        if estimate.low is not None and estimate.high is not None:
            axis.plot([tau * shift] * 2, [estimate.low, estimate.high], color=colour, linewidth=1.2, zorder=3)
    face = colour if filled else "white"
    (line,) = axis.plot([tau * shift for tau in grid], means, color=colour, marker=marker, zorder=4)
    line.set(markerfacecolor=face, markersize=6, linestyle=dashes, linewidth=1.4)


def _level(
    axis: Axes, cell: Cell, colour: str, dashes: Dashes, *, marker: str = "", place: float = 0.0
) -> None:
    """A regime without τ (or with one τ): a line across the panel.

    With a `marker` it is a baseline: it gets its interval as a band, and the marker near the left edge, so
    that the architectures can be told apart without colour.
    """
    estimate = geometric_mean(list(cell.scores.values()))
    if estimate.value is None:
        return
    axis.axhline(estimate.value, color=colour, linestyle=dashes, linewidth=1.2 if marker else 0.8, zorder=1)
    if not marker:
        return
    axis.plot(place, estimate.value, marker, color=colour, markersize=5, transform=axis.get_yaxis_transform())
    if estimate.low is not None and estimate.high is not None:
        axis.axhspan(estimate.low, estimate.high, color=colour, alpha=0.12, linewidth=0, zorder=0)


def _blown_up(axis: Axes, context: Context, colour: str, *, shift: float, order: int) -> None:
    """Crosses at the ceiling for the forced seeds that blew up, with their number."""
    for tau, ceiling, count in _crosses(context):
        axis.plot(tau * shift, ceiling, "x", color=colour, markersize=6, zorder=5)
        axis.annotate(
            str(count),
            (tau * shift, ceiling),
            (0, 5 + 8 * order),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=colour,
        )


def _crosses(context: Context) -> list[tuple[int, float, int]]:
    """(τ, ceiling, how many blew up) per forced cell in which any did. Other regimes: see the legend."""
    crosses: list[tuple[int, float, int]] = []
    for cell in context.cells:
        count = sum(trial.blown_up for trial in cell.trials)
        if cell.regime == "sparse_forcing" and cell.tau and count and context.ceiling is not None:
            crosses.append((cell.tau, context.ceiling, count))
    return crosses


def _references(axis: Axes, contexts: Sequence[Context]) -> None:
    prediction_times(axis, contexts)
    for name in ("floor", "ceiling"):
        levels = [value for context in contexts if (value := getattr(context, name)) is not None]
        level_lines(axis, name, [level for level in levels if level > 0])


def _limits(axis: Axes, contexts: Sequence[Context], grid: Sequence[int]) -> None:
    """From the data, not from the intervals: with two seeds an interval spans decades."""
    heights = [score for c in contexts for cell in c.cells for score in cell.scores.values()]
    heights += [level for c in contexts for level in (c.floor, c.ceiling) if level is not None]
    heights = [max(height, SMALLEST_SCORE) for height in heights] or [1.0]
    axis.set_ylim(min(heights) / 1.5, max(heights) * 2.2)
    spots = [float(tau) for tau in grid] + [c.tau_pred for c in contexts if c.tau_pred is not None]
    if spots:
        axis.set_xlim(min(spots) / 1.4, max(spots) * 1.3)
    if grid:
        ticks_at(axis, grid)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda score, _: f"{score:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _legend(comparison: Comparison, architectures: Sequence[str]) -> list[Line2D | Patch]:
    regimes = {cell.regime for context in comparison.contexts for cell in context.cells}
    handles: list[Line2D | Patch] = []
    for name in architectures:
        colour, marker = colour_and_marker(name, architectures)
        handles.append(Line2D([], [], color=colour, marker=marker, label=f"{name}, forcing"))
    for label, dashes in _variants(comparison).items():
        base = [
            cell for c in comparison.contexts for cell in _baselines(comparison, c) if cell.label == label
        ]
        handles.append(Line2D([], [], color=GREY, linestyle=dashes, label=label + _share_blown_up(base)))
    if "zero_reset" in regimes and comparison.baseline != "zero_reset":
        drawn = [
            cell for c in comparison.contexts for family in _families(c, "zero_reset") for cell in family
        ]
        handles.append(
            Line2D(
                [],
                [],
                color=GREY,
                linestyle=RESET_DASHES,
                marker="o",
                markerfacecolor="white",
                label="zero reset" + _share_blown_up(drawn),
            )
        )
    handles.append(Patch(color=GREY, alpha=0.2, linewidth=0, label="95% of the baseline"))
    handles.append(Line2D([], [], color=GREY, marker=".", linestyle="none", alpha=0.5, label="one seed"))
    if any(_crosses(context) for context in comparison.contexts):
        name = "forcing, blown up (how many)"
        handles.append(Line2D([], [], color=GREY, marker="x", linestyle="none", label=name))
    return handles


def _share_blown_up(cells: Iterable[Cell]) -> str:
    """' (3/8 blown up)' of the trials that ran to an outcome, '' where none did: lines carry no crosses."""
    ran = [trial for cell in cells for trial in cell.trials if trial.status != "failed"]
    count = sum(trial.blown_up for trial in ran)
    return f" ({count}/{len(ran)} blown up)" if count else ""

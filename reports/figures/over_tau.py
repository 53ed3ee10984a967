"""What every figure over the learning interval τ has: dashes of regimes, τ_pred, floor and ceiling, ticks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..trials import Context
from .style import GREY

DODGE = 0.04
"""Architectures are moved apart by this share of τ, so that their points do not hide one another."""

Dashes: TypeAlias = tuple[float, tuple[float, ...]]
BASELINE_DASHES: tuple[Dashes, ...] = ((0, (5, 3)), (0, (2, 2)), (0, (9, 2)))
RESET_DASHES: Dashes = (0, (6, 2, 1, 2))
MOST_TICKS = 13
"""That would fit side by side."""


def prediction_times(axis: Axes, contexts: Sequence[Context]) -> None:
    """A vertical line at each τ_pred of the contexts, steps, written above it."""
    for tau_pred in sorted({context.tau_pred for context in contexts if context.tau_pred is not None}):
        axis.axvline(tau_pred, color="black", linewidth=1.3, zorder=1.5)
        axis.annotate(
            f"τ_pred {tau_pred:.3g}",
            (tau_pred, 1),
            (0, 2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
        )


def level_lines(axis: Axes, name: str, levels: Iterable[float]) -> None:
    """A dotted line at each level of a measure, such as its floor, with its name at the right."""
    for level in sorted(set(levels)):
        axis.axhline(level, color=GREY, linestyle=(0, (1, 2)), linewidth=1.1, zorder=1)
        axis.annotate(
            name,
            (1, level),
            (2, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="left",
            va="center",
            fontsize=8,
            color=GREY,
        )


def ticks_at(axis: Axes, taus: Sequence[int]) -> None:
    """Ticks at these τ, which rise, but for those too close to the one before; on an abscissa of logs whose
    limits are set.
    """
    low, high = axis.get_xlim()
    room = (high / low) ** (1 / MOST_TICKS)
    ticks: list[float] = []
    for tau in taus:
        if not ticks or tau >= ticks[-1] * room:
            ticks.append(float(tau))
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda tau, _: f"{tau:g}"))
    axis.xaxis.set_minor_locator(NullLocator())

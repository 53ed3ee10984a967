"""What the figures of a series have in common: size, colours of columns, and lines of bounded length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from .style import COLOURS, GREY

FloatArray = NDArray[np.float64]

SIZE = (5.0, 3.3)
"""Inches: on a page two stand side by side, and on a telephone letters of 9 points can be read."""

VERTICES = 1500
"""Of one line; more are not seen."""

COLOURED = 4
"""Of so many columns each has its colour; of more the first alone."""


def small_figure(size: tuple[float, float] = SIZE) -> Figure:
    """An empty one; to be called within `styled()`."""
    return Figure(figsize=size, layout="constrained")


def thinned(x: FloatArray, y: FloatArray, at_most: int = VERTICES) -> tuple[FloatArray, FloatArray]:
    """A line of so many vertices or fewer that looks the same: each stretch keeps its least and greatest."""
    if len(x) <= at_most:
        return x, y
    parts = np.array_split(np.arange(len(x)), at_most // 2)
    seen = np.where(np.isfinite(y), y, 0.0)
    ends = [np.sort([part[seen[part].argmin()], part[seen[part].argmax()]]) for part in parts]
    kept = np.unique(np.concatenate([[0], *ends, [len(x) - 1]]))
    return x[kept], y[kept]


def of_columns(names: Sequence[str]) -> list[dict[str, Any]]:
    """How each column's line is drawn, with its label; of many columns the first stands before the others."""
    if len(names) <= COLOURED:
        return [{"color": COLOURS[i], "label": name, "zorder": 3 - 0.1 * i} for i, name in enumerate(names)]
    first = {"color": COLOURS[0], "label": names[0], "zorder": 3.0}
    others = [{"color": GREY, "alpha": 0.45, "linewidth": 0.7, "zorder": 2.0} for _ in names[1:]]
    others[0]["label"] = f"the {len(others)} others"
    return [first, *others]


def time_above(axis: Axes, dt: float, unit: str) -> None:
    """A second axis above, in units of time, where steps are not those units."""
    if dt != 1:
        scaled: Any = (lambda step: step * dt, lambda time: time / dt)
        above = axis.secondary_xaxis("top", functions=scaled)
        above.set_xlabel(f"time ({unit})" if unit else "time", fontsize=8)
        above.tick_params(labelsize=8)


def dots(axis: Axes, x: FloatArray, y: FloatArray, *, size: float, colour: str) -> None:
    """Points as one path of lines without length: a third of the bytes that markers take in SVG."""
    ends = np.repeat(np.column_stack([x, y]), 2, axis=0)
    path = Path(ends, np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(x)))
    path.should_simplify = False  # or lines without length are taken out
    axis.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=size, capstyle="round"))
    axis.autoscale_view()

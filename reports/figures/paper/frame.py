"""What the figures of the paper have in common: panels above, below them one legend and the caption."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from mpl_toolkits.mplot3d import Axes3D

CAPTION_SIZE = 7.5
LETTERS_PER_INCH = 17
"""Of the caption."""
LINE = 0.135
"""Inches, of a line of the caption."""
LEGEND_LINE = 0.2
LEGEND_ITEM = 1.95
"""Inches, the width of an entry."""


def framed(
    width: float, height: float, *, caption: Sequence[str], handles: Sequence[Artist] = ()
) -> tuple[Figure, SubFigure]:
    """A figure and the part of it for panels, of this width and height in inches.

    To be called within `styled()`. The caption has a paragraph per text.
    """
    lines = [
        line
        for paragraph in caption
        for line in textwrap.wrap(paragraph, int(LETTERS_PER_INCH * width)) or [""]
    ]
    columns = max(1, min(len(handles), int(width / LEGEND_ITEM)))
    legend = LEGEND_LINE * math.ceil(len(handles) / columns) + 0.12 if handles else 0.05
    foot = legend + LINE * len(lines) + 0.1
    figure = Figure(figsize=(width, height + foot), layout="constrained")
    panels, below = stacked(figure, (height, foot))
    if handles:
        below.legend(
            handles=list(handles), loc="upper center", ncols=columns, fontsize=8, handlelength=3.0,
            columnspacing=1.4, borderaxespad=0.1, bbox_to_anchor=(0.5, 1.0),
        )  # fmt: skip
    below.text(0.012, 1 - legend / foot, "\n".join(lines), fontsize=CAPTION_SIZE, va="top", linespacing=1.25)
    return figure, panels


def stacked(figure: Figure | SubFigure, heights: tuple[float, float]) -> tuple[SubFigure, SubFigure]:
    """Two parts of a figure, one above the other, with heights in this ratio."""
    parts: Any = figure.subfigures(2, 1, height_ratios=heights)
    return parts[0], parts[1]


def keep_right(figure: Figure) -> None:
    """Leave room at the right: the label of an axis in space is not counted when panels are laid out."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, 0, 0.975, 1))


def lettered(axis: Axes, letter: str, title: str, **how: Any) -> None:
    """The title of a panel, with its letter where there is one."""
    axis.set_title(f"({letter}) {title}" if letter else title, fontsize=10, **how)


def gap(axis: Axes, text: str) -> None:
    """An empty panel, or a part that is missing, with why in its middle."""
    write: Any = axis.text2D if isinstance(axis, Axes3D) else axis.text
    write(
        0.5, 0.5, "\n".join(textwrap.wrap(text, 34)), transform=axis.transAxes, ha="center", va="center",
        fontsize=8.5, color="#404040",
    )  # fmt: skip

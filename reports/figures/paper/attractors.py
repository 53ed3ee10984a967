"""Figures 2 and 6: the true attractor, and the free run of a network trained with τ too small, right and too
large, side by side in the system's own units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ..style import COLOURS, styled
from .frame import framed, gap, keep_right, lettered

FloatArray = NDArray[np.float64]

WIDTH, HEIGHT = 9.6, 3.3
TRUE, GENERATED = COLOURS[5], COLOURS[1]
BEYOND = 0.5
"""Share of the attractor's extent that a run may leave it by and still be drawn."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """One panel."""

    title: str
    run: FloatArray | None
    """The free run, (T, N), in the units of the truth; NaN from where it is not finite. None: no such run."""
    why: str = ""
    """Why there is none."""


def attractor_figure(
    portraits: Sequence[Portrait],
    truth: FloatArray,
    *,
    variables: Sequence[str],
    called: str,
    caption: Sequence[str],
) -> Figure:
    """The figure; write it with `encoded`.

    Args:
        truth: a trajectory of the system, (T', N); of more than three variables the first three are drawn.
        called: what the networks are called in the legend.
    """
    shown = min(3, truth.shape[1])
    handles = [
        Line2D([], [], color=TRUE, linewidth=3.0, alpha=0.7, label="true attractor"),
        Line2D([], [], color=GENERATED, linewidth=1.0, label=called),
    ]
    low, high = truth[:, :shown].min(axis=0), truth[:, :shown].max(axis=0)
    room = BEYOND * (high - low)
    with styled():
        figure, panels = framed(WIDTH, HEIGHT, caption=caption, handles=handles)
        keep_right(figure)
        solid: dict[str, Any] = {"projection": "3d"} if shown == 3 else {}
        axes = panels.subplots(1, len(portraits), subplot_kw=solid, squeeze=False).flat
        for axis, portrait, letter in zip(axes, portraits, "abcdefgh", strict=False):
            lettered(axis, letter, portrait.title)
            # In black and white the wide pale band is the truth, the thin dark line the network.
            axis.plot(*_columns(truth[:, :shown]), color=TRUE, linewidth=1.4, alpha=0.55, zorder=1)
            if portrait.run is None:
                gap(axis, portrait.why)
            else:
                run = portrait.run[:, :shown]
                inside = ((run >= low - room) & (run <= high + room)).all(axis=1)  # NaN is not
                drawn = np.where(inside[:, None], run, np.nan)
                axis.plot(*_columns(drawn), color=GENERATED, linewidth=0.6, zorder=2)
            for which, name in zip("xyz", variables[:shown], strict=False):
                getattr(axis, f"set_{which}label")(name, fontsize=9, labelpad=-4 if shown == 3 else 2)
            axis.tick_params(labelsize=7, pad=-2 if shown == 3 else 2)
    return figure


def _columns(series: FloatArray) -> tuple[FloatArray, ...]:
    """Of a series (T, K) its columns; of one column it and the next step of it."""
    if series.shape[1] == 1:
        return series[:-1, 0], series[1:, 0]
    return tuple(series.T)

"""A look at a series in the terminal: facts, columns, small plots, and the verdict last, to stay in sight.

The plots are uniplot's, in braille dots. The series is a line and surrogates are dots, so that they can be
told apart without colour. At any width nothing is wider than the console.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...systems.analysis.overview import Column, Overview
from ..verdict import counted
from .facts import COLUMN_HEADER, column_rows, facts
from .verdict import headlines
from .words import curve_of, plain, with_error

FloatArray = NDArray[np.float64]

STYLES = {"better": "green", "worse": "red", "open": "yellow", "plain": ""}
COLOURS = ("cyan", "magenta", "green")
NOISE = "yellow"

NARROW = 100
"""Columns of a console that is too narrow for all that is said of a column; NARROW_COLUMNS are left."""
NARROW_COLUMNS = ("column", "mean", "SD", "period", "delay", "dim.")

WIDEST, LOWEST = 100, 12
"""Of a plot: characters, lines."""


def render_series(overview: Overview, *, width: int, plots: bool) -> RenderableType:
    """Everything, for a console of so many characters; without plots where nobody looks, as in a pipe."""
    parts: list[RenderableType] = [
        _facts(overview),
        Text(),
        _columns(overview, narrow=width < NARROW),
        Text(),
    ]
    if plots:
        for title, drawn, caption in _plots(overview, min(width, WIDEST)):
            parts += [Text(title, style="bold"), drawn, Text(caption, style="dim"), Text()]
    for line in headlines(overview):
        parts.append(Text.assemble((line.title, "bold"), ": ", (line.text, STYLES[line.css])))
    return Group(*parts)


def _facts(overview: Overview) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", max_width=24)
    table.add_column(overflow="fold")
    for label, value in facts(overview):
        table.add_row(Text(label), Text(value))
    return table


def _columns(overview: Overview, *, narrow: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    shown = [i for i, name in enumerate(COLUMN_HEADER) if not narrow or name in NARROW_COLUMNS]
    for i in shown:
        table.add_column(Text(COLUMN_HEADER[i]), justify="right" if i else "left", overflow="fold")
    for row in column_rows(overview):
        table.add_row(*(Text(row[i]) for i in shown))
    return table


def _plots(overview: Overview, width: int) -> list[tuple[str, Text, str]]:
    """Title, plot and caption of each."""
    plots = []
    found = overview.exponent
    if found is not None:
        curves = [_sparse(one.log_distance) for one in found.surrogate_curves]
        curves.append((np.arange(len(found.curve.log_distance)), found.curve.log_distance))
        first, last = found.slope.window
        end = min(len(found.curve.log_distance) - 1, max(5 * last, 20))
        value = with_error(found.slope.value, found.slope.standard_error)
        drawn = _plot(
            curves,
            width,
            lines=[False] * (len(curves) - 1) + [True],
            colours=[NOISE] * (len(curves) - 1) + [COLOURS[0]],
            x_gridlines=[first, last],
            x_max=float(end),
        )
        caption = (
            f"steps · line: the series · dots: {counted(len(curves) - 1, 'surrogate')} · "
            f"between the bars, {first} to {last}, it rises by {value} a step"
        )
        plots.append((f"Divergence: {curve_of(overview)} of neighbours", drawn, caption))
    shown = [c for c in overview.columns if c.embedding is not None][: len(COLOURS)]
    if shown:
        curves = [
            (np.arange(len(c.embedding.information)), c.embedding.information) for c in shown if c.embedding
        ]
        delays = [c.embedding.delay for c in shown if c.embedding]
        reach = max(20.0, 6.0 * max(delays))
        drawn = _plot(curves, width, x_gridlines=sorted({*delays}), x_max=min(reach, len(curves[0][0]) - 1.0))
        said = ", ".join(f"{c.name} {delay}" for c, delay in zip(shown, delays, strict=True))
        caption = f"lag in steps{_key(shown)} · bars: suggested delays, {said}"
        plots.append(("Mutual information (nats)", drawn, caption))
    spectra = [c for c in overview.columns if (c.power > 0).any()][: len(COLOURS)]
    if spectra:
        curves = [(c.frequency[c.power > 0], c.power[c.power > 0] / c.sd**2) for c in spectra]
        top = max(float(power.max()) for _, power in curves)
        curves = [(f[p > 1e-12 * top], p[p > 1e-12 * top]) for f, p in curves]
        drawn = _plot(curves, width, x_as_log=True, y_as_log=True)
        longest = plain(1 / float(spectra[0].frequency[0]))
        plots.append(
            (
                "Power spectrum",
                drawn,
                f"frequency per step, from a period of {longest} steps on{_key(spectra)}",
            )
        )
    return plots


def _key(columns: Sequence[Column]) -> str:
    """' · x cyan, y magenta'; nothing where there is one line only."""
    if len(columns) < 2:
        return ""
    return " · " + ", ".join(f"{c.name} {colour}" for c, colour in zip(columns, COLOURS, strict=False))


def _plot(
    curves: Sequence[tuple[NDArray[np.generic], FloatArray]],
    width: int,
    *,
    lines: list[bool] | None = None,
    colours: Sequence[str] = COLOURS,
    **options: object,
) -> Text:
    from uniplot import plot_to_string

    finite = [np.isfinite(y) for _, y in curves]
    settings: dict[str, object] = {"x_gridlines": [], "y_gridlines": [], **options}
    drawn = plot_to_string(
        xs=[np.asarray(x, dtype=np.float64)[keep] for (x, _), keep in zip(curves, finite, strict=True)],
        ys=[y[keep] for (_, y), keep in zip(curves, finite, strict=True)],
        lines=lines or [True] * len(curves),
        color=list(colours[: len(curves)]),
        height=LOWEST,
        width=max(10, width - 12),
        line_length_hard_cap=width,
        character_set="braille",
        **settings,
    )
    return Text.from_ansi(drawn, no_wrap=True, overflow="crop")


def _sparse(curve: FloatArray, points: int = 60) -> tuple[NDArray[np.generic], FloatArray]:
    at = np.unique(np.linspace(0, len(curve) - 1, points).astype(np.int64))
    return at, curve[at]

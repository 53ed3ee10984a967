"""Trajectories in three dimensions, true and generated, to be turned by hand; a picture where no script runs.

Trajectories are handed in. Their points go into the page as whole numbers: the box around the true attractor
has its longest side from −UNIT to UNIT, and a network may fill twice as much in every direction.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..figures.style import COLOURS
from .parts import element, text

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int16]

UNIT = 16_000
"""Whole numbers from the middle of the true attractor to the end of its longest side."""
LIMIT = 2 * UNIT
"""What lies beyond is not drawn."""
GAP = -32_768
"""In place of a coordinate: here the line is interrupted."""

YAW, PITCH, DISTANCE = -0.9, 0.35, 5.0
"""Radians, radians, and in units of UNIT: the view before it is turned."""
HINT = "Drag to turn, or use the arrow keys; + and − come nearer and go back, 0 is the first view."
SIZE = 400
"""Of the picture, which is square."""


@dataclass(frozen=True, eq=False)
class Run:
    """One trajectory, or in words why there is none."""

    label: str
    """'clipping'"""
    said: str
    """What it is, or why it is not here."""
    points: FloatArray | None = None
    """(T, 3), NaN from where it is no longer finite."""
    regime: str = ""
    """The label of the network's cell, by which its colour is found."""


@dataclass(frozen=True, eq=False)
class Attractor:
    """The runs of one context, the true one first, in coordinates of their own."""

    context_id: str
    title: str
    axes: tuple[str, str, str]
    coordinates: str
    """Which three these are, in a sentence."""
    runs: tuple[Run, ...]


def box(true: FloatArray) -> tuple[FloatArray, float]:
    """Middle (3,) and half of the longest side of the box around the finite points of a trajectory (T, 3)."""
    finite = true[np.isfinite(true).all(axis=1)]
    if not len(finite):
        return np.zeros(3), 1.0
    low, high = finite.min(axis=0), finite.max(axis=0)
    return (low + high) / 2, float((high - low).max() / 2) or 1.0


def quantised(points: FloatArray, middle: FloatArray, half: float) -> IntArray:
    """Points (T, 3) as whole numbers, GAP where one is not finite or beyond LIMIT."""
    scaled = (points - middle) / half * UNIT
    with np.errstate(invalid="ignore"):
        # A NaN is not within any limit.
        inside: NDArray[np.bool_] = np.all(np.abs(scaled) <= LIMIT, axis=1)
    return np.where(inside[:, None], np.rint(np.where(inside[:, None], scaled, 0)), GAP).astype(np.int16)


def restored(whole: IntArray, middle: FloatArray, half: float) -> FloatArray:
    """The points that `quantised` made these of, to half of 1 / UNIT of `half`; NaN for gaps."""
    return np.where(whole == GAP, np.nan, whole / UNIT) * half + middle


def attractor_figure(attractor: Attractor, name: str, *, colours: Mapping[str, int] | None = None) -> str:
    """The runs side by side; `name` is unique on the page, `colours` are places in the palette by regime."""
    drawn = [run for run in attractor.runs if run.points is not None]
    true = attractor.runs[0].points if attractor.runs else None
    middle, half = box(
        true if true is not None else np.concatenate([_points(run) for run in drawn] or [_NONE])
    )
    panels, packed = [], []
    for place, run in enumerate(attractor.runs):
        whole = None if run.points is None else quantised(run.points, middle, half)
        colour = (colours or {}).get(run.regime, place - 1)
        css = "true" if place == 0 else f"run{colour % len(COLOURS) + 1}"
        if whole is None or (whole == GAP).all():
            said = run.said if whole is None else f"{run.said}; it lies wholly outside of what is drawn"
            view = f'<div class="view missing">{element("p", said)}</div>'
            said = ""
        else:
            said = run.said + _outside(whole)
            packed.append(
                {"place": place, "label": run.label, "dots": _as_dots(whole), "data": _packed(whole)}
            )
            picture = _picture(whole, f"{attractor.title}: {run.label}")
            view = f'<div class="view {css}" data-run="{place}">{picture}</div>'
        # Labels are as long as a panel is wide: they may break where their parameters begin.
        title = text(run.label).replace("(", "<wbr>(")
        label = f'<p class="label"><strong>{title}</strong> {text(said) if said else ""}</p>'
        panels.append(f'<div class="panel">{view}{label}</div>')
    data: dict[str, object] = {"title": attractor.title, "axes": attractor.axes, "runs": packed}
    data |= {"unit": UNIT, "gap": GAP, "yaw": YAW, "pitch": PITCH, "distance": DISTANCE}
    hint = f'<span class="hint" hidden> {HINT}</span>'
    return (
        f'<figure class="attractor" id="{name}">\n<h3>{text(attractor.title)}</h3>\n'
        f'<div class="panels">{"".join(panels)}</div>\n'
        f"<figcaption>{text(attractor.coordinates)}{hint}</figcaption>\n"
        f'<script type="application/json">{in_script(data)}</script>\n</figure>'
    )


def in_script(data: object) -> str:
    """JSON that may stand in a script element: nothing in it can end the element or begin a comment."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return written


_NONE = np.zeros((1, 3))


def _points(run: Run) -> FloatArray:
    assert run.points is not None
    return run.points


def _packed(whole: IntArray) -> str:
    return base64.b64encode(whole.astype("<i2").tobytes()).decode()


def _outside(whole: IntArray) -> str:
    share = float((whole[:, 0] == GAP).mean())
    return f"; {max(share, 0.01):.0%} of it lies outside of what is drawn" if share else ""


def _as_dots(whole: IntArray) -> bool:
    """Whether steps are so long that lines would show nothing but themselves: of a map, or of coarse data."""
    steps = np.linalg.norm(np.diff(whole[whole[:, 0] != GAP].astype(np.float64), axis=0), axis=1)
    return bool(len(steps)) and float(np.median(steps)) > 0.3 * UNIT


def _picture(whole: IntArray, label: str) -> str:
    """The view before it is turned, as an SVG."""
    x, y, z = np.where(whole == GAP, np.nan, whole / UNIT).T
    across = x * math.cos(YAW) - y * math.sin(YAW)
    away = x * math.sin(YAW) + y * math.cos(YAW)
    up, depth = z * math.cos(PITCH) + away * math.sin(PITCH), away * math.cos(PITCH) - z * math.sin(PITCH)
    scale = SIZE * 0.31 * DISTANCE / (DISTANCE + depth)
    places = np.column_stack([SIZE / 2 + across * scale, SIZE / 2 - up * scale])
    path = _dotted(places) if _as_dots(whole) else _joined(places)
    return f'<svg viewBox="0 0 {SIZE} {SIZE}" role="img" aria-label="{text(label)}"><path d="{path}"/></svg>'


def _joined(places: FloatArray) -> str:
    commands, pen_up = [], True
    for x, y in places:
        if math.isnan(x):
            pen_up = True
            continue
        commands.append(f"{'M' if pen_up else ' '}{x:.0f} {y:.0f}")
        pen_up = False
    return "".join(commands)


def _dotted(places: FloatArray) -> str:
    return "".join(f"M{x:.0f} {y:.0f}h.1" for x, y in places if not math.isnan(x))


def without(titles: Sequence[str]) -> str:
    """Which contexts have no picture, in a sentence; '' for none."""
    if not titles:
        return ""
    first = ", ".join(titles[:3])
    others = len(titles) - 3
    rest = f" and {others} other{'s' if others > 1 else ''}" if others > 0 else ""
    return f"Not drawn, so that the page stays small: {first}{rest}."

"""Gradients against dynamics: Jacobian products over time, their rate and that of the loss gradient against
λ₁, and λ₁ against the bound of the Jacobian.

Every mark is one network: filled where it was constructed, open where it was trained. Rates and λ₁ are per
step; between ±LINEAR the scales are linear, beyond it logarithmic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..theorems.claims import GRADIENT, JACOBIAN
from ..theorems.networks import Network
from .style import COLOURS, GREY, colour_and_marker, styled

LINEAR = 0.01
"""Rates per step below which theirs is a linear scale."""
TICKS = (-1, -0.1, -0.01, 0, 0.01, 0.1, 1)
MOST_LINES = 40
"""Curves of each class that are drawn, evenly taken."""
KINDS = {
    "chaotic": ("chaotic", COLOURS[1], "solid"),
    "quasi_periodic": ("quasi-periodic", COLOURS[2], (0, (4, 2))),
    "cycle": ("cycle", COLOURS[0], (0, (1, 1.5))),
    "fixed_point": ("fixed point", COLOURS[3], (0, (5, 1.5, 1, 1.5))),
}


def theorems_figure(networks: Sequence[Network]) -> Figure:
    """The figure of networks that `read_networks` gave, at least one; write it with `to_svg`."""
    architectures = sorted({network.architecture for network in networks})
    with styled():
        figure = Figure(figsize=(9.6, 8.2), layout="constrained")
        over_time, products, gradients, bounds = figure.subplots(2, 2).flat
        _curves(over_time, networks)
        _rates(products, networks, architectures, JACOBIAN, lambda rate: rate)
        products.set_ylabel("rate of ‖∂z_T/∂z_1‖ per step")
        products.set_title("(b) Jacobian products go at the rate λ₁")
        _rates(gradients, networks, architectures, GRADIENT, lambda rate: max(rate, 0.0))
        gradients.set_ylabel("rate of ‖∂L_T/∂θ‖ per step")
        gradients.set_title("(c) loss gradients explode with chaos")
        _bounds(bounds, networks, architectures)
        handles = [
            Line2D([], [], color=colour, marker=marker, linestyle="none", label=name)
            for name in architectures
            for colour, marker in [colour_and_marker(name, architectures)]
        ]
        handles.append(
            Line2D([], [], color=GREY, marker="o", linestyle="none", fillstyle="none", label="open: trained")
        )
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9)
    return figure


def _curves(axis: Axes, networks: Sequence[Network]) -> None:
    for kind, (name, colour, dashes) in KINDS.items():
        of_kind = [network for network in networks if network.kind == kind]
        shown = of_kind[:: math.ceil(len(of_kind) / MOST_LINES)] if of_kind else []
        for place, network in enumerate(shown):
            curve = network.curves.get(JACOBIAN, {})
            points = [(lag, value) for lag, value in curve.items() if math.isfinite(value)]
            if points:
                lags, values = zip(*points, strict=True)
                axis.plot(
                    lags, values, color=colour, linestyle=dashes, linewidth=1.0, alpha=0.7,
                    label=name if place == 0 else None,
                )  # fmt: skip
    axis.set_xscale("log")
    axis.set_yscale("symlog", linthresh=1.0)
    axis.axhline(0.0, color=GREY, linewidth=0.8)
    axis.set_xlabel("T (steps)")
    axis.set_ylabel("ln ‖∂z_T/∂z_1‖")
    axis.set_title("(a) Jacobian products over time")
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.legend(fontsize=9, loc="lower left")


def _rates(
    axis: Axes,
    networks: Sequence[Network],
    architectures: Sequence[str],
    quantity: str,
    expected: Callable[[float], float],
) -> None:
    grid = [sign * 10 ** (exponent / 10) for sign in (-1, 1) for exponent in range(-40, 8)]
    grid = sorted([*grid, 0.0])
    axis.plot(grid, [expected(rate) for rate in grid], color="black", linewidth=1.0, zorder=1)
    points = [(network, network.rate, network.slope(quantity)) for network in networks]
    _marks(axis, points, architectures)
    _both_signs(axis, "x")
    _both_signs(axis, "y")
    axis.set_xlabel("λ₁ per step")


def _bounds(axis: Axes, networks: Sequence[Network], architectures: Sequence[str]) -> None:
    """Of networks with a bound; at the edge those without, of an architecture in which others have one."""
    known = [network for network in networks if math.isfinite(network.jacobian_bound)]
    with_bounds = {network.architecture for network in known}
    edge = 2.0 * max([2.0, *(network.jacobian_bound for network in known)])
    points = [
        (network, min(max(network.jacobian_bound, 0.05), edge), network.rate)
        for network in networks
        if network.architecture in with_bounds
    ]
    _marks(axis, [(network, x, y) for network, x, y in points], architectures)
    axis.set_xscale("log")
    _both_signs(axis, "y")
    axis.axvline(1.0, color="black", linewidth=1.0, zorder=1)
    axis.axhline(0.0, color=GREY, linewidth=0.8)
    axis.set_xlabel("bound of ‖J‖ (RNN: ‖W‖); at the right edge: none")
    axis.set_ylabel("λ₁ per step")
    axis.margins(0.06)
    axis.set_title("(d) no chaos where ‖J‖ is at most 1")


def _marks(axis: Axes, points: Sequence[tuple[Network, float, float]], architectures: Sequence[str]) -> None:
    for network, x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            colour, marker = colour_and_marker(network.architecture, architectures)
            axis.plot(
                [x], [y], marker, color=colour, alpha=0.8, markersize=5,
                fillstyle="full" if network.constructed else "none",
            )  # fmt: skip


def _both_signs(axis: Axes, which: str) -> None:
    scaled = axis.xaxis if which == "x" else axis.yaxis
    (axis.set_xscale if which == "x" else axis.set_yscale)("symlog", linthresh=LINEAR)
    scaled.set_major_locator(FixedLocator([float(tick) for tick in TICKS]))
    scaled.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    scaled.set_minor_locator(NullLocator())

"""All systems together: performance profiles, and average ranks with what cannot be told apart.

After Agarwal et al. (NeurIPS 2021) and Demšar (JMLR 2006). Left: the share of runs that score above each
level between the ceiling (0) and the floor (1), with pointwise 95% bands. Right: mean ranks; a bar joins
methods of which no two differ at 5% by Holm.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..across import RECONSTRUCTED, THRESHOLDS, Across
from .learning_curves import DASHES
from .style import GREY, colour_and_marker, styled


def across_systems(together: Across) -> Figure:
    """The figure; write it with `to_svg`."""
    with styled():
        height = max(3.4, 1.6 + 0.42 * len(together.methods))
        figure = Figure(figsize=(10.0, height), layout="constrained")
        profiles, ranks = figure.subplots(1, 2)
        _profiles(profiles, together)
        _ranks(ranks, together)
        figure.legend(*profiles.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    return figure


def _profiles(axis: Axes, together: Across) -> None:
    names = [method.name for method in together.methods]
    for place, method in enumerate(together.methods):
        colour, marker = colour_and_marker(method.name, names)
        low, high = method.profile_band
        axis.fill_between(THRESHOLDS, low, high, color=colour, alpha=0.15, linewidth=0, step="post")
        axis.plot(
            THRESHOLDS, method.profile, color=colour, linestyle=DASHES[place % len(DASHES)], linewidth=1.6,
            marker=marker, markevery=(place, 10), markersize=5, drawstyle="steps-post", label=method.name,
        )  # fmt: skip
    axis.axvline(RECONSTRUCTED, color=GREY, linestyle=(0, (1, 2)), linewidth=1.1, zorder=1)
    axis.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share of runs above")
    axis.set_xlabel("score: 0 ceiling, 1 floor (logarithmic)")


def _ranks(axis: Axes, together: Across) -> None:
    names = [method.name for method in together.methods]
    count = len(names)
    for place, method in enumerate(together.methods):
        colour, marker = colour_and_marker(method.name, names)
        axis.plot([1, method.mean_rank], [place, place], color=GREY, linewidth=0.7, zorder=1)
        axis.plot(method.mean_rank, place, marker, color=colour, markersize=8, zorder=3)
    for step, (first, last) in enumerate(together.alike):
        axis.plot([count + 0.2 + 0.12 * step] * 2, [first, last], color="black", linewidth=3, zorder=2)
    axis.set_yticks(range(count), names)
    axis.set_ylim(count - 0.5, -0.5)
    axis.set_xlim(0.9, count + 0.4 + 0.12 * len(together.alike))
    axis.set_xticks(range(1, count + 1))
    axis.set_xlabel(f"mean rank over {together.contexts} systems × architectures (1: best)")

"""What a look at a series comes to: what it is, whether its λ_max is to be believed, which τ that suggests.

Sentences, for the top of the page and the end of the terminal's output. A slope of a log-divergence curve is
never told without its error, the range over other windows and the slopes of the surrogates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...systems.analysis.exponent import Estimate
from ...systems.analysis.overview import DRIFT_P, Overview
from .words import beside, duration, names, otherwise, per_time, plain, with_error

Credence: TypeAlias = Literal["chaotic", "doubtful", "no_evidence", "unknown"]
"""`doubtful`: the slope stands out from noise, but what is read off as λ_max does not hold still."""

TAU_FACTORS = (1 / 8, 1 / 4, 1 / 2, 1 / math.sqrt(2), 1.0, math.sqrt(2), 2.0, 4.0)
"""The grid of τ around τ_pred: by factors of two, finer where the best τ is to be expected."""

WIDE_RANGE = 1.5
"""Slopes that could as well be read off and differ by more than this factor are not one λ_max."""

SHORT_WINDOW = 4
"""A line through fewer points than this is hardly a straight part."""

STILL_RISING = 0.25
"""Of a curve whose last tenth is steeper than this share of the slope, the plateau is not seen."""

JUMP, JUMP_STEPS = 0.25, 10
"""A curve that rises by more than this in its first step, and by more than its slope in so many, starts from
neighbours that noise had brought together."""

LARGE_ERROR = 0.2
"""A standard error above this share of the slope leaves τ_pred open by as much again."""

ACCURACY = (
    "of known flows, nine in ten such slopes are within a factor of 1.25 (20,000 points) or 1.5 (5,000) of "
    "λ_max"
)
"""Of slopes across the flow that are not doubted; `tests/benchmarks/exponent_accuracy.py` finds it."""

SATURATED = 0.1
"""Dimensions in more and more delays differ by less than this share, if they have come to rest."""


@dataclass(frozen=True)
class Line:
    """One sentence of the verdict. `css` is a class of page.css: better, worse or open."""

    title: str
    text: str
    css: str


def headlines(overview: Overview) -> tuple[Line, Line, Line]:
    """What the series is; whether λ_max is to be believed; τ_pred and the grid of τ."""
    believed, said = judge(overview)
    colour = {"chaotic": "better", "doubtful": "open", "no_evidence": "worse", "unknown": "worse"}[believed]
    return (
        Line("The series", _what_it_is(overview), "plain"),
        Line("λ_max", said, colour),
        Line("τ", _which_tau(overview, believed), colour),
    )


def judge(overview: Overview) -> tuple[Credence, str]:
    """Whether λ_max is to be believed, and why."""
    unit, found = per_time(overview), overview.exponent
    if overview.computed is not None:
        value, error = overview.computed.exponents[0], overview.computed.standard_errors[0]
        chaotic = value > 2 * error
        said = f"{with_error(value, error)} {unit}, from the equations"
        said += ": chaotic." if chaotic else ": not above 0 within its error, so not chaotic."
        if found is not None:
            slope, spread = found.slope.value / overview.dt, found.slope.standard_error / overview.dt
            said += f" The slope that the series itself shows is {with_error(slope, spread)}"
            off = f" ({abs(slope / value - 1):.0%} {'less' if slope < value else 'more'})" if chaotic else ""
            said += f"{off}, {beside(overview, found)}."
        return "chaotic" if chaotic else "no_evidence", said
    if found is None or not math.isfinite(found.slope.value):
        return "unknown", "could not be estimated from this series; see the warnings."
    value, error = found.slope.value / overview.dt, found.slope.standard_error / overview.dt
    said = f"{with_error(value, error)} {unit}, {beside(overview, found)}"
    if not value > 2 * error:
        return "no_evidence", f"no evidence of chaos: {said}. Nothing diverges that can be told from 0."
    if not found.stands_out:
        return (
            "no_evidence",
            f"no evidence of chaos: {said}. Not clearly steeper than noise of the same spectrum.",
        )
    drifts = any(min(c.mean_drift_p, c.sd_drift_p) < DRIFT_P for c in overview.columns)
    if drifts or doubts_of(found):
        return "doubtful", f"{said}: steeper than noise, but the value is uncertain; see the warnings."
    said += ": evidence of chaos. The error is that of chance alone"
    return "chaotic", f"{said}: {ACCURACY}." if overview.across_flow else f"{said}."


def warnings(overview: Overview) -> tuple[str, ...]:
    """The overview's own, and what only shows when its results are read side by side."""
    said = list(overview.warnings)
    if overview.exponent is not None and overview.computed is None:
        said += doubts_of(overview.exponent)
    if overview.dimensions and not saturates(overview):
        said.append(_no_dimension(overview))
    return tuple(said)


def _no_dimension(overview: Overview) -> str:
    values = {one.delays: one.plateau.dimension for one in overview.dimensions if one.plateau is not None}
    if not values:
        return "the local slopes of the correlation sum have no plateau: no correlation dimension"
    listed = ", ".join(f"{plain(value)} with {delays}" for delays, value in values.items())
    none = [str(one.delays) for one in overview.dimensions if one.plateau is None]
    listed += f", no plateau with {', '.join(none)}" if none else ""
    return (
        f"the correlation dimension does not come to rest as delays are added ({listed}): "
        "it is not that of an attractor"
    )


def doubts_of(found: Estimate) -> list[str]:
    """Why a slope may be no λ_max; none where it is one."""
    said = []
    slope, (first, last) = found.slope, found.slope.window
    low, high = found.other_windows
    if not slope.value > 2 * slope.standard_error:
        return ["λ_max is not above 0 within twice its error: nothing diverges, and there is no τ_pred"]
    if not found.stands_out:
        said.append(
            f"not clearly steeper than noise of the same spectrum ({plain(slope.value)} a step against "
            f"{plain(min(found.surrogates))} to {plain(max(found.surrogates))}): the slope is no evidence of "
            "chaos"
        )
    if high > WIDE_RANGE * low:
        said.append(
            f"the slope depends on how it is read off: {plain(low)} to {plain(high)} a step are what could "
            "as well be taken; look at the curve before τ_pred is trusted"
        )
    if last - first + 1 < SHORT_WINDOW:
        said.append(
            f"the slope is that of {last - first + 1} points of the curve, steps {first} to {last}: hardly a "
            "straight part"
        )
    curve = found.curve.log_distance
    jump = curve[1] - curve[0]
    if jump > max(JUMP, JUMP_STEPS * slope.value):
        said.append(
            f"the curve jumps by {jump:.2g} in its first step, as distances in noise do, and noise moves the "
            "slope, mostly down: `--reduce-noise 3` of `orch system add` helps in a long series"
        )
    tail = max(2, len(curve) // 10)
    if (curve[-1] - curve[-tail]) / (tail - 1) > STILL_RISING * slope.value:
        said.append(
            f"the curve still rises after {len(curve) - 1} steps: the window, a part of the rise to a "
            "plateau, is not to be relied on; follow neighbours for longer"
        )
    if slope.standard_error > LARGE_ERROR * slope.value:
        said.append(
            f"the slope differs between parts of the series: its standard error is "
            f"{slope.standard_error / slope.value:.0%} of it"
        )
    return said


def saturates(overview: Overview) -> bool:
    """Whether D₂ comes to rest: a plateau in the state space of λ_max and in every one of more delays."""
    if overview.settings is None:
        return False
    reached = [d.plateau for d in overview.dimensions if d.delays >= overview.settings.dimension]
    values = [plateau.dimension for plateau in reached if plateau is not None]
    if not values or len(values) < len(reached):
        return False
    return max(values) - min(values) <= SATURATED * max(values)


def tau_grid(overview: Overview) -> tuple[int, ...]:
    """τ to try, around τ_pred; none where there is no λ_max to be believed."""
    tau_pred = overview.tau_pred
    if not math.isfinite(tau_pred) or judge(overview)[0] not in ("chaotic", "doubtful"):
        return ()
    system = overview.system
    # Of longer windows there are too few to learn from, and none goes across a break.
    most = min(system.trained_points // 10, system.longest_sequence - 1)
    grid = {max(1, round(factor * tau_pred)) for factor in TAU_FACTORS}
    return tuple(sorted(tau for tau in grid if tau <= most))


def _what_it_is(overview: Overview) -> str:
    kind = "recorded" if overview.system.is_recorded else "simulated"
    every = "" if duration(overview, 1) == "1 step" else f", one every {duration(overview, 1)}"
    said = f"{overview.points:,} points of {names(overview)}{every}, {kind}"
    periods = [c.embedding.period for c in overview.columns if c.embedding is not None]
    if periods:
        low, high = f"{min(periods):.3g}", f"{max(periods):.3g}"
        said += f"; mean period {low if low == high else f'{low} to {high}'} steps"
    if overview.points != overview.system.trained_points:
        said += f"; {overview.system.trained_points:,} are trained on"
    return said + "."


def _which_tau(overview: Overview, believed: Credence) -> str:
    tau, grid = overview.tau_pred, tau_grid(overview)
    if not grid:
        nominal = f" (the slope, were it λ_max, would give {plain(tau)} steps)" if math.isfinite(tau) else ""
        return f"no τ_pred to go by{nominal}, and no grid of τ that this series suggests."
    said = f"τ_pred = {plain(tau)} steps"
    if overview.computed is None and overview.exponent is not None:
        steps = tau * overview.exponent.slope.value
        low, high = (steps / slope if slope > 0 else math.inf for slope in overview.exponent.other_windows)
        said += f" ({plain(high)} to {plain(low)} {otherwise(overview)})"
    return f"{said}. A grid around it: {', '.join(map(str, grid))}." + (
        " Take a wide one, as λ_max is uncertain." if believed == "doubtful" else ""
    )

"""How far λ_max as it is read off a series lies from the truth: flows whose exponent the equations give.

Settings are those suggested for a series that nobody has looked at (`orch system add`). What is printed, for
each length of the series, what is observed and how much noise is on it, is over all systems: how many
estimates are within 20% of the truth, how far off they are (median, and at most in nine of ten, as a factor),
how often two standard errors and how often the slopes over other windows hold the truth; and the same by
plain distances, where the suggestion is to take them across the flow.

    python tests/benchmarks/exponent_accuracy.py [--systems lorenz63,dysts:Chua] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from orchestrator.reports.series.verdict import doubts_of
from orchestrator.systems import get
from orchestrator.systems.analysis.exponent import Estimate, SlopeSettings, other_slopes
from orchestrator.systems.analysis.suggestion import suggest_settings
from orchestrator.systems.base import FloatArray
from orchestrator.systems.preparation import prepare, step

SYSTEMS = (
    "lorenz63", "lorenz63_published", "roessler", "duffing", "lorenz96_10", "dysts:Thomas", "dysts:Halvorsen",
    "dysts:Chua", "dysts:SprottB", "dysts:HindmarshRose", "dysts:Chen", "dysts:ShimizuMorioka",
    "dysts:Rucklidge", "dysts:Lorenz84", "dysts:HastingsPowell", "dysts:Arneodo", "dysts:HyperRossler",
    "dysts:MooreSpiegel", "dysts:Aizawa", "dysts:Colpitts",
)  # fmt: skip
LENGTHS = (5_000, 20_000)
NOISE = ((0.0, 0), (0.02, 0), (0.02, 3))
"""Standard deviation of what is added, in that of the column, and iterations of noise reduction then."""
REFERENCES = 5_000
CLOSE = 0.2


@dataclass(frozen=True)
class Found:
    """One estimate, over the truth."""

    system: str
    points: int
    observed: str
    noise: float
    reduced: int
    across_flow: bool
    ratio: float
    error: float
    low: float
    high: float
    """Of what else could be read off."""
    doubted: bool
    """Whether the verdict has doubts, but for those that surrogates raise, which are left out."""


def estimates(name: str) -> Iterator[Found]:
    """Of one system, for all lengths, columns, and noise; and by plain distances."""
    system = get(name)
    states = system.states(n_points=max(LENGTHS))
    truth = system.spectrum(states).exponents[0] * system.dt
    data = system.observe(states)
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    for points in LENGTHS:
        for observed, columns in (("all", data), ("first", data[:, :1])):
            for noise, iterations in NOISE:
                series = columns[:points]
                series = series + noise * np.random.default_rng(0).standard_normal(series.shape)
                treatment = (observed, noise, iterations)
                try:
                    if iterations:
                        series = prepare(series, [step("reduce_noise", iterations=iterations)])
                    suggested = suggest_settings(series)
                    for settings in dict.fromkeys([suggested, replace(suggested, across_flow=False)]):
                        yield found(name, series, settings, truth, treatment)
                except ValueError as error:
                    print(f"{name}, {points} points, {treatment}: {error}", file=sys.stderr)


def found(
    name: str, series: FloatArray, settings: SlopeSettings, truth: float, treatment: tuple[str, float, int]
) -> Found:
    """One estimate."""
    curve = settings.curve(series, references=REFERENCES)
    slope = settings.slope(curve)
    low, high = other_slopes(series, settings, curve)
    doubts = doubts_of(Estimate(curve, slope, (low, high), (), (0.0, 0.0)))
    return Found(
        name, len(series), *treatment, settings.across_flow,
        slope.value / truth, slope.standard_error / truth, low / truth, high / truth, bool(doubts),
    )  # fmt: skip


def summary(rows: list[Found]) -> str:
    """'14 of 20 within 20%, 16 within √2; off by 1.06 (median), 1.59 (nine in ten); …'."""
    if not rows:
        return "none"
    off = [math.exp(abs(math.log(row.ratio))) if row.ratio > 0 else math.inf for row in rows]
    middle, most = np.quantile(off, [0.5, 0.9])
    by_error = sum(abs(row.ratio - 1) <= 2 * row.error for row in rows)
    by_others = sum(row.low <= 1 <= row.high for row in rows)
    return (
        f"of {len(rows)} {sum(abs(row.ratio - 1) <= CLOSE for row in rows)} within {CLOSE:.0%}, "
        f"{sum(factor <= math.sqrt(2) for factor in off)} within √2; off by {middle:.2f} (median), "
        f"{most:.2f} (nine in ten); held by two standard errors {by_error}, by the range beside {by_others}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--json", type=Path, help="every estimate, to this file")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    every: list[Found] = []
    for name in arguments.systems.split(","):
        every += estimates(name)
        print(f"{name}: done", file=sys.stderr)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(row) for row in every], indent=1))
    for points in LENGTHS:
        for observed in ("all", "first"):
            for noise, iterations in NOISE:
                treatment = (points, observed, noise, iterations)
                here = [r for r in every if (r.points, r.observed, r.noise, r.reduced) == treatment]
                suggested = list({row.system: row for row in reversed(here)}.values())
                plain = [row for row in here if not row.across_flow]
                across = sum(row.across_flow for row in suggested)
                reduced = f", reduced in {iterations} iterations" if iterations else ""
                print(f"{points} points, {observed} columns, noise {noise:.0%}{reduced}:")
                print(f"  as suggested ({across} across the flow)  {summary(suggested)}")
                print(f"    not doubted  {summary([row for row in suggested if not row.doubted])}")
                print(f"  by plain distances  {summary(plain)}")
                print(f"    not doubted  {summary([row for row in plain if not row.doubted])}")


if __name__ == "__main__":
    main()

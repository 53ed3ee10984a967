"""Every measure on one core, on trajectories of lorenz63.

    OMP_NUM_THREADS=1 python tests/benchmarks/measures.py [--points 100000] [--repeats 3]

Prints, for a truth and a generated trajectory of so many points, the seconds that binding and scoring take
(the best of so many), and the value; then those of a whole `MeasureSet`, and of a `ForecastSet`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from orchestrator.systems import get
from orchestrator.systems.measures import PRESETS, ForecastSet, MeasureSet
from orchestrator.systems.measures.presets import MIXTURES

T = TypeVar("T")


def timed(function: Callable[[], T], repeats: int) -> tuple[float, T]:
    """Seconds of the fastest of so many calls, and what the last one returned."""
    seconds = []
    for _ in range(repeats):
        since = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - since)
    return min(seconds), result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    system = get("lorenz63")
    truth, generated = (system.states(index, n_points=given.points) for index in (1, 0))
    mean, sd = truth.mean(axis=0), truth.std(axis=0)
    truth, generated = (truth - mean) / sd, (generated - mean) / sd

    print(f"{'':40} {'bind':>8} {'score':>8}   value")
    measures = {
        f"{preset}.{measure}": definition
        for preset, by_measure in PRESETS.items()
        for measure, definition in by_measure.items()
    } | {f"{preset}.d_stsp, mixtures": definition for preset, definition in MIXTURES.items()}
    for name, definition in measures.items():
        bind, bound = timed(lambda definition=definition: definition.bind(truth), given.repeats)
        score, value = timed(lambda bound=bound: bound.score(generated), given.repeats)
        print(f"{name:40} {bind:8.3f} {score:8.3f}   {value:.4g}", flush=True)
    bind, bound_set = timed(lambda: MeasureSet(truth), 1)
    score, _ = timed(lambda: bound_set.evaluate(generated), given.repeats)
    print(f"{'all, as MeasureSet':40} {bind:8.3f} {score:8.3f}")

    forecast = ForecastSet()
    lyapunov_time = 1 / (1.5 * system.dt)
    steps = forecast.steps(lyapunov_time)
    starts = np.linspace(0, given.points - steps - 1, forecast.starts).astype(np.int64)
    following = truth[starts[:, None] + 1 + np.arange(steps)]
    noise = 1e-3 * np.exp(np.arange(steps) / lyapunov_time)[:, None]
    score, values = timed(
        lambda: forecast.evaluate(following + noise, following, lyapunov_time), given.repeats
    )
    label = f"forecasts {following.shape}, as ForecastSet"
    print(f"{label:40} {'':8} {score:8.3f}   {values['orch']['valid_prediction_time']:.4g} (6.215)")


if __name__ == "__main__":
    main()

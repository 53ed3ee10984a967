"""Exponents and noise reduction on one core, beside other packages where these are installed.

    OMP_NUM_THREADS=1 python tests/benchmarks/estimators.py [--points 100000]

Prints seconds on the same input in one run: the spectrum of lorenz63 with its error; Rosenstein's curve of
400 steps, of x in three delays, beside neurokit2; three iterations of noise reduction.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from orchestrator.systems import get
from orchestrator.systems.analysis.divergence import rosenstein
from orchestrator.systems.embedding import embed
from orchestrator.systems.noise_reduction import reduce_noise


def timed(label: str, function: Callable[[], Any], said: Callable[[Any], str]) -> None:
    """Run once and print seconds and what came out, or why nothing did."""
    since = time.perf_counter()
    try:
        result = said(function())
    except MemoryError as error:
        result = f"out of memory: {error}"
    print(f"{label:45} {time.perf_counter() - since:8.2f} s   {result}", flush=True)


def neurokit(x: np.ndarray) -> float:
    """λ_max per step by Rosenstein's method."""
    import neurokit2

    slope, _ = neurokit2.complexity_lyapunov(
        x, delay=11, dimension=3, method="rosenstein1993", len_trajectory=400, matrix_dim=4
    )
    return float(slope)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    points = parser.parse_args().points
    system = get("lorenz63")
    states = system.states(n_points=points)
    x = states[:, 0]
    timed(
        "spectrum of lorenz63",
        lambda: system.spectrum(states),
        lambda s: f"{s.exponents[0]:.4f} ± {s.standard_errors[0]:.4f}, sum {sum(s.exponents):.4f} (−21)",
    )
    for count in sorted({5_000, 10_000, points}):
        timed(
            f"Rosenstein, {count} points",
            lambda count=count: rosenstein(embed(x[:count], dimension=3, delay=11), steps=400, theiler=100),
            lambda curve: f"{curve.slope(curve.straight_part()).value:.5f} a step (true 0.01505)",
        )
        if importlib.util.find_spec("neurokit2"):
            timed(
                f"  neurokit2, {count} points",
                lambda count=count: neurokit(x[:count]),
                "{:.5f} a step".format,
            )
    noisy = x + 0.03 * x.std() * np.random.default_rng(0).standard_normal(points)
    timed(
        f"ghkss, 3 iterations, {points} points",
        lambda: reduce_noise(noisy, iterations=3),
        lambda clean: f"noise {np.std(noisy - x):.3f} -> {np.std(clean - x):.3f}",
    )


if __name__ == "__main__":
    main()

"""Nonlinear noise reduction: against the formulas, two other implementations, and known noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.systems import noise_reduction
from orchestrator.systems.embedding import embed
from orchestrator.systems.noise_reduction import reduce_noise

Series = NDArray[np.float64]


def henon(n: int) -> Series:
    x = np.empty(n + 100)
    x[:2] = 0.1
    for i in range(2, len(x)):
        x[i] = 1 - 1.4 * x[i - 1] ** 2 + 0.3 * x[i - 2]
    return np.asarray(x[100:], dtype=np.float64)


def noisy(clean: Series, share: float) -> Series:
    noise = np.random.default_rng(0).standard_normal(len(clean))
    return np.asarray(clean + share * clean.std() * noise, dtype=np.float64)


def by_the_formulas(
    x: Series, *, dimension: int, delay: int, manifold: int, neighbours: int, end_weight: float
) -> Series:
    """One iteration, one vector at a time."""
    vectors = embed(x, dimension=dimension, delay=delay)[:, ::-1]
    distance = np.abs(vectors[:, None] - vectors).max(axis=2)
    weight = np.r_[end_weight, np.ones(dimension - 2), end_weight]
    near, off = [], np.empty_like(vectors)
    for n in range(len(vectors)):
        radius = np.ptp(x) / 1000
        while (distance[n] <= radius).sum() < neighbours:
            radius *= np.sqrt(2)
        near.append(distance[n] <= radius)
        mean = vectors[near[n]].mean(axis=0)
        _, _, directions = np.linalg.svd((vectors[near[n]] - mean) * weight)
        across = directions[manifold:]
        off[n] = across.T @ across @ ((vectors[n] - mean) * weight) / weight
    result = x.copy()
    for n in range(len(vectors)):
        correction = off[n] - off[near[n]].mean(axis=0)
        result[n : n + dimension * delay : delay] -= correction / weight / (1 / weight).sum()
    return result


@pytest.mark.parametrize(
    "settings",
    [
        {"dimension": 5, "delay": 1, "manifold": 2, "neighbours": 50, "end_weight": 1e3},
        {"dimension": 7, "delay": 3, "manifold": 3, "neighbours": 20, "end_weight": 1e3},
        {"dimension": 4, "delay": 2, "manifold": 1, "neighbours": 30, "end_weight": 1.0},
    ],
)
def test_every_vector_is_corrected_by_the_formulas(settings: dict[str, Any]) -> None:
    x = noisy(henon(600), 0.05)
    np.testing.assert_allclose(reduce_noise(x, **settings), by_the_formulas(x, **settings), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("dimension", "delay", "manifold", "neighbours"), [(5, 1, 2, 50), (9, 2, 3, 20)])
def test_agrees_with_another_implementation(
    dimension: int, delay: int, manifold: int, neighbours: int
) -> None:
    pytest.importorskip("ghkss")  # it has no wheel for Linux on Arm
    from ghkss.filter import FilterConfig, filter_ghkss

    def other(x: Series, radius: float, iterations: int) -> Series:
        config = FilterConfig(
            iterations=iterations,
            projection_dimension=manifold,
            minimum_neighbour_count=neighbours,
            neighbour_epsilon=radius,
            tisean_epsilon_widening=True,
        )
        config.set_delay_vector_pattern(dimension, delay, 1)
        return np.asarray(filter_ghkss(x, config)[:, 0], dtype=np.float64)

    x = noisy(henon(2_000), 0.05)
    settings = {"dimension": dimension, "delay": delay, "manifold": manifold, "neighbours": neighbours}
    small = np.ptp(x) / 1000
    np.testing.assert_allclose(
        reduce_noise(x, iterations=3, **settings), other(x, small, 3), rtol=0, atol=1e-8
    )
    # The other one does not shrink a first radius that is enough; TISEAN does.
    wide = 0.2 * np.ptp(x)
    shrunk = other(other(x, wide, 1), wide / np.sqrt(2), 1)
    np.testing.assert_allclose(
        reduce_noise(x, iterations=2, min_radius=wide, **settings), shrunk, rtol=0, atol=1e-8
    )


EEG = {"dimension": 15, "delay": 1000, "manifold": 3, "neighbours": 50}


def test_agrees_with_an_iteration_of_tisean(recordings: Path) -> None:
    folder = recordings / "paper_chaosrnn" / "tisean_eeg"
    radius = np.ptp(np.loadtxt(folder / "eeg.dat.gz", skiprows=1)) / 1000
    before, after = (np.loadtxt(folder / f"eeg.dat.opt.{i}.gz") for i in (7, 8))  # printed to 7 digits
    assert np.abs(after - before).max() > 0.2
    np.testing.assert_allclose(reduce_noise(before, min_radius=radius, **EEG), after, rtol=0, atol=3e-6)


@pytest.mark.slow
def test_agrees_with_tisean_after_eight_iterations(recordings: Path) -> None:
    folder = recordings / "paper_chaosrnn" / "tisean_eeg"
    raw, after = np.loadtxt(folder / "eeg.dat.gz", skiprows=1), np.loadtxt(folder / "eeg.dat.opt.8.gz")
    np.testing.assert_allclose(reduce_noise(raw, iterations=8, **EEG), after, rtol=0, atol=6e-7)


def test_noise_falls_to_a_quarter() -> None:
    clean = henon(10_000)
    x = noisy(clean, 0.03)
    cleaned = reduce_noise(x, dimension=7, neighbours=20, iterations=3)
    assert (cleaned - clean).std() < (x - clean).std() / 4


def test_a_series_on_a_flat_surface_is_left_alone() -> None:
    x = np.sin(0.1 * np.arange(2_000)) + 3.0  # delays of a sine lie on a plane
    np.testing.assert_allclose(reduce_noise(x, iterations=2), x, rtol=0, atol=1e-11)


def test_what_fits_in_memory_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    x = noisy(henon(1_000), 0.05)
    whole = reduce_noise(x, iterations=2)
    np.testing.assert_array_equal(reduce_noise(x, iterations=2), whole)
    for name, value in (("BLOCK", 16), ("DISTANCES", 1_000), ("PAIRS", 5_000), ("KEPT", 9_000)):
        monkeypatch.setattr(noise_reduction, name, value)
        np.testing.assert_allclose(reduce_noise(x, iterations=2), whole, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"manifold": 5}, "manifold must be from 1 to 4"),
        ({"neighbours": 2}, "2 neighbours do not span 2 dimensions"),
        ({"delay": 0}, "delay and iterations must be at least 1, not 0 and 1"),
        ({"min_radius": 0.0}, "min_radius and end_weight must be above 0"),
        ({"delay": 20}, "a series of 100 points has 20 vectors of 5 × 20 steps, too few for 50 neighbours"),
        ({"delay": 30}, "has 0 vectors"),
    ],
)
def test_settings_without_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reduce_noise(henon(100), **settings)


def test_a_series_without_sense_is_refused() -> None:
    for series in (np.ones(100), np.r_[henon(100), np.nan], henon(100)[:, None]):
        with pytest.raises(ValueError, match="finite array"):
            reduce_noise(series)

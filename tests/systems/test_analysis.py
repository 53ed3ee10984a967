"""What is said of a series before training: known dimensions, and what TISEAN says of the same series."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.systems import get
from orchestrator.systems.analysis import near_pairs
from orchestrator.systems.analysis.correlation_dimension import correlation_sum
from orchestrator.systems.analysis.false_neighbours import false_neighbours, unfolding_dimension
from orchestrator.systems.analysis.mutual_information import (
    autocorrelation,
    first_fall,
    first_minimum,
    mutual_information,
)
from orchestrator.systems.analysis.surrogates import surrogate
from orchestrator.systems.embedding import embed

from .test_divergence import henon


def tisean(recordings: Path, name: str, *, skip: int = 0) -> NDArray[np.float64]:
    return np.loadtxt(recordings / "paper_chaosrnn" / "tisean_eeg" / f"{name}.gz", skiprows=skip)


def test_mutual_information_equals_that_of_tisean(recordings: Path) -> None:
    theirs = tisean(recordings, "eeg.dat.mut")[:, 1]
    ours = mutual_information(tisean(recordings, "eeg.dat", skip=1), max_lag=1000)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)  # as many digits as it prints


def test_mutual_information_of_what_is_known() -> None:
    wave = np.sin(2 * np.pi * np.arange(4000) / 40.0 + 0.3)  # no value on the border of a bin
    information = mutual_information(wave, max_lag=45)
    assert information[40] == pytest.approx(information[0], rel=1e-3)  # after a period all is known again
    noise = np.random.default_rng(0).random(200_000)
    assert mutual_information(noise, max_lag=3)[0] == pytest.approx(np.log(16), rel=1e-3)
    assert mutual_information(noise, max_lag=3)[1:].max() < 1e-3
    assert first_minimum(np.array([3.0, 2.0, 1.0, 1.5])) == 2
    assert first_minimum(np.array([3.0, 2.0, 1.0])) is None
    assert first_fall(autocorrelation(wave, max_lag=20), level=0.0) == 11
    assert autocorrelation(wave, max_lag=20)[20] == pytest.approx(-1.0, abs=0.01)
    with pytest.raises(ValueError, match="that varies"):
        mutual_information(np.ones(100), max_lag=3)
    with pytest.raises(ValueError, match="no lags up to 100"):
        mutual_information(wave[:100], max_lag=100)


def test_false_neighbours_equal_those_of_tisean(recordings: Path) -> None:
    theirs = tisean(recordings, "eeg_smoothed.dat.fnn")[:4, 1]
    series = tisean(recordings, "eeg_smoothed.dat", skip=1)
    ours = false_neighbours(series, delay=30, max_dimension=4, theiler=0, ratio=2.0)
    # Where neighbours lie closer than its first search radius, it counts less exactly.
    np.testing.assert_allclose(ours, theirs, rtol=0.03)
    assert ours[3] == pytest.approx(theirs[3], rel=1e-3)


def test_henon_and_lorenz_unfold_in_two_and_three_delays() -> None:
    share = false_neighbours(henon(10_000)[:, 0], delay=1, max_dimension=3, theiler=5)
    assert share[0] > 0.3
    assert unfolding_dimension(share) == 2
    x = get("lorenz63").states(n_points=20_000)[:, 0]
    assert unfolding_dimension(false_neighbours(x, delay=10, max_dimension=4, theiler=60)) == 3
    assert unfolding_dimension(np.array([0.9, 0.5])) is None


def test_correlation_dimensions_that_are_known() -> None:
    of_henon = correlation_sum(henon(20_000), theiler=5).plateau()
    assert of_henon is not None
    assert of_henon.dimension == pytest.approx(1.22, abs=0.03)
    lorenz = correlation_sum(get("lorenz63").states(n_points=50_000), theiler=60, references=1000).plateau()
    assert lorenz is not None
    assert lorenz.dimension == pytest.approx(2.05, abs=0.05)
    assert lorenz.standard_error < 0.05
    angle = np.random.default_rng(0).random(5000) * 2 * np.pi
    circle = correlation_sum(np.column_stack([np.cos(angle), np.sin(angle)]), theiler=0).plateau()
    assert circle is not None
    assert circle.dimension == pytest.approx(1.0, abs=0.02)


def test_correlation_sum_equals_that_of_tisean(recordings: Path) -> None:
    """Five delays of ten; of small radii TISEAN counts few pairs, so that only large ones can be compared."""
    path = recordings / "paper_chaosrnn" / "tisean_eeg" / "eeg.dat.c2.gz"
    blocks = gzip.decompress(path.read_bytes()).decode().split("#dim= ")
    theirs = np.loadtxt(blocks[5].splitlines()[1:])[::-1]
    theirs = theirs[theirs[:, 1] > 0.5]
    points = embed(tisean(recordings, "eeg.dat", skip=1), dimension=5, delay=10)
    ours = correlation_sum(points, theiler=0, radii=theirs[:, 0])
    assert len(theirs) > 15
    np.testing.assert_allclose(ours.share, theirs[:, 1], rtol=0.04)


@pytest.mark.parametrize(("dimension", "theiler"), [(1, 0), (3, 7), (5, 300)])
def test_near_pairs_are_the_same_compiled_and_by_trees(dimension: int, theiler: int) -> None:
    """Of rounded numbers, many of whose distances are radii."""
    points = np.cumsum(np.random.default_rng(0).normal(size=(3000, dimension)), axis=0).round(1)
    points += 100 - points.min(axis=0)
    references = np.arange(0, 3000, 17)
    radii = np.unique((np.ptp(points) * np.geomspace(1e-3, 0.5, 44)).round(1) + 0.1)
    counted = near_pairs.near_pairs(points, references, radii, theiler=theiler)
    by_trees = near_pairs._by_trees(points, references, radii, theiler=theiler)
    assert np.array_equal(counted, by_trees) and 0 < counted[-2] < counted[-1]


def test_correlation_sum_equals_brute_force_and_noise_has_no_low_dimension() -> None:
    walk = np.random.default_rng(0).standard_normal((500, 2)).cumsum(axis=0)
    radii = np.array([1.0, 2.0, 4.0, 8.0])
    distance = np.abs(walk[:, None] - walk).max(axis=2)
    apart = np.abs(np.subtract.outer(np.arange(500), np.arange(500))) > 20
    expected = [(distance[apart] <= radius).mean() for radius in radii]
    np.testing.assert_allclose(correlation_sum(walk, theiler=20, radii=radii).share, expected)
    noise = np.random.default_rng(0).standard_normal(20_000)
    in_six = correlation_sum(embed(noise, dimension=6, delay=1), theiler=5).plateau()
    assert in_six is None or in_six.dimension > 4.5


def test_surrogates_keep_values_and_spectrum_and_lose_the_dynamics() -> None:
    states = get("lorenz63").states(n_points=8_192)
    x = states[:, 0]
    other = surrogate(x[:, None], seed=1)[:, 0]
    np.testing.assert_array_equal(np.sort(other), np.sort(x))
    lags = autocorrelation(x, max_lag=100)
    np.testing.assert_allclose(autocorrelation(other, max_lag=100), lags, atol=0.03)
    assert not np.array_equal(other, surrogate(x[:, None], seed=2)[:, 0])
    of_all = surrogate(states, seed=1)  # the correlations of x, y and z at one time stay, too
    np.testing.assert_allclose(np.corrcoef(of_all.T), np.corrcoef(states.T), atol=0.03)
    unfolded = false_neighbours(x, delay=10, max_dimension=3, theiler=60)[2]
    assert false_neighbours(other, delay=10, max_dimension=3, theiler=60)[2] > 10 * max(unfolded, 1e-3)

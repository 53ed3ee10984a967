"""λ_max from data: neighbours against brute force, exponents against those that are known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.systems import get
from orchestrator.systems.analysis.divergence import kantz, rosenstein
from orchestrator.systems.analysis.exponent import (
    OTHER_RISES,
    SlopeSettings,
    other_slopes,
)
from orchestrator.systems.analysis.neighbours import nearest_neighbours
from orchestrator.systems.analysis.suggestion import suggest_settings
from orchestrator.systems.embedding import embed


def henon(n: int) -> NDArray[np.float64]:
    points = np.empty((n, 2))
    x, y = 0.1, 0.1
    for i in range(n):
        x, y = 1 - 1.4 * x * x + y, 0.3 * x
        points[i] = x, y
    return points[100:]


def test_nearest_neighbours_outside_the_theiler_window_equal_brute_force() -> None:
    walk = np.random.default_rng(0).standard_normal((400, 2)).cumsum(axis=0)  # neighbours in time are near
    distance = np.linalg.norm(walk[:, None] - walk, axis=2)
    distance[np.abs(np.subtract.outer(np.arange(400), np.arange(400))) <= 30] = np.inf
    found = nearest_neighbours(walk, theiler=30)
    np.testing.assert_allclose(distance[np.arange(400), found], distance.min(axis=1))
    assert (nearest_neighbours(walk, theiler=399) == -1).all()


def test_logistic_map_diverges_by_ln_2_a_step() -> None:
    x = np.empty(20_000)
    x[0] = 0.3
    for i in range(1, len(x)):
        x[i] = 4 * x[i - 1] * (1 - x[i - 1])
    slope = rosenstein(x[:, None], steps=8, theiler=5).slope((0, 5))
    assert slope.value == pytest.approx(math.log(2), abs=0.03)
    assert slope.standard_error < 0.02


def test_kantz_agrees_where_neighbourhoods_are_small() -> None:
    x = henon(20_000)[:, 0]
    curve = kantz(embed(x, dimension=2, delay=1), steps=12, theiler=5, radius=0.01, watched=x[1:])
    assert curve.slope((1, 6)).value == pytest.approx(0.419, abs=0.03)
    with pytest.raises(ValueError, match="no point has 5 neighbours within 1e-09"):
        kantz(embed(x, dimension=2, delay=1), steps=12, theiler=5, radius=1e-9)


def test_henon_from_one_variable_has_the_published_exponent() -> None:
    curve = rosenstein(embed(henon(20_000)[:, 0], dimension=2, delay=1), steps=15, theiler=5)
    assert curve.slope((1, 7)).value == pytest.approx(0.419, abs=0.03)


def test_lorenz_is_found_within_a_tenth_and_the_window_matters() -> None:
    system = get("lorenz63")
    curve = rosenstein(system.states(n_points=30_000), steps=450, theiler=60)
    assert curve.slope((20, 100)).value / system.dt == pytest.approx(1.50, rel=0.1)
    suggested = curve.slope(curve.straight_part())
    assert suggested.value / system.dt == pytest.approx(1.50, rel=0.15)
    assert curve.slope((400, 450)).value < 0.5 * suggested.value  # the plateau: as far apart as can be


@pytest.mark.parametrize(
    ("name", "known", "off"),
    [("lorenz63", 1.505, 0.06), ("roessler", 0.0892, 0.06), ("duffing", 0.1298, 0.2)],
)
def test_across_the_flow_the_exponent_is_found_and_the_window_matters_little(
    name: str, known: float, off: float
) -> None:
    """Duffing's by medians alone: means are off by a third and more."""
    system = get(name)
    points = system.observe(system.states(n_points=20_000))
    settings = suggest_settings(points)
    assert settings.across_flow
    curve = settings.curve(points, references=4_000)
    slopes = [curve.slope(curve.straight_part(*rise)).value / system.dt for rise in ((0.1, 0.5), (0.3, 0.7))]
    assert slopes == pytest.approx([known, known], rel=off)
    plain = replace(settings, across_flow=False).curve(points, references=4_000)
    assert plain.slope(plain.straight_part()).value / system.dt < 0.92 * known


def test_what_else_could_be_read_off_includes_plain_distances() -> None:
    points = get("lorenz63").states(n_points=5_000)
    settings = SlopeSettings(theiler=97, steps=400, across_flow=True)
    curve, plain = settings.curve(points), replace(settings, across_flow=False).curve(points)
    slopes = [one.slope(one.straight_part(*rise)).value for one in (curve, plain) for rise in OTHER_RISES]
    assert other_slopes(points, settings, curve) == (min(slopes), max(slopes))


def test_what_is_no_finely_sampled_flow_has_no_direction_to_be_taken_across() -> None:
    lorenz = get("lorenz63").states(n_points=20_000)
    noise = np.random.default_rng(0).standard_normal((5_000, 3))
    still = np.repeat(henon(2_000), 3, axis=0)  # at rest two times of three
    twice = lorenz[:5_000, :1] * [1.0, 2.0]  # on a line
    assert [suggest_settings(lorenz[::every]).across_flow for every in (1, 2, 4, 6)] == [
        True,
        True,
        False,
        False,
    ]
    for series in (henon(5_000), henon(5_000)[:, :1], noise, still, twice):
        assert not suggest_settings(series).across_flow
    with pytest.raises(ValueError, match="nothing across the flow"):
        rosenstein(henon(5_000)[:, :1], steps=10, theiler=5, across_flow=True)


def test_recordings_without_it_are_what_they_were() -> None:
    """Their definition is hashed: a key that is not used must not enter it."""
    assert "across_flow" not in get("eeg_published").definition()["exponents"]


def test_embedding_and_what_it_refuses() -> None:
    np.testing.assert_array_equal(
        embed(np.arange(6.0), dimension=3, delay=2), [[4.0, 2.0, 0.0], [5.0, 3.0, 1.0]]
    )
    with pytest.raises(ValueError, match="no embedding of 3 × 3 steps"):
        embed(np.arange(6.0), dimension=3, delay=3)
    with pytest.raises(ValueError, match="100 points are too few"):
        rosenstein(np.zeros((100, 1)), steps=50, theiler=30)
    with pytest.raises(ValueError, match="finite"):
        rosenstein(np.full((100, 1), np.nan), steps=5, theiler=3)


def test_curve_equals_that_of_tisean(recordings: Path) -> None:
    """lyap_r with dimension 8, delay 30 on a smoothed EEG; its Theiler window is not recorded."""
    folder = recordings / "paper_chaosrnn" / "tisean_eeg"
    series = np.loadtxt(folder / "eeg_smoothed.dat.gz", skiprows=1)
    theirs = np.loadtxt(folder / "eeg_smoothed.dat.ros_m8_d30.gz")[:, 1]
    scaled = (series - series.min()) / np.ptp(series)
    ours = rosenstein(embed(scaled, dimension=8, delay=30), steps=len(theirs) - 1, theiler=500).log_distance
    assert np.abs(ours - theirs).max() < 0.03  # of a rise by 2.7
    rise = np.polyfit(np.arange(300), theirs[100:400], 1)[0]
    assert np.polyfit(np.arange(300), ours[100:400], 1)[0] == pytest.approx(rise, rel=0.02)

"""Series in parts: nothing that goes from one time to later ones goes across a break."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.systems import Recorded, SeriesError, get
from orchestrator.systems.analysis.divergence import kantz, rosenstein
from orchestrator.systems.analysis.exponent import SlopeSettings, estimate
from orchestrator.systems.analysis.overview import overview
from orchestrator.systems.analysis.suggestion import suggest_settings
from orchestrator.systems.base import FloatArray
from orchestrator.systems.dataset import Dataset, generate, load
from orchestrator.systems.hashing import content_hash, trajectory_hash
from orchestrator.systems.measures import MeasureSet
from orchestrator.systems.parts import Parts, joined
from orchestrator.systems.preparation import prepare_parts, step

LENGTHS = (700, 300, 1_500, 500)


@cache
def lorenz() -> FloatArray:
    return get("lorenz63").trajectory(1, n_points=40_000)


def recordings(*lengths: int) -> FloatArray:
    """So many stretches of one trajectory, far from each other."""
    starts = np.linspace(0, 40_000 - max(lengths), len(lengths)).astype(int)
    return np.concatenate([lorenz()[at : at + n] for at, n in zip(starts, lengths, strict=True)])


def system(series: FloatArray, *, parts: tuple[int, ...] = LENGTHS, test: int = 0) -> Recorded:
    return Recorded(
        name="mine", description="", source="", variables=("x", "y", "z"), dt=0.01, digest="0",
        n_points=len(series) - test, test_points=test, read=lambda: series, raw_points=len(series),
        raw_parts=parts, raw_dt=0.01, columns=("x", "y", "z"),
        slope=SlopeSettings(theiler=20, steps=100, window=(20, 90)),
    )  # fmt: skip


def test_starts_are_all_places_with_so_many_steps_to_go_and_no_other() -> None:
    parts = Parts((4, 1, 3))
    assert str(parts) == "3 of 1 to 4 points" and str(Parts((5, 5))) == "2 of 5 points"
    assert parts.starts(0).tolist() == list(range(8))
    assert parts.starts(2).tolist() == [0, 1, 5]
    assert parts.starts(4).tolist() == []
    assert (
        parts.first(5) == Parts((4, 1))
        and parts.first(6) == Parts((4, 1, 1))
        and parts.last(2) == Parts((2,))
    )
    assert parts.breaks_at(4) and parts.breaks_at(5) and not parts.breaks_at(6)
    assert [len(part) for part in parts.split(np.zeros((8, 2)))] == [4, 1, 3]
    for steps, count in ((0, 3), (7, 10), (99, 4)):  # of one part: what was drawn before there were several
        one = Parts((1_000,)).spread(steps, count)
        assert one.tolist() == np.linspace(0, 999 - steps, count).astype(np.int64).tolist()


def test_each_part_is_prepared_by_itself() -> None:
    series, parts = np.arange(60.0)[:, None], Parts((40, 20))
    given = [step("smooth", sigma=1.0), step("subsample", every=2), step("embed", dimension=2, delay=3)]
    prepared, left = prepare_parts(series, parts, given)
    alone = [prepare_parts(part, Parts.of(part), given)[0] for part in parts.split(series)]
    assert left == Parts((17, 7))
    np.testing.assert_array_equal(prepared, np.concatenate(alone))
    with pytest.raises(ValueError, match="part 2: step 1, crop"):
        prepare_parts(series, parts, [step("crop", first=30)])


@pytest.mark.parametrize("across_flow", [False, True])
def test_neighbours_are_followed_as_far_as_their_part_goes(across_flow: bool) -> None:
    """How far apart the parts lie does not matter, as it does for a distance that is taken across a break."""
    series, parts = recordings(*LENGTHS), Parts(LENGTHS)

    def apart(by: float) -> FloatArray:
        return np.concatenate([part + by * k for k, part in enumerate(parts.split(series))])

    how: dict[str, Any] = {"steps": 100, "theiler": 20, "across_flow": across_flow}
    curve, other = (rosenstein(apart(by), **how, parts=parts) for by in (1e3, 2e3))
    np.testing.assert_allclose(curve.log_distance, other.log_distance, atol=1e-6)
    blind, other = (rosenstein(apart(by), **how) for by in (1e3, 2e3))
    assert np.abs(blind.log_distance - other.log_distance).max() > (0.0 if across_flow else 0.01)
    assert curve.pairs == sum(length - 100 for length in LENGTHS)
    near, other = (
        kantz(apart(by), steps=50, theiler=20, radius=10.0, at_least=1, parts=parts) for by in (1e3, 2e3)
    )
    np.testing.assert_allclose(near.log_distance, other.log_distance, atol=1e-6)
    one = rosenstein(series, steps=100, theiler=20, parts=Parts.of(series))
    np.testing.assert_array_equal(one.log_distance, rosenstein(series, steps=100, theiler=20).log_distance)


def test_an_exponent_is_that_of_all_parts() -> None:
    """1.505 of Lorenz-63, from ten recordings of 2,000 points; taken for one series it is not."""
    series, parts = recordings(*[2_000] * 10), Parts((2_000,) * 10)
    settings = suggest_settings(series, parts=parts)
    slope = settings.slope(settings.curve(series, parts=parts))
    assert slope.value / 0.01 == pytest.approx(1.505, rel=0.15)
    few = recordings(*[1_000] * 4)
    noise = estimate(few, SlopeSettings(theiler=20, steps=100, window=(20, 90)), parts=Parts((1_000,) * 4))
    assert noise.stands_out and all(curve.pairs == 4 * 900 for curve in noise.surrogate_curves)


def test_data_keep_their_parts_and_are_cut_where_they_are_tested(tmp_path: Path) -> None:
    whole = system(recordings(*LENGTHS), test=1_000)
    assert whole.n_points == 2_000 and whole.gap == 0
    assert len(whole.trajectory(0)) == 2_000 and len(whole.trajectory(1)) == 1_000
    longer = system(recordings(*LENGTHS), test=2_000)
    assert len(longer.trajectory(0)) == 1_000 and len(longer.trajectory(1)) == 2_000
    data = load(whole, cache=tmp_path)
    assert data.train_parts == Parts((700, 300, 1_000)) and data.test_parts == Parts((500, 500))
    again = load(whole, cache=tmp_path)
    assert (again.train_parts, again.test_parts) == (data.train_parts, data.test_parts)
    assert whole.longest_sequence == 1_000
    at = data.starts(600)
    assert at is not None and at.tolist() == [*range(100), *range(1_000, 1_400)]
    one = system(recordings(*LENGTHS), parts=(), test=1_000)
    assert load(one, cache=None).starts(600) is None
    assert content_hash(one) != content_hash(whole) and trajectory_hash(one) != trajectory_hash(whole)
    with pytest.raises(ValueError, match="parts of 3000, 1 points are not 3000 in all"):
        dataclasses.replace(one, raw_parts=(3_000, 1))


def test_what_an_embedding_holds_of_both_is_left_out_only_where_a_part_is_cut() -> None:
    x = recordings(*LENGTHS)[:, :1]
    common = dict(
        name="mine", description="", source="", variables=("a", "b"), dt=0.01, read=lambda: x, digest="0",
        raw_points=3_000, raw_parts=LENGTHS, raw_dt=0.01, columns=("x",),
        steps=(step("embed", dimension=2, delay=10),), slope=SlopeSettings(theiler=20, steps=100),
    )  # fmt: skip
    cut = Recorded(**common, n_points=2_960 - 10 - 600, test_points=600)  # type: ignore[arg-type]
    assert cut.gap == 10 and cut.parts_of(1) == Parts((110, 490))
    at_break = Recorded(**common, n_points=2_470, test_points=490)  # type: ignore[arg-type]
    assert at_break.gap == 0 and at_break.parts_of(0) == Parts((690, 290, 1_490))


def test_an_exponent_is_of_rows_that_are_trained_on_alone() -> None:
    """Of unequal parts, each of which loses as many points to its embedding."""
    lengths = (5_000, 2_000, 1_000, 500, 500, 400, 300)
    x = recordings(*lengths)[:, :1]
    steps = (step("embed", dimension=5, delay=20),)
    prepared = sum(lengths) - 80 * len(lengths)
    for test in (1_000, 1_820, 3_000):
        at_break = Parts(tuple(length - 80 for length in lengths)).breaks_at(prepared - test)
        mine = Recorded(
            name="mine", description="", source="", variables=tuple("abcde"), dt=0.01,
            read=lambda: x, digest="0", test_points=test, raw_points=sum(lengths),
            n_points=prepared - test - (0 if at_break else 80), raw_parts=lengths, raw_dt=0.01,
            columns=("x",), steps=steps, slope=SlopeSettings(theiler=20, steps=100),
        )  # fmt: skip
        again, parts = prepare_parts(mine.learned(), mine.learned_parts, steps)
        assert parts == mine.parts_of(0)
        np.testing.assert_array_equal(again, mine.states(0))


def test_spectra_are_of_the_longest_part() -> None:
    series, parts = recordings(2_000, 6_000, 3_000), Parts((2_000, 6_000, 3_000))
    of_parts, of_longest = MeasureSet(series, parts=parts), MeasureSet(series[2_000:8_000])
    run = lorenz()[20_000:30_000]
    for preset in ("orch", "published"):
        for measure in ("d_h", "psc"):
            score = of_parts.evaluate(run)[preset][measure]
            assert score == of_longest.evaluate(run)[preset][measure]
    assert of_parts.evaluate(run)["orch"]["d_stsp"] == MeasureSet(series).evaluate(run)["orch"]["d_stsp"]
    again = of_parts.evaluate(series, parts=parts)["orch"]
    assert again["d_h"] == pytest.approx(0.0, abs=1e-6) and again["psc"] == pytest.approx(1.0)


def test_an_overview_takes_the_parts_into_account() -> None:
    found = overview(system(recordings(*[1_500] * 4), parts=(1_500,) * 4))
    assert found.parts == Parts((1_500,) * 4) and found.exponent is not None
    assert found.exponent.curve.pairs == 4 * 1_400
    np.testing.assert_array_equal(found.snippet, recordings(*[1_500] * 4)[:1_500])


def test_too_short_parts_are_said_so() -> None:
    short = dataclasses.replace(system(recordings(*[60] * 50), parts=(60,) * 50))
    with pytest.raises(SeriesError, match=r"λ_max cannot be estimated: .* too few"):
        generate(short)


def test_joined_parts_are_what_they_were() -> None:
    series, parts = joined([np.ones((2, 1)), np.zeros((3, 1))])
    assert parts == Parts((2, 3)) and series[:, 0].tolist() == [1, 1, 0, 0, 0]
    assert isinstance(generate(system(recordings(*LENGTHS))), Dataset)

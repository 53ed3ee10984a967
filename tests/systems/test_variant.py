"""Systems with other settings, by name: one name each, and what they give."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from orchestrator.systems import DataError, Flow, System, VariantError, get, vary
from orchestrator.systems.dataset import generate, load
from orchestrator.systems.exponents import ExponentSettings
from orchestrator.systems.hashing import content_hash, trajectory_hash


def small(name: str) -> Flow:
    system = get(name)
    assert isinstance(system, Flow)
    quick = ExponentSettings(members=64, time=20.0, transient=5.0)
    return dataclasses.replace(system, n_points=3_000, transient_time=20.0, exponent_settings=quick)


def test_a_variant_has_one_name_however_it_is_written_and_none_where_nothing_changes() -> None:
    written = "lorenz63( noise = 5e-2,rho=28.0 )", "lorenz63(sigma=16, rho=28, noise=0.05)"
    for name in written:
        assert get(name).name == "lorenz63(rho=28, noise=0.05)"
        assert get(name) == get(get(name).name)
    assert vary("lorenz63(rho=28)", {"noise": 0.05}) == get(written[0])
    assert vary("lorenz63(rho=28)", {"rho": 45.92}) == get("lorenz63(rho=45.92)") == get("lorenz63")
    hashes = {content_hash(get(name)) for name in (*written, "lorenz63", "lorenz63(rho=28)")}
    assert len(hashes) == 3
    assert len({trajectory_hash(get(f"lorenz63({one})")) for one in ("noise=0.1", "train_points=500")}) == 2
    assert get(written[0]).file_name == "lorenz63_rho=28,_noise=0.05_"
    assert get("lorenz63(rho=-0.0)").name == "lorenz63(rho=0)"
    numbers = ", ".join(
        f"{key}={value * 1.0123456789012345!r}" for key, value in get("duffing").constants.items()
    )
    long = get(f"duffing({numbers}, noise=0.1)"), get(f"duffing({numbers}, noise=0.2)")
    assert len({system.file_name for system in long}) == 2 and all(len(one.file_name) <= 120 for one in long)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lorenz63(rh=28)", r"no such setting: did you mean rho\? it has sigma, rho, beta, dt, train_points"),
        ("lorenz63(rho)", "expected NAME.KEY=NUMBER"),
        ("lorenz63()", "expected NAME.KEY=NUMBER"),
        ("lorenz63(rho=28", "expected NAME.KEY=NUMBER"),
        ("lorenz63(rho=28, rho=29)", "expected NAME.KEY=NUMBER"),
        ("lorenz63(rho=28)(noise=1)", "expected NAME.KEY=NUMBER"),
        ("lorenz63(rho=inf)", "a finite number"),
        ("lorenz63(dt=1)", "expected 0.0005 to 0.2"),
        (
            "lorenz63(rh=1, dt=1, noise=-1)",
            "rh=1: there is .*; dt=1: expected 0.0005 to 0.2; noise=-1: expected",
        ),
        ("lorenz63(noise=-1)", "expected 0 to 10, in SDs"),
        ("lorenz63(train_points=200000)", "a whole number from 100 to 100000"),
        ("lorenz63(train_points=500.5)", "a whole number from 100 to 100000"),
        ("henon(dt=2)", "no such setting"),
        (
            "mackey_glass(rho=3)",
            "dt 0.04 is no multiple of .* 0.03, which is rho / 100; dt=0.03 is the nearest",
        ),
        ("mackey_glass(rho=0)", "rho, the delay, must be above 0, not 0"),
        ("mackey_glass(rho=-2)", "rho, the delay, must be above 0, not -2"),
        ("mackey_glass(rho=0.0002)", "dt 0.04 is more than 10000 steps of integration"),
        ("jena(noise=0.1)", "of a recording nothing can be set"),
        ("lorentz63(rho=28)", "unknown system 'lorentz63': did you mean 'lorenz63'"),
    ],
)
def test_what_is_no_variant_is_said_so(name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        get(name)


def test_other_parameters_are_other_equations_with_their_own_exponents() -> None:
    """The usual Lorenz attractor: λ_max 0.9056 (Sprott 2003), and exponents add up to −(σ + 1 + β)."""
    beta = 8 / 3
    system = small(f"lorenz63(sigma=10, rho=28, beta={beta!r})")
    np.testing.assert_allclose(
        system.rhs(np.array([1.0, 2.0, 3.0])), [10.0, 1.0 * (28.0 - 3.0) - 2.0, 2.0 - beta * 3.0]
    )
    spectrum = system.spectrum(system.states())
    assert spectrum.exponents[0] == pytest.approx(0.9056, abs=4 * spectrum.standard_errors[0])
    assert sum(spectrum.exponents) == pytest.approx(-(10 + 1 + beta), abs=1e-3)


def test_exponents_that_cannot_be_had_are_said_so() -> None:
    stiff = dataclasses.replace(get("roessler(c=100)"), n_points=500, transient_time=10.0)
    with pytest.raises(DataError, match=r"no exponents of 'roessler\(c=100\)' can be had by steps of 0.02"):
        stiff.spectrum(stiff.states())


def test_an_attractor_that_is_a_point_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"lorenz63\(rho=10\)' comes to rest, at a fixed point: x does not move"
    ):
        generate(dataclasses.replace(get("lorenz63(rho=10)"), n_points=2_000))


def test_noise_is_on_what_is_trained_on_alone_and_only_its_amount_differs() -> None:
    clean, little, much = (
        small("lorenz63" + name).trajectory() for name in ("", "(noise=0.1)", "(noise=0.3)")
    )
    np.testing.assert_allclose(much - clean, 3 * (little - clean), atol=1e-9)
    np.testing.assert_allclose((little - clean).std(axis=0), 0.1 * clean.std(axis=0), rtol=0.05)
    np.testing.assert_array_equal(small("lorenz63").trajectory(1), small("lorenz63(noise=0.3)").trajectory(1))
    # Of a delay equation one value is measured once, and stands in several columns.
    delays = dataclasses.replace(get("mackey_glass(noise=0.2)"), n_points=1_500, transient_time=40.0)
    rows, lag = delays.trajectory(), delays.lag  # type: ignore[attr-defined]
    np.testing.assert_array_equal(rows[lag:, 1], rows[:-lag, 0])


def test_networks_are_scored_by_the_whole_truth_whatever_they_are_trained_on(tmp_path: Path) -> None:
    clean = generate(small("lorenz63"))
    noisy = load(small("lorenz63(noise=0.2, train_points=1000)"), cache=tmp_path)
    assert noisy.train.shape == (1_000, 3) and noisy.scored_train.shape == noisy.test.shape == (3_000, 3)
    assert noisy.n_points == clean.n_points == 3_000
    # In SDs of the whole without noise, as what networks are scored by is.
    for name in ("mean", "sd", "test", "scored_train", "scored_test"):
        np.testing.assert_array_equal(getattr(noisy, name), getattr(clean, name))
    np.testing.assert_equal((noisy.floors, noisy.ceilings), (clean.floors, clean.ceilings))
    series = small("lorenz63(noise=0.2, train_points=1000)").trajectory()
    np.testing.assert_allclose(noisy.train * noisy.sd + noisy.mean, series, atol=1e-9)
    assert len(small("lorenz63(train_points=1000)").trajectory(1)) == 3_000
    few = small("lorenz63(noise=0.2, train_points=1000)").trajectory(n_points=50)
    np.testing.assert_array_equal(few, series[:50])
    assert noisy.spectrum == clean.spectrum
    assert noisy.parameters == {**clean.parameters, "noise": 0.2, "train_points": 1000.0}
    again = load(small("lorenz63(noise=0.2, train_points=1000)"), cache=tmp_path)
    for name in ("train", "test", "scored_train", "scored_test"):
        np.testing.assert_array_equal(getattr(again, name), getattr(noisy, name))


def test_what_is_scored_in_all_states_is_so_with_noise_too() -> None:
    partial: System = small("lorenz63_partial(noise=0.2)")
    data = generate(partial)
    assert data.train.shape == (3_000, 2) and data.scored_train.shape == (3_000, 3)
    np.testing.assert_allclose(data.scored_train.std(axis=0), 1.0)


def test_systems_of_the_package_dysts_keep_their_equations() -> None:
    pytest.importorskip("dysts")
    assert get("dysts:Thomas(noise=0.1)").settings == {"train_points": 100_000, "noise": 0.1}
    with pytest.raises(VariantError, match="it has train_points, noise"):
        get("dysts:Thomas(b=0.1)")
    wandering = get("dysts:SprottDelay(noise=0.1)")
    assert np.abs(wandering.observe(np.array([[9.0]] * 500))).max() <= 1.0

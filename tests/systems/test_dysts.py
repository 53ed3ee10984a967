"""The collection `dysts`: read as it is, exponents where the answer is exact, and what its absence says."""

from __future__ import annotations

import dataclasses
import sys
import warnings

import numpy as np
import pytest

from orchestrator.systems import collection, collection_source, lorenz63, mackey_glass
from orchestrator.systems.adaptive import AdaptiveSettings, lyapunov_spectrum
from orchestrator.systems.base import DataError, FloatArray, System
from orchestrator.systems.collected import CollectedDelay, CollectedFlow, CollectionError

pytest.importorskip("dysts")

QUICK = AdaptiveSettings(members=24, precision=0.2)


def get(name: str) -> System:
    system = collection.get(f"dysts:{name}")
    assert system is not None
    return system


def flow(name: str) -> CollectedFlow:
    system = get(name)
    assert isinstance(system, CollectedFlow)
    return system


def test_names_are_found_without_importing_the_package() -> None:
    names = collection.names()
    assert "dysts:Thomas" in names and len(names) > 100 and list(names) == sorted(names)
    assert get("Thomas").name == "dysts:Thomas" and "dysts" in get("Thomas").source
    assert collection.get("lorenz63") is None
    assert "dysts.flows" not in sys.modules


def test_unknown_name_gets_a_hint() -> None:
    with pytest.raises(CollectionError, match="did you mean 'dysts:Thomas'"):
        collection.get("dysts:thomas")
    with pytest.raises(DataError, match="did you mean 'dysts:Lorenz'"):
        collection.get("dysts:Lorens")


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "table", dict)
    assert collection.names() == () and collection.get("lorenz63") is None
    with pytest.raises(CollectionError, match=r"pip install 'orch-dsr\[dysts\]'"):
        collection.get("dysts:Thomas")


def test_lorenz_is_ours_and_differences_are_its_jacobian() -> None:
    system = flow("Lorenz")
    states = system.states(n_points=50)
    ours = lorenz63.derivatives(*states.T, **system.parameters)
    np.testing.assert_allclose(system.rhs(states), np.transpose(ours), rtol=1e-12, atol=1e-12)
    ours_then = dataclasses.replace(system, partials=lorenz63.partials).jacobian(states)
    np.testing.assert_allclose(system.jacobian(states), ours_then, atol=1e-8 * np.abs(ours_then).max())


def test_mackey_glass_is_ours() -> None:
    system = get("MackeyGlass")
    assert isinstance(system, CollectedDelay)
    others = {key: value for key, value in system.parameters.items() if key != "tau"}
    x, delayed = np.linspace(0.2, 1.4, 7), np.linspace(1.3, 0.3, 7)
    np.testing.assert_allclose(
        system.derivative(x, delayed, **others), mackey_glass.derivative(x, delayed, **others), rtol=1e-12
    )
    for found, exact in zip(
        system.partials(x, delayed, **others), mackey_glass.partials(x, delayed, **others), strict=True
    ):
        np.testing.assert_allclose(found, exact, atol=1e-8)
    assert system.trajectory(n_points=20).shape == (20, 10)


def test_thomas_contracts_by_its_damping_and_is_neutral_along_the_flow() -> None:
    system = dataclasses.replace(flow("Thomas"), adaptive_settings=QUICK)
    spectrum = system.spectrum(system.states(n_points=5_000))
    assert sum(spectrum.exponents) == pytest.approx(-3 * system.parameters["a"], rel=1e-4)
    assert spectrum.exponents[1] == pytest.approx(0.0, abs=5 * spectrum.standard_errors[1])
    assert 0.4 < spectrum.exponents[0] < 0.6  # the package's table has 0.63 and 0.76


def test_driven_system_has_its_phase_among_the_states_and_bounded_data() -> None:
    system = flow("Duffing")
    assert system.variables == ("x", "y", "z_bounded") and system.state_variables == ("x", "y", "z")
    states = system.states(1, n_points=500)
    assert np.ptp(states[:, 2]) > 20
    np.testing.assert_array_equal(system.observe(states)[:, 2], np.cos(states[:, 2]))
    divergence = np.trace(system.jacobian(states), axis1=1, axis2=2)
    np.testing.assert_allclose(divergence, -system.parameters["delta"], atol=1e-8)


def test_time_in_the_equations_is_a_state() -> None:
    system = flow("Torus")
    assert system.variables == ("x", "y", "z") and system.state_variables == ("x", "y", "z", "t")
    data = dataclasses.replace(system, transient_time=0.0).trajectory(n_points=1_000)
    a, r = system.parameters["a"], system.parameters["r"]
    around = np.array(
        [data[0, 0] - r - a, data[0, 1], data[0, 2]]
    )  # starts off the torus that it is named for
    x, y, z = (data - around).T
    np.testing.assert_allclose((np.hypot(x, y) - r) ** 2 + z**2, a**2, atol=1e-6)


def test_transient_chaos_is_an_error() -> None:
    with pytest.raises(CollectionError, match="comes to rest"):
        get("PanXuZhou").states(n_points=500)


def test_starts_stay_on_their_side_of_an_invariant_plane() -> None:
    system = flow("CoevolvingPredatorPrey")
    starts = system._spread(np.tile([1e-7, 0.5, 0.5], (1_000, 1)), 0)
    assert (starts[:, 0] > 0).all() and np.ptp(starts[:, 0]) > 0


def test_identity_follows_the_equations_text_but_not_its_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    path, text, nodes = collection_source._source()
    before = collection_source.digest("ThomasLabyrinth")
    assert get("ThomasLabyrinth").definition()["code"] == before

    def becomes(old: str, new: str) -> str:
        assert old in text
        changed = text.replace(old, new, 1)
        monkeypatch.setattr(collection_source, "_source", lambda: (path, changed, nodes))
        return collection_source.digest("ThomasLabyrinth")

    line = "xdot = -a * x + b * np.sin(y)"
    assert becomes(line, line + "  # friction") == before
    assert becomes(line, "xdot = -a * x + b * np.cos(y)") != before  # of its base class


def test_linear_system_has_its_eigenvalues_as_exponents() -> None:
    matrix = np.array([[0.5, 3.0, 0.0], [0.0, -2.0, 1.0], [0.0, 0.0, -300.0]])  # triangular and stiff
    spectrum = lyapunov_spectrum(
        lambda u: u @ matrix.T,
        lambda u: np.broadcast_to(matrix, (*u.shape, 3)),
        initial_states=np.random.default_rng(3).standard_normal((4, 3)),
        scales=np.ones(3),
        unit=1.0,
        settings=AdaptiveSettings(),
    )
    np.testing.assert_allclose(spectrum.exponents, (0.5, -2.0, -300.0), rtol=1e-4)


def test_growth_in_proportion_to_time_is_no_chaos() -> None:
    """u̇ = 0, v̇ = u: both exponents are 0, what is seen in a finite time is not, and hardly scatters."""
    matrix = np.array([[0.0, 0.0], [1.0, 0.0]])
    spectrum = lyapunov_spectrum(
        lambda u: u @ matrix.T,
        lambda u: np.broadcast_to(matrix, (*u.shape, 2)),
        initial_states=np.random.default_rng(3).standard_normal((64, 2)),
        scales=np.ones(2),
        unit=1.0,
        settings=AdaptiveSettings(),
    )
    assert 0 < spectrum.exponents[0] < 2 * spectrum.standard_errors[0]


def test_solution_that_leaves_the_others_is_an_error() -> None:
    """ẍ = −x³: quick where x is large. One member begins far outside."""
    starts = np.full((8, 2), 1.0)
    starts[0] = 1e3
    with pytest.raises(FloatingPointError, match=r"1 of 8 solutions .* times the attractor's size"):
        lyapunov_spectrum(
            lambda u: np.stack([u[:, 1], -(u[:, 0] ** 3)], axis=1),
            lambda u: (
                np.array([[0.0, 1.0], [0.0, 0.0]])
                + np.einsum("m,ij->mij", -3 * u[:, 0] ** 2, [[0, 0], [1, 0]])
            ),
            initial_states=starts,
            scales=np.ones(2),
            unit=1.0,
            settings=AdaptiveSettings(most_steps=500),
        )


def test_kinks_are_followed() -> None:
    """ẍ = −k x − c ẋ with k 4 where x < 0, else 1: a half turn of either is −exp(−c t/2) times 1."""
    c = 0.2
    period = np.pi / np.sqrt(1 - c**2 / 4) + np.pi / np.sqrt(4 - c**2 / 4)

    def jacobian(u: FloatArray) -> FloatArray:
        out = np.zeros((len(u), 2, 2))
        out[:, 0, 1], out[:, 1, 1], out[:, 1, 0] = 1.0, -c, np.where(u[:, 0] < 0, -4.0, -1.0)
        return out

    spectrum = lyapunov_spectrum(
        lambda u: np.einsum("mij,mj->mi", jacobian(u), u),
        jacobian,
        initial_states=np.random.default_rng(3).standard_normal((8, 2)),
        scales=np.ones(2),
        unit=period,
        settings=AdaptiveSettings(alignment=0.05),
    )
    np.testing.assert_allclose(spectrum.exponents, -c / 2, atol=1e-4)


def test_solution_that_explodes_is_an_error() -> None:
    with pytest.raises(FloatingPointError, match="no step is small enough"):
        lyapunov_spectrum(
            lambda u: u**3,
            lambda u: 3 * u[..., None] ** 2,
            initial_states=np.ones((2, 1)),
            scales=np.ones(1),
            unit=1.0,
            settings=AdaptiveSettings(),
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", collection.names())
def test_every_system_is_the_packages_and_runs(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flows = pytest.importorskip("dysts.flows")
    system = collection.get(name)
    short = dataclasses.replace(system, transient_time=20 * system.dt)
    data = short.trajectory(1, n_points=300)
    assert data.shape == (300, system.dimension) and np.isfinite(data).all()
    theirs = getattr(flows, name.removeprefix("dysts:"))()
    assert len(system.source) > 10
    if (
        isinstance(system, CollectedFlow)
        and system.equations.removeprefix("dysts:") not in collection_source.JUMPS
    ):
        state = short.states(n_points=2)[-1]
        n = len(theirs.ic)
        time = float(state[-1]) if len(state) > n else 0.0
        np.testing.assert_allclose(system.rhs(state)[:n], np.array(theirs(state[:n], time), float), rtol=1e-9)
        post = getattr(theirs, "_postprocessing", None)
        if post is not None:
            np.testing.assert_allclose(system.observe(state[None])[0], np.array(post(*state)), rtol=1e-9)

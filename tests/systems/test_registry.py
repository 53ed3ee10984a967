"""Systems by name, and what a declaration of a system promises."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from orchestrator.systems import Flow, Map, UnknownSystemError, get, names
from orchestrator.systems.equations import Equations
from orchestrator.systems.integrate import IntegrationError, trajectory
from orchestrator.systems.map import MapError
from orchestrator.systems.raw import data_folder


def test_both_lorenz_systems_are_there() -> None:
    assert {"lorenz63", "lorenz63_published"} <= set(names())
    assert get("lorenz63").constants == {"sigma": 16.0, "rho": 45.92, "beta": 4.0}
    assert get("lorenz63_published").constants == {"sigma": 10.0, "rho": 38.0, "beta": 8 / 3}


def test_unknown_system_suggests_the_nearest_name() -> None:
    with pytest.raises(
        UnknownSystemError, match=r"unknown system 'lorenz36': did you mean 'lorenz63'\?"
    ) as caught:
        get("lorenz36")
    assert isinstance(caught.value, LookupError)
    assert caught.value.name == "lorenz36"
    assert caught.value.known == names()
    assert f"are looked for in {data_folder()}, by ORCH_DATA or else ./data" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # crosses process borders


def lorenz63() -> Flow:
    system = get("lorenz63")
    assert isinstance(system, Flow)
    return system


@pytest.mark.parametrize("name", [name for name in names() if isinstance(get(name), Equations)])
def test_jacobian_agrees_with_central_differences(name: str) -> None:
    system = get(name)
    assert isinstance(system, Flow | Map)
    f = system.rhs if isinstance(system, Flow) else system.step
    states = np.random.default_rng(1).normal(scale=10.0, size=(2, 5, system.state_dimension))
    jacobian = system.jacobian(states)
    assert jacobian.shape == (2, 5, system.state_dimension, system.state_dimension)
    for j in range(system.state_dimension):
        shift = 1e-5 * np.eye(system.state_dimension)[j]
        column = (f(states + shift) - f(states - shift)) / 2e-5
        np.testing.assert_allclose(jacobian[..., j], column, rtol=1e-6, atol=1e-6)
    if isinstance(system, Flow):
        at_once = system.rhs_point(0.0, states[0, 0])
        np.testing.assert_allclose(at_once, system.rhs(states)[0, 0], rtol=1e-14)


def test_an_orbit_iterates_the_map_and_one_that_leaves_says_when() -> None:
    system = get("henon")
    assert isinstance(system, Map)
    orbit = system.states(n_points=500)
    np.testing.assert_allclose(system.step(orbit[:-1]), orbit[1:], rtol=1e-12)
    assert np.abs(orbit - system.states(1, n_points=500)).max() > 1.0
    away = dataclasses.replace(system, initial_state=(2.0, 0.0))
    with pytest.raises(MapError, match="system 'henon', trajectory 0: not finite from iteration 10 on"):
        away.states(n_points=10)
    with pytest.raises(ValueError, match="needs dt = 1"):
        dataclasses.replace(system, dt=0.5)


def test_trajectories_repeat_and_differ_by_index() -> None:
    system = dataclasses.replace(lorenz63(), transient_time=20.0)
    first = trajectory(system, n_points=500)
    np.testing.assert_array_equal(first, trajectory(system, n_points=500))
    assert np.abs(first - trajectory(system, 1, n_points=500)).max() > 1.0


def test_trajectory_solves_the_equations() -> None:
    system = lorenz63()
    points = trajectory(system, n_points=200)
    slope = (points[:-4] - 8 * points[1:-3] + 8 * points[3:-1] - points[4:]) / (12 * system.dt)
    np.testing.assert_allclose(slope, system.rhs(points[2:-2]), atol=2.0)  # of speeds up to several hundred


def test_system_crosses_process_borders() -> None:
    assert pickle.loads(pickle.dumps(get("lorenz63"))) == get("lorenz63")


def test_contradictory_declaration_is_refused() -> None:
    with pytest.raises(ValueError, match="3 variables, but initial_state has 2"):
        dataclasses.replace(lorenz63(), initial_state=(1.0, 2.0))
    with pytest.raises(ValueError, match="standardisation"):
        dataclasses.replace(lorenz63(), standardisation="none")  # type: ignore[arg-type]


@pytest.mark.parametrize("square", [lambda x: (x * x,), lambda x: (x**2,)])
def test_solution_that_blows_up_is_an_error(square: Callable[..., tuple[float]]) -> None:
    system = Flow(
        name="explosion",
        description="u̇ = u², infinite at time 1",
        source="-",
        equations="explosion",
        variables=("u",),
        parameters={},
        derivatives=square,
        partials=lambda u: ((2 * u,),),
        initial_state=(1.0,),
        dt=0.01,
        transient_time=0.0,
        n_points=300,
    )
    with pytest.raises(IntegrationError, match="system 'explosion', trajectory 0"):
        trajectory(system)

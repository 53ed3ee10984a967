"""Lyapunov spectra: linear systems first, where the answer is exact, then the published ones."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import lambertw

from orchestrator.systems import Flow, get
from orchestrator.systems.dataset import Dataset
from orchestrator.systems.delay import DelayEquation, DelayExponentSettings
from orchestrator.systems.exponents import (
    ExponentSettings,
    LyapunovSpectrum,
    lyapunov_spectrum,
    map_spectrum,
    prediction_time_steps,
)
from orchestrator.systems.integrate import trajectory
from orchestrator.systems.mackey_glass import MACKEY_GLASS


def linear(matrix: NDArray[np.float64], settings: ExponentSettings) -> LyapunovSpectrum:
    starts = np.random.default_rng(3).standard_normal((4, len(matrix)))
    return lyapunov_spectrum(
        lambda u: u @ matrix.T,
        lambda u: np.broadcast_to(matrix, (*u.shape, len(matrix))),
        initial_states=starts,
        settings=settings,
    )


def test_linear_system_has_its_eigenvalues_as_exponents() -> None:
    matrix = np.array([[-2.0, 1.0, 0.5], [0.0, 0.5, 3.0], [0.0, 0.0, -1.0]])  # triangular, not symmetric
    spectrum = linear(matrix, ExponentSettings(transient=20.0, time=10.0, step=0.01))
    np.testing.assert_allclose(spectrum.exponents, (0.5, -1.0, -2.0), atol=1e-6)
    np.testing.assert_allclose(spectrum.standard_errors, 0.0, atol=1e-8)
    assert spectrum.members == 4
    assert spectrum.time == pytest.approx(10.0)


def test_rotation_has_equal_exponents() -> None:
    matrix = np.array([[-0.3, 2.0], [-2.0, -0.3]])
    spectrum = linear(matrix, ExponentSettings(transient=1.0, time=20.0, step=0.01))
    np.testing.assert_allclose(spectrum.exponents, (-0.3, -0.3), atol=1e-6)


def test_unbounded_solution_is_an_error() -> None:
    with pytest.raises(FloatingPointError, match="not finite at time"):
        lyapunov_spectrum(
            lambda u: u**3,
            lambda u: 3 * u[..., None] ** 2,
            initial_states=np.ones((2, 1)),
            settings=ExponentSettings(),
        )


def assert_lorenz(spectrum: LyapunovSpectrum, name: str, expected: float) -> None:
    parameters = get(name).constants
    assert spectrum.exponents[0] == pytest.approx(expected, abs=0.02)
    assert spectrum.exponents[1] == pytest.approx(0.0, abs=5 * spectrum.standard_errors[1])
    divergence = -(parameters["sigma"] + 1 + parameters["beta"])
    assert sum(spectrum.exponents) == pytest.approx(divergence, abs=1e-3)


def test_linear_map_has_the_logs_of_its_eigenvalues() -> None:
    matrix = np.array([[0.5, 3.0], [0.0, 0.25]])
    spectrum = map_spectrum(
        lambda u: u @ matrix.T,
        lambda u: np.broadcast_to(matrix, (*u.shape, 2)),
        initial_states=np.ones((3, 2)),
        iterations=200,
    )
    np.testing.assert_allclose(spectrum.exponents, np.log([0.5, 0.25]), atol=1e-12)


def test_logistic_map_at_4_has_ln_2() -> None:
    starts = np.random.default_rng(0).random((200, 1))
    spectrum = map_spectrum(
        lambda u: 4 * u * (1 - u),
        lambda u: 4 - 8 * u[..., None],
        initial_states=starts,
        iterations=2000,
    )
    assert spectrum.exponents[0] == pytest.approx(math.log(2), abs=1e-3)


def delay_equation(**changes: Any) -> DelayEquation:
    settings = DelayExponentSettings(members=2, exponents=3, transient=30.0, time=100.0)
    return dataclasses.replace(MACKEY_GLASS, exponent_settings=settings, **changes)


def test_linear_delay_equation_has_the_roots_of_its_characteristic_equation() -> None:
    """ẋ = −a x + b x_ρ: λ = W_k(b ρ e^{aρ})/ρ − a, W_k the branches of Lambert's function."""
    a, b, rho = 1.0, 0.5, 2.0
    system = delay_equation(
        parameters={"a": a, "b": b, "rho": rho},
        derivative=lambda x, delayed, a, b: -a * x + b * delayed,
        partials=lambda x, delayed, a, b: (0.0 * x - a, 0.0 * x + b),
    )
    roots = sorted(
        (lambertw(b * rho * math.exp(a * rho), k).real / rho - a for k in (0, 1, -1)), reverse=True
    )
    spectrum = system.spectrum(system.states(n_points=1000))
    np.testing.assert_allclose(spectrum.exponents, roots, atol=2e-3)
    assert spectrum.exponents[0] == pytest.approx(roots[0], abs=1e-6)


def test_mackey_glass_of_the_textbooks_has_the_published_dimension() -> None:
    """β = 0.2, γ = 0.1, n = 10, ρ = 17: Kaplan-Yorke dimension 2.13 ± 0.03 (Farmer 1982), λ₂ = 0."""
    system = delay_equation(parameters={"beta": 0.2, "gamma": 0.1, "n": 10.0, "rho": 17.0}, dt=1.7, lag=1)
    settings = DelayExponentSettings(members=64, exponents=3, transient=1000.0, time=4000.0)
    system = dataclasses.replace(system, exponent_settings=settings, steps_per_delay=50)
    first, second, third = system.spectrum(system.states(n_points=1000)).exponents
    assert second == pytest.approx(0.0, abs=2e-4)
    assert 2 + first / abs(third) == pytest.approx(2.13, abs=0.03)


def test_delay_equation_is_solved_to_fourth_order() -> None:
    """Up to t = 2ρ, where a constant past makes the solution of ẋ = −x_ρ a polynomial."""
    for steps in (50, 100):
        system = delay_equation(
            parameters={"rho": 1.0}, derivative=lambda x, delayed: -delayed, initial_value=1.0,
            steps_per_delay=steps, dt=0.02, transient_time=0.0, lag=1, variables=("x",),
        )  # fmt: skip
        t = 0.02 * np.arange(100)
        exact = np.where(t <= 1, 1 - t, 1 - t + (t - 1) ** 2 / 2)
        error = np.abs(system.states(n_points=100)[:, 0] - exact).max()
        assert error < 1e-4 * (50 / steps) ** 2  # the kink of x at t = 0, which only a start has


@pytest.mark.parametrize(
    ("name", "expected", "total"),
    [("duffing", 0.130, -0.1), ("roessler", 0.0892, None), ("lorenz96_10", 1.2, -10.0)],
)
def test_flows_have_the_exponents_found_at_length(name: str, expected: float, total: float | None) -> None:
    """A tenth of the settings as shipped; `orch system list` has the full ones."""
    system = get(name)
    assert isinstance(system, Flow)
    full = system.exponent_settings
    small = dataclasses.replace(full, members=24, time=full.time / 2, step=2 * full.step)
    spectrum = dataclasses.replace(system, exponent_settings=small).spectrum(system.states(n_points=2000))
    assert spectrum.exponents[0] == pytest.approx(expected, rel=0.15)
    if total is not None:
        assert sum(spectrum.exponents) == pytest.approx(total, rel=1e-3)


def test_henon_has_the_published_exponent_and_its_areas_shrink_by_b() -> None:
    system = get("henon")
    spectrum = system.spectrum(system.states(n_points=10_000))
    assert spectrum.exponents[0] == pytest.approx(0.41922, abs=4 * spectrum.standard_errors[0])
    assert spectrum.standard_errors[0] < 0.001
    assert sum(spectrum.exponents) == pytest.approx(math.log(0.3), abs=1e-12)


def test_lorenz63() -> None:
    system = get("lorenz63")
    assert isinstance(system, Flow)
    raw = trajectory(system, n_points=25_000)
    settings = ExponentSettings(members=250, time=20.0)
    spectrum = lyapunov_spectrum(system.rhs, system.jacobian, initial_states=raw[::100], settings=settings)
    assert_lorenz(spectrum, "lorenz63", 1.50)
    assert prediction_time_steps(spectrum.exponents[0], system.dt) == pytest.approx(46.2, abs=0.7)


def test_lorenz63_published(published: Dataset) -> None:
    assert_lorenz(published.spectrum, "lorenz63_published", 1.10)
    assert published.lambda_max == published.spectrum.exponents[0]
    assert published.lambda_max_standard_error < 0.006
    assert published.tau_pred == pytest.approx(62.9, abs=1.2)


def test_prediction_time() -> None:
    assert prediction_time_steps(1.5, 0.01) == pytest.approx(46.21, abs=0.01)
    assert math.isnan(prediction_time_steps(0.0, 0.01))
    assert math.isnan(prediction_time_steps(3e-4, 0.01, standard_error=2e-3))  # of a cycle
    assert prediction_time_steps(1.5, 0.01, standard_error=0.7) == prediction_time_steps(1.5, 0.01)
    assert prediction_time_steps(1.5, 0.01, standard_error=math.nan) == prediction_time_steps(1.5, 0.01)
    assert math.isnan(prediction_time_steps(-1.0, 0.01))
    assert math.isnan(prediction_time_steps(math.nan, 0.01))

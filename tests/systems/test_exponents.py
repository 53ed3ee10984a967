"""Lyapunov spectra: linear systems first, where the answer is exact, then the published ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.systems import get
from orchestrator.systems.dataset import Dataset
from orchestrator.systems.exponents import (
    ExponentSettings,
    LyapunovSpectrum,
    lyapunov_spectrum,
    prediction_time_steps,
)
from orchestrator.systems.integrate import trajectory


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
    parameters = get(name).parameters
    assert spectrum.exponents[0] == pytest.approx(expected, abs=0.02)
    assert spectrum.exponents[1] == pytest.approx(0.0, abs=5 * spectrum.standard_errors[1])
    divergence = -(parameters["sigma"] + 1 + parameters["beta"])
    assert sum(spectrum.exponents) == pytest.approx(divergence, abs=1e-3)


def test_lorenz63() -> None:
    system = get("lorenz63")
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
    assert math.isnan(prediction_time_steps(-1.0, 0.01))
    assert math.isnan(prediction_time_steps(math.nan, 0.01))

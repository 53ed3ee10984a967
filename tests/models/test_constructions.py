"""Constructed networks do what they were made to do."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from orchestrator import catalogue
from orchestrator.models import ARCHITECTURES
from orchestrator.models.constructions import construct
from orchestrator.models.constructions.construct import _MODULES
from orchestrator.models.dynamics import classify
from orchestrator.models.initial import stack_initial
from orchestrator.models.lyapunov import lyapunov_spectra
from orchestrator.models.regimes import Constructed
from orchestrator.models.rollout import free_run
from orchestrator.study import load

SEEDS = 6
NAMES = sorted(_MODULES)
"""Architectures of which networks can be constructed: an architecture need not have any."""


def measured(name, kind):
    """Classes of networks of several seeds, and their bounds of ‖J‖."""
    architecture = ARCHITECTURES[name](latent_dim=20)
    regimes = [Constructed(dynamics=kind)] * SEEDS
    parameters = stack_initial(
        architecture, 3, seeds=list(range(SEEDS)), dtype=torch.float64, regimes=regimes
    )
    start = torch.tensor([0.3, -0.5, 0.2], dtype=torch.float64)
    run = free_run(architecture, parameters, start=start, steps=2000, landmarks=[1400, 1600, 1800, 2000])
    assert np.isfinite(run.series).all() and np.abs(run.series).max() < 100
    spectra = lyapunov_spectra(architecture, parameters, run.landmarks, exponents=2, transient=100, steps=600)
    found = [classify(spectra, member) for member in range(SEEDS)]
    return parameters, found, architecture.jacobian_bound(parameters).numpy()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["fixed_point", "cycle", "quasi_periodic", "chaotic"])
def test_constructed_networks_do_what_they_are_made_for(name, kind):
    parameters, found, bounds = measured(name, kind)
    # Large random weights make chaos as a rule only, and what they make instead is a cycle.
    least = 4 if kind == "chaotic" and name in ("rnn", "lstm") else SEEDS
    assert Counter(each.kind for each in found)[kind] >= least
    assert (bounds[[each.kind == "chaotic" for each in found]] > 1).all()
    if (name, kind) == ("plrnn", "chaotic"):
        slopes = parameters["AW"][:, 0, 2].abs().numpy()
        np.testing.assert_allclose([each.exponent for each in found], np.log(slopes), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_superstable_networks_forget_all_and_neutral_ones_nothing(name):
    _, found, _ = measured(name, "superstable")
    assert all((each.kind, each.exponent) == ("fixed_point", -math.inf) for each in found)
    _, found, _ = measured(name, "neutral")
    # tanh shortens every state a little, ever less: as t^(−1/2).
    assert all(abs(each.exponent) < (2e-3 if name == "rnn" else 1e-12) for each in found)


def test_a_unitary_network_of_two_sources_and_two_sinks_is_chaotic():
    """Against the paper's Proposition 2, by nothing but its eq. 41 and 42 in complex numbers: W is unitary, z
    stays bounded, and two runs that begin 1e-9 apart part by a constant factor a step.
    """
    weights = construct("urnn", "chaotic", latent_dim=8, observed_dim=3, seed=0)
    G, b = weights["G"], weights["b"]
    W = expm((G - G.T + 1j * (G + G.T)) / 2)
    np.testing.assert_allclose(W @ W.conj().T, np.eye(4), atol=1e-12)

    def step(z):
        a = W @ z
        return np.where(np.abs(a) + b > 0, (np.abs(a) + b) * np.exp(1j * np.angle(a)), 0)

    z = np.array([0.3 + 0.1j, -0.2j, 0.1, -0.1])
    growth = []
    for _ in range(300):
        for _ in range(50):
            z = step(z)
        other = z * np.exp(1j * np.array([1e-9, 0, 0, 0]))  # from beside it, the first unit turned a little
        here = z
        for _ in range(20):
            here, other = step(here), step(other)
        growth.append(np.log(np.linalg.norm(here - other) / (1e-9 * np.abs(z[0]))) / 20)
    assert np.abs(z).max() < 10
    assert np.mean(growth) > 0.2


def test_the_study_of_theorems_has_its_networks():
    assert {each.name for each in load(catalogue.find("theorems")).architectures} <= set(NAMES)


def test_what_cannot_be_constructed_is_named():
    with pytest.raises(ValueError, match="no 'chaotic' network of architecture 'none'"):
        construct("none", "chaotic", latent_dim=20, observed_dim=3, seed=0)
    with pytest.raises(ValueError, match="latent_dim >= 8"):
        construct("rnn", "cycle", latent_dim=7, observed_dim=3, seed=0)
    same = [construct("rnn", "cycle", latent_dim=8, observed_dim=2, seed=3)["W"] for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert math.isfinite(same[0].sum())

"""Constructed networks do what they were made to do."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from orchestrator.models import ARCHITECTURES
from orchestrator.models.constructions import KINDS, construct
from orchestrator.models.dynamics import classify
from orchestrator.models.lyapunov import lyapunov_spectra
from orchestrator.models.regimes import Constructed
from orchestrator.models.rollout import free_run
from orchestrator.models.training import stack_initial

SEEDS = 6


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
@pytest.mark.parametrize("kind", KINDS)
def test_constructed_networks_do_what_they_are_made_for(name, kind):
    architecture = ARCHITECTURES[name](latent_dim=20)
    parameters = stack_initial(
        architecture, 3, seeds=list(range(SEEDS)), dtype=torch.float64, regime=Constructed(dynamics=kind)
    )
    start = torch.tensor([0.3, -0.5, 0.2], dtype=torch.float64)
    run = free_run(architecture, parameters, start=start, steps=2000, landmarks=[1400, 1600, 1800, 2000])
    assert np.isfinite(run.series).all() and np.abs(run.series).max() < 100
    spectra = lyapunov_spectra(architecture, parameters, run.landmarks, exponents=2, transient=100, steps=600)
    found = Counter(classify(spectra, member).kind for member in range(SEEDS))
    # Large random weights make chaos as a rule only, and what they make instead is a cycle.
    assert found[kind] >= (4 if kind == "chaotic" and name != "plrnn" else SEEDS)
    if (name, kind) == ("plrnn", "chaotic"):
        slopes = parameters["AW"][:, 0, 2].abs().numpy()
        np.testing.assert_allclose(spectra.exponents[:, 0], np.log(slopes), atol=1e-4)


def test_what_cannot_be_constructed_is_named():
    with pytest.raises(ValueError, match="no 'chaotic' network of architecture 'gru'"):
        construct("gru", "chaotic", latent_dim=20, observed_dim=3, seed=0)
    with pytest.raises(ValueError, match="latent_dim >= 6"):
        construct("rnn", "cycle", latent_dim=5, observed_dim=3, seed=0)
    same = [construct("rnn", "cycle", latent_dim=8, observed_dim=2, seed=3)["W"] for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert math.isfinite(same[0].sum())

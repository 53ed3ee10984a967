"""Pointwise maps, read-out and free runs against their definitions."""

import numpy as np
import pytest
import torch

from orchestrator.models import ARCHITECTURES
from orchestrator.models.activations import lstm_cell, tanh
from orchestrator.models.readout import control, read_out, right_inverse
from orchestrator.models.rollout import free_run


def test_hand_written_derivatives_against_finite_differences():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    gates = torch.randn(2, 12, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(tanh, x)
    assert torch.autograd.gradcheck(lstm_cell, (gates, x))


def test_training_and_free_run_use_the_same_functions():
    """tanh by the sigmoid and tanh proper agree to 2e-7."""
    x = torch.linspace(-10, 10, 4001)
    with torch.no_grad():
        free = tanh(x)
    assert (tanh(x.requires_grad_()) - free).abs().max() <= 2e-7
    gates, c = torch.randn(1, 8, 5), torch.randn(1, 2, 5)
    with torch.no_grad():
        free_h, free_c = lstm_cell(gates, c)
    h, c = lstm_cell(gates.requires_grad_(), c)
    torch.testing.assert_close((h, c), (free_h, free_c), atol=5e-7, rtol=0)


def test_right_inverse_is_the_pseudo_inverse_and_contains_its_failures():
    B = torch.randn(3, 2, 5, dtype=torch.float64)
    torch.testing.assert_close(right_inverse(B), torch.linalg.pinv(B))
    x = torch.randn(3, 2, 4, dtype=torch.float64)
    torch.testing.assert_close(read_out(B, control(B, x)), x)
    B[1] = torch.nan
    inverse = right_inverse(B)
    assert not inverse[1].isfinite().any() and inverse[[0, 2]].isfinite().all()


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_free_run_iterates_the_map(name):
    """Three steps by hand, through the architecture's own step."""
    architecture = ARCHITECTURES[name](latent_dim=4)
    p = {k: torch.tensor(v[None]) for k, v in architecture.initial(2, seed=5).items()}
    x0 = torch.tensor([0.3, -0.7], dtype=torch.float64)
    run = free_run(architecture, p, start=x0, steps=3)
    assert run.shape == (1, 3, 2)
    state = architecture.start(control(p["B"], x0.view(1, 2, 1)))
    for step in range(3):
        state = architecture.step(architecture.bind(p), state)
        np.testing.assert_allclose(run[0, step], read_out(p["B"], state[0])[0, :, 0], atol=1e-12)


def test_free_run_that_explodes_is_nan_from_there_on_and_alone():
    architecture = ARCHITECTURES["plrnn"](latent_dim=2)
    calm = {"AW": torch.eye(2) * 0.5, "h": torch.zeros(2), "B": torch.eye(2)}
    wild = {"AW": torch.eye(2) * 1e10, "h": torch.zeros(2), "B": torch.eye(2)}
    p = {k: torch.stack([calm[k], wild[k]]) for k in calm}
    run = free_run(architecture, p, start=torch.ones(2), steps=50)
    assert np.isfinite(run[0]).all()
    first = int(np.argmax(~np.isfinite(run[1]).all(axis=1)))
    assert 1 <= first < 10 and np.isnan(run[1, first:]).all() and np.isfinite(run[1, :first]).all()

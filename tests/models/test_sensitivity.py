"""Jacobian products and loss gradients against time, where they are known exactly."""

import math

import numpy as np
import pytest
import torch

from orchestrator.models import ARCHITECTURES
from orchestrator.models.readout import control, read_out
from orchestrator.models.regimes import Clipping, SparseForcing, ZeroReset
from orchestrator.models.sensitivity import jacobian_norms, loss_gradient_norms
from orchestrator.models.training import stack_initial

NAMES = sorted(ARCHITECTURES)


def stack(name, *, members=2, gain=1.0):
    architecture = ARCHITECTURES[name](latent_dim=4)
    parameters = stack_initial(architecture, 2, seeds=list(range(members)), dtype=torch.float64)
    return architecture, {key: gain * value for key, value in parameters.items()}


def series(length=60):
    return torch.randn(2, length, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", NAMES)
def test_jacobian_products_are_those_of_autograd(name):
    architecture, parameters = stack(name, gain=2.0)
    hidden = torch.randn(2, 4, 3, dtype=torch.float64)
    state = architecture.start(hidden)
    norms = jacobian_norms(architecture, parameters, torch.cat(state, dim=1), lags=[1, 5, 12])
    bound = architecture.bind(parameters)

    def run(whole):
        parts = whole[None, :, None].split(4, dim=1)
        for _ in range(12):
            parts = architecture.step({key: value[1:] for key, value in bound.items()}, parts)
        return torch.cat(parts, dim=1).flatten()

    whole = torch.cat([part[1, :, 2] for part in state])
    exact = torch.linalg.matrix_norm(torch.autograd.functional.jacobian(run, whole), ord=2)
    assert norms.shape == (2, 3, 3)
    assert norms[1, 2, 2] == pytest.approx(math.log(exact), abs=1e-10)


def test_products_grow_beyond_all_numbers_and_vanish_below_them():
    architecture = ARCHITECTURES["plrnn"](latent_dim=2)
    factors = torch.tensor([3.0, 1e-3, 0.0], dtype=torch.float64)
    parameters = {
        "AW": torch.diag_embed(factors[:, None].expand(-1, 2)),
        "h": torch.zeros(3, 2, dtype=torch.float64),
        "B": torch.ones(3, 1, 2, dtype=torch.float64),
    }
    states = torch.full((3, 2, 1), 1e-150, dtype=torch.float64)
    norms = jacobian_norms(architecture, parameters, states, lags=[1, 600])
    np.testing.assert_allclose(norms[:2, 0, 1], 600 * np.log([3.0, 1e-3]), rtol=1e-12)
    assert np.isneginf(norms[2]).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("regime", [SparseForcing(tau=7), Clipping(), ZeroReset(tau=7)])
def test_loss_gradients_are_those_of_the_plain_loop(name, regime):
    """Step by step through the sequence, the state set where the regime sets it."""
    architecture, parameters = stack(name)
    data, place, lag = series(), 11, 17
    norms = loss_gradient_norms(
        architecture, parameters, data, torch.tensor([3, place]),
        window=regime.window(lag), from_data=regime.starts_from_data, lags=[4, lag],
    )  # fmt: skip
    member = {key: value[1:].clone().requires_grad_() for key, value in parameters.items()}
    bound = architecture.bind(member)
    for t in range(lag):
        if t % regime.window(lag) == 0:
            observed = data[:, place + t].view(1, 2, 1)
            hidden = control(member["B"], observed)
            state = architecture.start(hidden if regime.starts_from_data else torch.zeros_like(hidden))
        state = architecture.step(bound, state)
    loss = (read_out(member["B"], state[0])[0, :, 0] - data[:, place + lag]).square().sum()
    gradients = torch.autograd.grad(loss, list(member.values()), materialize_grads=True)
    exact = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    assert norms.shape == (2, 2, 2)
    assert norms[1, 1, 1] == pytest.approx(math.log(exact), abs=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_a_forcing_cuts_the_gradient_exactly(name):
    """Eq. 94 to 96: what lies before a forcing has no influence on what comes after it, not by a digit."""
    architecture, parameters = stack(name)
    data = series()
    bound = architecture.bind(parameters)
    at_first, at_sixth = (control(parameters["B"], data[None, :, [t]].expand(2, -1, -1)) for t in (0, 6))
    first = torch.cat(architecture.start(at_first), dim=1)
    first.requires_grad_()
    state = first.split(4, dim=1)
    for t in range(9):
        if t == 6:
            state = architecture.start(at_sixth)
        state = architecture.step(bound, state)
        reaches = (
            torch.autograd.grad(
                state[0].square().sum(), first, retain_graph=True, materialize_grads=True, allow_unused=True
            )[0]
            if state[0].requires_grad
            else torch.zeros(1)
        )
        assert bool((reaches != 0).any()) == (t < 6)
    forced = loss_gradient_norms(
        architecture, parameters, data, torch.tensor([0]), window=6, from_data=True, lags=[9]
    )
    alone = loss_gradient_norms(
        architecture, parameters, data, torch.tensor([6]), window=6, from_data=True, lags=[3]
    )
    np.testing.assert_array_equal(forced, alone)

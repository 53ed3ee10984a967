"""Jacobian products and loss gradients against time, where they are known exactly."""

import math

import numpy as np
import pytest
import torch

from orchestrator.models import ARCHITECTURES
from orchestrator.models.initial import stack_initial
from orchestrator.models.readout import control, read_out
from orchestrator.models.regimes import Clipping, SparseForcing, ZeroReset
from orchestrator.models.sensitivity import (
    forced_gradient_norms,
    jacobian_norms,
    loss_gradient_norms,
    step_norms,
)

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
def test_norms_of_single_steps_add_up_and_bound_the_product(name):
    architecture, parameters = stack(name, gain=2.0)
    states = torch.cat(architecture.start(torch.randn(2, 4, 3, dtype=torch.float64)), dim=1)
    lags = [1, 7, 110]
    norms = step_norms(architecture, parameters, states, lags=lags)
    product = jacobian_norms(architecture, parameters, states, lags=lags)
    np.testing.assert_allclose(norms.sum_of_logs[:, :, 0], product[:, :, 0], rtol=1e-12)
    assert (product <= norms.sum_of_logs + 1e-9).all()
    bound, state, found = architecture.bind(parameters), states.split(4, dim=1), []
    for _ in range(7):
        found.append(architecture.jacobian(bound, state)[1, 2])
        state = architecture.step(bound, state)
    sizes = [float(torch.linalg.matrix_norm(J, ord=2)) for J in found]
    assert norms.sum[1, 2, 1] == pytest.approx(sum(sizes), rel=1e-12)
    assert norms.sum_of_logs[1, 2, 1] == pytest.approx(np.log(sizes).sum(), rel=1e-12)
    off = sum(float(torch.linalg.matrix_norm(J - torch.eye(len(J)))) for J in found)
    assert norms.sum_from_identity[1, 2, 1] == pytest.approx(off, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("regime", [SparseForcing(tau=7), ZeroReset(tau=7), Clipping()])
def test_nothing_comes_through_a_forcing(name, regime):
    """Eq. 94 to 96, by autograd through the plain loop: exactly nothing of the first state, and of the
    parameters what windows give that end at the forcing.
    """
    architecture, parameters = stack(name)
    data, places = series(), torch.tensor([3, 11])
    how = {"window": regime.window(20), "from_data": regime.starts_from_data}
    by_windows = loss_gradient_norms(architecture, parameters, data, places, **how, lags=[5, 17])
    plain, of_first = forced_gradient_norms(architecture, parameters, data, places, **how, lag=17)
    np.testing.assert_allclose(plain, by_windows[:, :, 1], rtol=1e-12)
    assert np.isneginf(of_first).all() if regime.name != "clipping" else np.isfinite(of_first).all()
    if isinstance(regime, SparseForcing):  # These are what a sequence gives that begins there, to the digit.
        alone = loss_gradient_norms(architecture, parameters, data, places + 14, **how, lags=[3])
        np.testing.assert_array_equal(by_windows[:, :, 1], alone[:, :, 0])

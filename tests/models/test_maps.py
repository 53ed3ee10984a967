"""Pointwise maps, read-out and free runs against their definitions."""

import functools
import itertools

import numpy as np
import pytest
import torch

from orchestrator.models import ARCHITECTURES, Architecture
from orchestrator.models.aligned import largest_singular_value, orthogonalised
from orchestrator.models.initial import stack_initial
from orchestrator.models.readout import control, eliminated, read_out, right_inverse
from orchestrator.models.rollout import free_run, regressed_read_out


@pytest.mark.parametrize("widths", [[4, 4, 4], [4, 4, 2, 2], [3]], ids=str)
@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_hand_written_unrolling_equals_autograd_through_the_steps(name, widths):
    """Predictions and every gradient, the one into the first state included."""
    architecture = ARCHITECTURES[name](latent_dim=4)
    members = [architecture.initial(2, seed=seed) for seed in (1, 2)]
    p = {k: torch.tensor(np.stack([m[k] for m in members]), requires_grad=True) for k in members[0]}
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(2, 4, widths[0], dtype=torch.float64, generator=generator, requires_grad=True)
    weights = torch.randn(2, 2, sum(widths), dtype=torch.float64, generator=generator)

    def both(unroll):
        predictions = unroll(p, hidden, widths=widths)
        return predictions, torch.autograd.grad((predictions * weights).sum(), [*p.values(), hidden])

    by_steps = both(functools.partial(Architecture.unroll, architecture))
    torch.testing.assert_close(both(architecture.unroll), by_steps, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_hand_written_unrolling_is_as_exact_in_float32(name):
    """tanh by way of the sigmoid, as unrolling has it, rounds otherwise and no worse."""
    architecture = ARCHITECTURES[name]()
    p = {k: torch.tensor(v).unsqueeze(0) for k, v in architecture.initial(3, seed=1).items()}
    hidden = torch.linspace(-3, 3, 30 * 64, dtype=torch.float64).view(1, 30, 64)
    exact = Architecture.unroll(architecture, p, hidden, widths=[64] * 10)
    single = {k: v.float() for k, v in p.items()}
    for unroll in (architecture.unroll, functools.partial(Architecture.unroll, architecture)):
        error = (unroll(single, hidden.float(), widths=[64] * 10).double() - exact).abs().max()
        assert error < 5e-6


@pytest.mark.parametrize(("observed", "latent"), [(2, 5), (5, 9)])
def test_right_inverse_is_the_pseudo_inverse_and_contains_its_failures(observed, latent):
    B = torch.randn(3, observed, latent, dtype=torch.float64)
    torch.testing.assert_close(right_inverse(B), torch.linalg.pinv(B))
    x = torch.randn(3, observed, 4, dtype=torch.float64)
    torch.testing.assert_close(read_out(B, control(B, x)), x)
    torch.testing.assert_close(eliminated(B @ B.mT, B).mT, right_inverse(B), rtol=1e-9, atol=1e-9)
    B[1] = torch.nan
    inverse = right_inverse(B)
    assert torch.equal(eliminated(B @ B.mT, B).mT.isfinite(), inverse.isfinite())
    assert not inverse[1].isfinite().any() and inverse[[0, 2]].isfinite().all()


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("latent", [9, 30, 31, 45])
def test_no_digit_of_what_lapack_finds_depends_on_the_stack(latent, one_thread):
    square = torch.randn(latent, latent, dtype=torch.float64)
    norm = largest_singular_value(square[None])
    torch.testing.assert_close(norm[0], torch.linalg.svdvals(square)[0])
    assert torch.equal(largest_singular_value(square.expand(5, -1, -1).contiguous()), norm.expand(5))
    for columns in range(1, 8):
        thin = square[:, :columns]
        Q, R = orthogonalised(thin[None])
        torch.testing.assert_close(Q[0] @ R[0], thin)
        torch.testing.assert_close(Q[0].mT @ Q[0], torch.eye(columns, dtype=torch.float64))
        of_stack = orthogonalised(thin.expand(5, -1, -1).contiguous())
        assert all(torch.equal(q, Q[0]) and torch.equal(r, R[0]) for q, r in zip(*of_stack, strict=True))
    for observed, dtype in itertools.product(range(1, latent + 1), (torch.float32, torch.float64)):
        B = torch.randn(observed, latent, dtype=dtype)
        stack, alone = right_inverse(B.expand(5, -1, -1).contiguous()), right_inverse(B[None])
        assert all(torch.equal(member, alone[0]) for member in stack)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_free_run_iterates_the_map(name):
    """Three steps by hand, through the architecture's own step."""
    architecture = ARCHITECTURES[name](latent_dim=4)
    p = {k: torch.tensor(v[None]) for k, v in architecture.initial(2, seed=5).items()}
    x0 = torch.tensor([0.3, -0.7], dtype=torch.float64)
    run = free_run(architecture, p, start=x0, steps=3).series
    assert run.shape == (1, 3, 2)
    state = architecture.start(control(p["B"], x0.view(1, 2, 1)))
    for step in range(3):
        state = architecture.step(architecture.bind(p), state)
        np.testing.assert_allclose(run[0, step], read_out(p["B"], state[0])[0, :, 0], atol=1e-12)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_runs_from_many_points_equal_those_from_each(name):
    architecture = ARCHITECTURES[name](latent_dim=4)
    p = stack_initial(architecture, 2, seeds=[0, 1], dtype=torch.float64)
    starts = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    together = free_run(architecture, p, start=starts, steps=7).series
    assert together.shape == (2, 3 * 7, 2)
    one_by_one = [free_run(architecture, p, start=start, steps=7).series for start in starts]
    np.testing.assert_allclose(together, np.concatenate(one_by_one, axis=1), atol=1e-12)


def test_free_run_that_explodes_is_nan_from_there_on_and_alone():
    architecture = ARCHITECTURES["plrnn"](latent_dim=2)
    calm = {"AW": torch.eye(2) * 0.5, "h": torch.zeros(2), "B": torch.eye(2)}
    wild = {"AW": torch.eye(2) * 1e10, "h": torch.zeros(2), "B": torch.eye(2)}
    p = {k: torch.stack([calm[k], wild[k]]) for k in calm}
    run = free_run(architecture, p, start=torch.ones(2), steps=50).series
    assert np.isfinite(run[0]).all()
    first = int(np.argmax(~np.isfinite(run[1]).all(axis=1)))
    assert 1 <= first < 10 and np.isnan(run[1, first:]).all() and np.isfinite(run[1, :first]).all()


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_states_that_are_linear_in_the_latent_ones_are_read_out_exactly(name):
    architecture = ARCHITECTURES[name](latent_dim=6)
    parameters = stack_initial(architecture, 2, seeds=[0, 1], dtype=torch.float64)
    start = torch.tensor([0.3, -0.5], dtype=torch.float64)
    wanted = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 6)))
    # The first member's latent states, by a read-out that shows them as they are.
    identity = torch.eye(6, dtype=torch.float64).expand(2, 6, 6)
    latent = free_run(architecture, parameters, start=start, steps=8, shown=identity).series
    states = torch.from_numpy(latent[0]) @ wanted.T
    shown = regressed_read_out(architecture, parameters, start=start, states=states)
    run = free_run(architecture, parameters, start=start, steps=8, shown=shown).series
    assert run.shape == (2, 8, 3)
    np.testing.assert_allclose(run[0], states, atol=1e-9)

"""The two foundations of training, against the plain loop: one network, one step at a time."""

import gc
import weakref

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from orchestrator.models import ARCHITECTURES, Architecture
from orchestrator.models.regimes import Clipping, Regime, SparseForcing, ZeroReset
from orchestrator.models.rollout import free_run
from orchestrator.models.settings import TrainingSettings
from orchestrator.models.training import Stack, gradient_norm

T = 20
SETTINGS = TrainingSettings(
    sequence_length=T, batch_size=4, batches_per_epoch=3, epochs=3, precision="float64"
)
ARCHITECTURE_NAMES = sorted(ARCHITECTURES)


@pytest.fixture(scope="module")
def series() -> NDArray[np.float64]:
    """A smooth quasi-periodic series (500, 3): no chaos needed to compare two ways of computing."""
    t = np.arange(500)[:, None]
    return np.sin(t * np.array([0.11, 0.23, 0.37]) + np.array([0.0, 1.0, 2.0])) * np.sqrt(2)


def plain_step(architecture: str, p: dict[str, torch.Tensor], z: torch.Tensor, c: torch.Tensor):
    """The map of each architecture for one network, written from its equation: z, c are (R, M).

    It is what an architecture is held against, and so is written from the source and not from the code.
    """
    if architecture == "rnn":
        return torch.tanh(z @ p["W"].T + p["h"]), c
    if architecture == "plrnn":
        A = torch.diag(p["AW"])
        return A * z + torch.relu(z) @ (p["AW"] - torch.diag(A)).T + p["h"], c
    if architecture == "urnn":
        W = torch.linalg.matrix_exp(torch.complex(p["G"] - p["G"].T, p["G"] + p["G"].T) / 2)
        a = torch.complex(*z.chunk(2, dim=1)) @ W.T + torch.complex(*p["h"].chunk(2))
        z = torch.where(a.abs() + p["b"] > 0, (a.abs() + p["b"]) * torch.exp(1j * a.angle()), 0)
        return torch.cat([z.real, z.imag], dim=1), c
    if architecture == "lstm":
        i, f, o, g = (z @ p["W"].T + p["b"]).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    pytest.fail(f"`plain_step` has no equations of '{architecture}': they belong there", pytrace=False)


def plain_loss(name: str, regime: Regime, p: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """MSE of one network over x (R, T+1, N), one step after the other."""
    steps = x.shape[1] - 1
    z = c = torch.zeros(x.shape[0], p["B"].shape[1], dtype=x.dtype)
    tau = getattr(regime, "tau", steps)
    errors = []
    for t in range(steps):
        if t % tau == 0:
            zero = torch.zeros_like(z)
            z = x[:, t] @ torch.linalg.pinv(p["B"]).T if regime.starts_from_data else zero
            c = zero
        z, c = plain_step(name, p, z, c)
        errors.append((z @ p["B"].T - x[:, t + 1]) ** 2)
    return torch.stack(errors).mean()


REGIMES = [SparseForcing(tau=5), SparseForcing(tau=7), SparseForcing(tau=1), SparseForcing(tau=50),
           Clipping(), ZeroReset(tau=7)]  # fmt: skip


@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: f"{r.name}-{getattr(r, 'tau', '')}")
@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_windows_side_by_side_equal_the_sequential_loop(name, regime, series):
    """Loss and gradient to 1e-10: τ divides T, does not, is 1, exceeds T, and no forcing at all."""
    stack = Stack(ARCHITECTURES[name](latent_dim=6), regime, settings=SETTINGS, series=series, seeds=[3, 8])
    stack.kernel = None
    positions = stack.positions(1)[0]
    losses, gradient, _ = stack.losses_and_gradients(positions)
    for member in range(2):
        p = {k: torch.tensor(v, requires_grad=True) for k, v in stack.member_parameters(member).items()}
        x = torch.stack([torch.tensor(series[s : s + T + 1]) for s in positions[member].tolist()])
        loss = plain_loss(name, regime, p, x)
        expected = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(p.values()))])
        assert abs(loss.item() - losses[member].item()) < 1e-10
        ours, padding = gradient[member].tensor_split([len(expected)])
        torch.testing.assert_close(ours, expected, atol=1e-10, rtol=1e-10)
        assert not padding.any()


def test_a_stack_is_gone_as_soon_as_nobody_has_it(series):
    """A worker trains thousands, one after the other, and nothing must wait for a collection of cycles."""
    stack = Stack(ARCHITECTURES["rnn"](), Clipping(), settings=SETTINGS, series=series, seeds=[0])
    stack.train_epoch()
    kept = weakref.ref(stack)
    gc.disable()
    try:
        del stack
        assert kept() is None
    finally:
        gc.enable()


def train(architecture: Architecture, series, seeds, *, precision="float64", regime=None) -> Stack:
    settings = SETTINGS.model_copy(update={"precision": precision})
    stack = Stack(architecture, regime or SparseForcing(tau=7), settings=settings, series=series, seeds=seeds)
    for _ in range(settings.epochs):
        stack.train_epoch()
    return stack


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_a_stack_of_five_equals_five_stacks_of_one(name, precision, tolerance, series):
    """Beyond the order of summation a member does not feel its stack."""
    seeds = [0, 1, 2, 30, 4]
    together = train(ARCHITECTURES[name](latent_dim=8), series, seeds, precision=precision)
    for member, seed in enumerate(seeds):
        alone = train(ARCHITECTURES[name](latent_dim=8), series, [seed], precision=precision)
        np.testing.assert_allclose(
            together.flat[member].detach(), alone.flat[0].detach(), atol=tolerance, rtol=tolerance
        )


@pytest.mark.parametrize("regime", [SparseForcing(tau=12), Clipping()], ids=lambda r: r.name)
@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_no_digit_depends_on_who_else_is_in_the_stack(name, regime, series):
    """At the default precision and batch size: training and free run, stacks of one to five."""
    settings = TrainingSettings(sequence_length=24, batches_per_epoch=2)

    def run(seeds):
        stack = Stack(ARCHITECTURES[name](), regime, settings=settings, series=series, seeds=seeds)
        for _ in range(20):
            stack.train_epoch()
        start = torch.from_numpy(series[0])
        return stack.flat, free_run(stack.architecture, stack.parameters(), start=start, steps=300).series

    flat, free = run(range(5))
    for seeds in ([3], [1, 4], [2, 0, 3]):
        again, freely = run(seeds)
        assert torch.equal(again, flat[seeds]) and np.array_equal(freely, free[seeds]), seeds


@pytest.mark.parametrize("name", ["rnn", "plrnn", "lstm"])
def test_no_digit_of_tensor_operations_depends_on_it_either(name, series):
    """11 units and 5 rows: a member's states are no whole number of vectors. Its matrices are one of 16 bytes
    (`aligned`)."""
    settings = TrainingSettings(sequence_length=24, batch_size=5, batches_per_epoch=2)
    four = np.c_[series, series[::-1, :1]]

    def trained(seeds):
        architecture = ARCHITECTURES[name](latent_dim=11)
        stack = Stack(architecture, SparseForcing(tau=7), settings=settings, series=four, seeds=seeds)
        stack.kernel = None
        for _ in range(5):
            stack.train_epoch()
        return stack.flat

    together = trained(range(5))
    for seeds in ([3], [1, 4], [2, 0, 3]):
        assert torch.equal(trained(seeds), together[seeds]), seeds


@pytest.mark.parametrize("by_kernel", [True, False], ids=["kernel", "torch"])
@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_members_of_several_regimes_are_what_they_are_alone(name, by_kernel, series):
    """Windows of several lengths, from the data and from zero, clipped gradients and not, in one stack."""
    regimes = [SparseForcing(tau=5), SparseForcing(tau=5), SparseForcing(tau=7), Clipping(max_norm=0.01),
               Clipping(max_norm=100), ZeroReset(tau=7), SparseForcing(tau=5)]  # fmt: skip
    seeds = [0, 1, 0, 0, 3, 2, 2]

    def run(regime, seeds):
        stack = Stack(
            ARCHITECTURES[name](latent_dim=8), regime, settings=SETTINGS, series=series, seeds=seeds
        )
        stack.kernel = stack.kernel if by_kernel else None
        return [stack, *(stack.train_epoch() for _ in range(3))]

    together, *courses = run(regimes, seeds)
    assert [len(range(*g.members.indices(7))) for g in together.groups] == [2, 1, 1, 1, 1, 1]
    for member, (regime, seed) in enumerate(zip(regimes, seeds, strict=True)):
        alone, *course = run(regime, [seed])
        tolerance = 0 if together.kernel else 1e-12
        np.testing.assert_allclose(
            together.flat[member].detach(), alone.flat[0].detach(), rtol=tolerance, atol=tolerance
        )
        for (loss, norm), (own_loss, own_norm) in zip(courses, course, strict=True):
            assert loss[member] == pytest.approx(own_loss[0], rel=1e-12)
            assert norm[member] == pytest.approx(own_norm[0], rel=1e-12)


@pytest.mark.parametrize("regime", [SparseForcing(tau=7), Clipping()], ids=["forcing", "clipping"])
@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_a_member_that_blows_up_leaves_the_others_bit_identical(name, regime, series):
    """One member is made NaN: it alone is frozen and marked, with the epoch."""

    def run(poison: bool) -> Stack:
        stack = Stack(
            ARCHITECTURES[name](latent_dim=6), regime, settings=SETTINGS, series=series, seeds=[0, 1, 2]
        )
        stack.train_epoch()
        if poison:
            with torch.no_grad():
                stack.flat[1] = torch.nan
        loss, norm = stack.train_epoch()
        assert np.isnan([loss[1], norm[1]]).all() == poison
        stack.train_epoch()
        return stack

    poisoned, clean = run(True), run(False)
    assert poisoned.diverged_epoch == [None, 2, None]
    assert clean.diverged_epoch == [None, None, None]
    for member in (0, 2):
        assert torch.equal(poisoned.flat[member], clean.flat[member])


def test_a_diverging_member_keeps_its_last_finite_parameters(series):
    """Weights so large that the loss overflows: frozen where they were, not at NaN."""
    stack = Stack(
        ARCHITECTURES["plrnn"](latent_dim=6),
        SparseForcing(tau=20),
        settings=SETTINGS,
        series=series,
        seeds=[0],
    )
    with torch.no_grad():
        stack.flat.mul_(1e60)
    before = stack.flat.detach().clone()
    stack.train_epoch()
    assert stack.diverged_epoch == [1] and stack.all_diverged
    assert torch.equal(stack.flat, before)


def test_common_random_numbers_survive_growth(series):
    """Same seed: same initial weights and minibatches under every regime and τ, in any stack."""
    a = Stack(ARCHITECTURES["rnn"](), SparseForcing(tau=5), settings=SETTINGS, series=series, seeds=[0, 7])
    b = Stack(ARCHITECTURES["rnn"](), Clipping(), settings=SETTINGS, series=series, seeds=[7, 9, 1])
    assert torch.equal(a.flat[1], b.flat[0])
    assert torch.equal(a.positions(4)[:, 1], b.positions(4)[:, 0])
    assert not torch.equal(a.positions(4)[:, 0], a.positions(4)[:, 1])
    assert not torch.equal(a.positions(4), a.positions(5))


def test_clipping_bounds_each_members_own_gradient():
    gradient = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    clipped = Clipping(max_norm=1.0).transform_gradient(gradient, gradient_norm(gradient))
    torch.testing.assert_close(clipped, torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))
    normalised = Clipping(max_norm=1.0, normalise=True).transform_gradient(gradient, gradient_norm(gradient))
    torch.testing.assert_close(normalised, torch.tensor([[0.6, 0.8], [0.6, 0.8], [0.0, 0.0]]))


def test_clipping_holds_for_gradients_whose_squares_float32_cannot_hold():
    gradient = torch.tensor([[1e25, 0.0, 0.0], [1e-25, 0.0, 0.0], [0.0, 0.0, 0.0]])
    clipped = Clipping().transform_gradient(gradient, gradient_norm(gradient))
    torch.testing.assert_close(clipped, torch.tensor([[1.0, 0, 0], [1e-25, 0, 0], [0, 0, 0]]))
    normalised = Clipping(normalise=True).transform_gradient(gradient, gradient_norm(gradient))
    torch.testing.assert_close(normalised, torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [0, 0, 0]]))


def test_series_that_does_not_fit_is_refused(series):
    with pytest.raises(ValueError, match="a training sequence needs 21"):
        train(ARCHITECTURES["rnn"](), series[:20], [0])
    with pytest.raises(ValueError, match="latent_dim ≥ 3, not 2"):
        train(ARCHITECTURES["rnn"](latent_dim=2), series, [0])

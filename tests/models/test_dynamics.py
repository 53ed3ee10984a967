"""Exponents, cycles and classes of networks whose dynamics are known exactly."""

import math

import numpy as np
import pytest
import torch

from orchestrator.models import ARCHITECTURES
from orchestrator.models.architecture import Architecture
from orchestrator.models.cycles import find_cycles
from orchestrator.models.dynamics import classify
from orchestrator.models.initial import stack_initial
from orchestrator.models.lyapunov import lyapunov_spectra

NAMES = sorted(ARCHITECTURES)


def states(architecture, *, members=1, rows=3, seed=0, scale=1.0):
    hidden = torch.randn(
        members, architecture.latent_dim, rows, dtype=torch.float64,
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    return tuple(scale * part for part in architecture.start(hidden))


def settled(architecture, parameters, state, steps):
    bound = architecture.bind(parameters)
    for _ in range(steps):
        state = architecture.step(bound, state)
    return torch.cat(state, dim=1)


def plrnn(AW, h):
    AW = torch.tensor(AW, dtype=torch.float64)
    parameters = {"AW": AW[None], "h": torch.tensor(h, dtype=torch.float64)[None]}
    return ARCHITECTURES["plrnn"](latent_dim=len(AW)), {**parameters, "B": torch.ones(1, 1, len(AW))}


def rnn(W, h=None):
    W = torch.tensor(W, dtype=torch.float64)
    h = torch.zeros(len(W), dtype=torch.float64) if h is None else torch.tensor(h, dtype=torch.float64)
    return ARCHITECTURES["rnn"](latent_dim=len(W)), {
        "W": W[None],
        "h": h[None],
        "B": torch.ones(1, 1, len(W)),
    }


def tent(mu):
    """x ← 1 − μ|x| with x = z₁ = z₃ = −z₂ = −z₄: no unit of a PLRNN may use its own rectified value."""
    return plrnn([[0, -mu, -mu, 0], [mu, 0, 0, mu], [-mu, -mu, 0, 0], [mu, mu, 0, 0]], [1.0, -1.0, 1.0, -1.0])


@pytest.mark.parametrize("name", NAMES)
def test_jacobians_are_those_of_autograd(name):
    architecture = ARCHITECTURES[name](latent_dim=6)
    parameters = stack_initial(architecture, 2, seeds=[0, 1], dtype=torch.float64)
    bound = architecture.bind({key: 3 * value for key, value in parameters.items()})
    state = states(architecture, members=2)
    state = (state[0], *(part + 0.7 for part in state[1:]))  # cells that are not zero
    size = len(state) * 6
    by_hand = architecture.jacobian(bound, state)
    assert by_hand.shape == (2, 3, size, size)
    for member in range(2):
        for row in range(3):

            def step(whole, member=member, row=row):
                parts = [part.clone() for part in state]
                for part, own in zip(parts, whole.split(6), strict=True):
                    part[member, :, row] = own
                return torch.cat([part[member, :, row] for part in architecture.step(bound, tuple(parts))])

            whole = torch.cat([part[member, :, row] for part in state])
            exact = torch.autograd.functional.jacobian(step, whole)
            torch.testing.assert_close(by_hand[member, row], exact, rtol=0, atol=1e-13)
    vectors = torch.randn(2, size, 3, 4, dtype=torch.float64)
    after, pushed = architecture.tangent_step(bound, state, vectors)
    plain, derived = Architecture.tangent_step(architecture, bound, state, vectors)
    torch.testing.assert_close(pushed, derived, rtol=0, atol=1e-13)
    torch.testing.assert_close(after, plain, rtol=0, atol=1e-14)


def test_spectrum_of_a_linear_network_is_that_of_its_eigenvalues():
    """A PLRNN in its positive orthant is linear."""
    AW = [[0.5, 0.3, 0.0], [0.1, 0.7, 0.2], [0.0, 0.4, -0.3]]
    architecture, parameters = plrnn(AW, [1.0, 1.0, 1.0])
    spectra = lyapunov_spectra(
        architecture, parameters, torch.ones(1, 3, 2), exponents=3, transient=200, steps=400
    )
    exact = sorted(np.log(np.abs(np.linalg.eigvals(np.array(AW)))), reverse=True)
    np.testing.assert_allclose(spectra.exponents[0], exact, atol=1e-12)
    assert classify(spectra, 0).kind == "fixed_point"


def test_tent_map_in_a_network_has_the_logarithm_of_its_slope():
    architecture, parameters = tent(1.9)
    start = settled(architecture, parameters, states(architecture, rows=8, scale=0.1), 50)
    spectra = lyapunov_spectra(architecture, parameters, start, exponents=4, transient=10, steps=300)
    assert spectra.exponents[0, 0] == pytest.approx(math.log(1.9), abs=1e-12)
    assert (spectra.exponents[0, 1:] < -1).all()
    found = classify(spectra, 0)
    assert (found.kind, found.period) == ("chaotic", None)


@pytest.mark.parametrize("name", NAMES)
def test_no_jacobian_exceeds_its_bound(name):
    architecture = ARCHITECTURES[name](latent_dim=6)
    parameters = stack_initial(architecture, 3, seeds=[0, 1, 2], dtype=torch.float64)
    if type(architecture).jacobian_bound is Architecture.jacobian_bound:  # none is known
        assert architecture.jacobian_bound(parameters).isinf().all()
        return
    if name == "urnn":
        parameters["b"][:2] = -parameters["b"][:2].abs()  # the last keeps one that is positive
        assert (parameters["b"][2] > 0).any()
    else:
        for value in parameters.values():
            value[2] = torch.nan
    bounds = architecture.jacobian_bound(parameters)
    largest = torch.zeros(3, dtype=torch.float64)
    for scale in (0.01, 0.3, 3.0):
        state = states(architecture, members=3, rows=200, scale=scale)
        jacobians = architecture.jacobian(architecture.bind(parameters), state)
        largest = largest.maximum(torch.linalg.matrix_norm(jacobians.nan_to_num(), ord=2).amax(dim=1))
    assert (largest[:2] <= bounds[:2] + 1e-12).all(), "‖J‖ exceeds `jacobian_bound`"
    assert not bounds[2].isfinite(), "there is a bound where none holds"
    assert (largest[:2] > 0.5 * bounds[:2]).all(), "an idle bound: twice what ‖J‖ comes to, and more"


@pytest.mark.parametrize("name", NAMES)
def test_exponents_sum_to_the_mean_logarithm_of_the_determinant(name):
    architecture = ARCHITECTURES[name](latent_dim=4)
    parameters = stack_initial(architecture, 2, seeds=[0, 1], dtype=torch.float64)
    parameters = {key: (0.9 if name == "plrnn" else 3.0) * value for key, value in parameters.items()}
    start = settled(architecture, parameters, states(architecture, members=2, rows=1), 20)
    size = start.shape[1]
    spectra = lyapunov_spectra(architecture, parameters, start, exponents=size, transient=7, steps=50)
    bound = architecture.bind(parameters)
    path = torch.from_numpy(spectra.path[:, :-1]).transpose(1, 2)
    jacobians = architecture.jacobian(bound, path.split(4, dim=1))
    exact = torch.linalg.slogdet(jacobians).logabsdet.mean(dim=1)
    np.testing.assert_allclose(spectra.exponents.sum(axis=1), exact, rtol=1e-9)
    np.testing.assert_allclose(
        spectra.path[:, 1:], settled(architecture, parameters, path.split(4, dim=1), 1).transpose(1, 2)
    )


def test_members_that_are_not_finite_leave_the_others_as_they_are():
    architecture, alone = tent(1.7)
    parameters = {
        key: torch.cat([value, value * (torch.inf if key == "h" else 1)]) for key, value in alone.items()
    }
    start = settled(architecture, alone, states(architecture, rows=4, scale=0.1), 50)
    one = lyapunov_spectra(architecture, alone, start, exponents=2, transient=5, steps=50)
    two = lyapunov_spectra(
        architecture, parameters, start.expand(2, -1, -1), exponents=2, transient=5, steps=50
    )
    np.testing.assert_array_equal(one.exponents[0], two.exponents[0])
    assert np.isnan(two.exponents[1]).all() and classify(two, 1) is None


def rotation(angle, gain):
    return [
        [gain * math.cos(angle), -gain * math.sin(angle)],
        [gain * math.sin(angle), gain * math.cos(angle)],
    ]


@pytest.mark.parametrize(
    ("network", "kind", "period"),
    [
        (rnn([[0.5, 0.2], [-0.1, 0.4]]), "fixed_point", 1),
        (rnn([[-2.0, 0.0], [0.0, 0.5]]), "cycle", 2),
        (rnn(rotation(math.pi / 2, 1.5)), "cycle", 4),
        (rnn(rotation(1.0, 1.1)), "quasi_periodic", None),
        (tent(1.5), "chaotic", None),
        (tent(0.9), "fixed_point", 1),
    ],
)  # fmt: skip
def test_classes_of_known_networks(network, kind, period):
    architecture, parameters = network
    start = settled(architecture, parameters, states(architecture, rows=4, scale=0.1, seed=2), 3000)
    spectra = lyapunov_spectra(architecture, parameters, start, exponents=1, transient=300, steps=1200)
    found = classify(spectra, 0)
    assert (found.kind, found.period) == (kind, period)
    assert found.as_dict()["kind"] == kind


def test_fixed_points_and_cycles_are_found_with_their_multipliers():
    """z ← tanh(2z) in each of two units: 0 and ±z* in each, z* = tanh(2 z*); nine in all, four stable."""
    architecture, parameters = rnn([[2.0, 0.0], [0.0, 2.0]])
    starts = torch.randn(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    cycles = find_cycles(architecture, parameters, starts)
    assert len(cycles) == 9 and sum(cycle.found for cycle in cycles) <= 200
    stable = [cycle for cycle in cycles if cycle.stability == "stable"]
    root = 0.9575040240772688
    assert len(stable) == 4
    for cycle in stable:
        np.testing.assert_allclose(np.abs(cycle.points), root, atol=1e-9)
        np.testing.assert_allclose(cycle.multipliers, 2 * (1 - root**2), atol=1e-9)
    assert cycles[-1].stability == "unstable" and cycles[-1].exponent == pytest.approx(math.log(2))

    architecture, parameters = rnn([[-2.0]])
    (cycle,) = find_cycles(architecture, parameters, starts[:, :1], period=2)
    np.testing.assert_allclose(np.sort(cycle.points[:, 0]), [-root, root], atol=1e-9)
    assert cycle.stability == "stable" and cycle.exponent == pytest.approx(math.log(2 * (1 - root**2)))


def test_cycles_of_the_tent_map_are_those_that_arithmetic_gives():
    """1 − μ|x| has two fixed points, one 2-cycle and, above the golden ratio, two 3-cycles; slopes are ±μ."""
    architecture, parameters = tent(1.9)
    x = torch.linspace(-1, 1, 64, dtype=torch.float64)
    starts = torch.stack([x, -x, x, -x], dim=1)
    for period, count in ((1, 2), (2, 1), (3, 2)):
        cycles = find_cycles(architecture, parameters, starts, period=period)
        assert len(cycles) == count
        for cycle in cycles:
            assert abs(cycle.multipliers[0]) == pytest.approx(1.9**period, rel=1e-9)


def test_lstm_cycles_are_of_both_states():
    architecture = ARCHITECTURES["lstm"](latent_dim=3)
    parameters = stack_initial(architecture, 2, seeds=[4], dtype=torch.float64)
    run = settled(architecture, parameters, states(architecture, rows=1), 3000)[0, :, 0]
    cycles = find_cycles(architecture, parameters, torch.randn(20, 6, dtype=torch.float64))
    assert any(
        np.allclose(cycle.points[0], run, atol=1e-8) for cycle in cycles if cycle.stability == "stable"
    )


def test_a_large_unit_at_rest_hides_no_chaos():
    mu = 1.5
    AW = np.zeros((5, 5))
    AW[:4, :4] = [[0, -mu, -mu, 0], [mu, 0, 0, mu], [-mu, -mu, 0, 0], [mu, mu, 0, 0]]
    AW[4, 4] = 0.5
    architecture, parameters = plrnn(AW.tolist(), [1.0, -1.0, 1.0, -1.0, 1.5e6])
    start = settled(architecture, parameters, states(architecture, rows=4, scale=0.1), 200)
    spectra = lyapunov_spectra(architecture, parameters, start, exponents=1, transient=20, steps=400)
    assert classify(spectra, 0).kind == "chaotic"


def test_a_slow_spiral_ends_in_a_fixed_point():
    """Eigenvalues exp(−0.0004 ± 0.3 i), from states as single precision leaves them."""
    turn = math.exp(-4e-4) * np.array(rotation(0.3, 1.0))
    architecture, parameters = plrnn(turn.tolist(), (np.array([1.0, 1.0]) - turn @ [1.0, 1.0]).tolist())
    start = 1.0 + 1e-4 * torch.randn(1, 2, 4, dtype=torch.float64)
    spectra = lyapunov_spectra(architecture, parameters, start, exponents=1, transient=500, steps=2000)
    assert spectra.exponents[0, 0] == pytest.approx(-4e-4, abs=1e-6)
    assert classify(spectra, 0).kind == "fixed_point"


def test_exponents_are_those_of_where_a_run_has_settled():
    """z ← tanh(2z): at 0 it is unstable, λ = ln 2; a run that left it is stable, λ = ln(2(1 − z*²))."""
    architecture, parameters = rnn([[2.0]])
    places = torch.tensor([[[0.0] * 12 + [0.5] * 4]], dtype=torch.float64)
    spectra = lyapunov_spectra(architecture, parameters, places, exponents=1, transient=100, steps=100)
    stable = math.log(2 * (1 - 0.9575040240772688**2))
    assert spectra.exponents[0, 0] == pytest.approx(stable, abs=1e-9)
    assert classify(spectra, 0).kind == "fixed_point"

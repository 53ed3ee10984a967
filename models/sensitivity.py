"""How far back gradients reach: Jacobian products and loss gradients against the time between two states.

    ∂z_{t+T}/∂z_t = J(z_{t+T−1}) … J(z_t)          ∂L_T/∂θ,  L_T = |x̂_T − x_T|²

Both, by the paper's section 3, grow, stay or vanish with the dynamics of the network itself: as exp(λ T) on
a chaotic attractor. A forcing cuts the product (eq. 94 to 96): beyond it ∂z_{t+T}/∂z_t is exactly 0, and
∂L_T/∂θ reaches back to the last forcing alone.

Taken at places of the data, from the control ẑ = B⁺ x as in training, in double precision. Values are natural
logarithms of norms, of Jacobians the spectral one; −∞ is a norm of 0, +∞ one beyond all numbers. Shapes: E
members, P places, L lags.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .aligned import largest_singular_value
from .architecture import Architecture, Parameters, State
from .readout import control, read_out
from .rollout import MEMBERS
from .tangents import Tangents, double
from .windows import Windows, predict

FloatArray = NDArray[np.float64]

STEPS_AT_ONCE = 100
"""Jacobians that are held at once, for norms that are cheaper together."""


def jacobian_norms(
    architecture: Architecture, parameters: Parameters, states: Tensor, *, lags: Sequence[int]
) -> FloatArray:
    """ln ‖∂z_{t+T}/∂z_t‖₂ along free runs, for each T of `lags`, which rise.

    Args:
        parameters: name → (E, ...).
        states: z_t, whole states (E, D, P).

    Returns:
        (E, P, L), NaN from where a run is not finite.
    """
    with torch.no_grad():
        tangents, places = Tangents(architecture, parameters), states.transpose(1, 2)
        vectors = _every_direction(places)
        scale = vectors.new_zeros(places.shape[:2])
        norms = []
        for begin, lag in itertools.pairwise((0, *lags)):
            # Rescaled at every step, so that no product leaves the range of numbers.
            places, vectors, scales, _ = tangents.along(places, vectors, steps=lag - begin, rescaled=True)
            scale = scale + scales
            norm = largest_singular_value(vectors.nan_to_num(posinf=0.0, neginf=0.0))
            lost = ~places.isfinite().all(dim=2)
            norms.append(torch.where(lost, torch.nan, scale + norm.log()))
        stacked: FloatArray = torch.stack(norms, dim=2).cpu().numpy()
    return stacked


def _every_direction(states: Tensor) -> Tensor:
    """A tangent vector along each component of states (E, P, D): (E, P, D, D)."""
    identity = torch.eye(states.shape[2], dtype=torch.float64, device=states.device)
    return identity.expand(*states.shape[:2], -1, -1)


@dataclass(frozen=True, eq=False)
class StepNorms:
    """Of the single Jacobians J_1 … J_T along a run, (E, P, L) for each T of the lags; NaN where it is not
    finite.
    """

    sum_of_logs: FloatArray
    """Σ ln ‖J_t‖₂: ‖∂z_{t+T}/∂z_t‖ is at most its exponential (the paper's Proposition 3)."""
    sum: FloatArray
    """Σ ‖J_t‖₂ (Theorem 4 i)."""
    sum_from_identity: FloatArray
    """Σ ‖J_t − 1‖ (Theorem 4 ii), in the Frobenius norm, which like the other bounds that of a product."""


def step_norms(
    architecture: Architecture, parameters: Parameters, states: Tensor, *, lags: Sequence[int]
) -> StepNorms:
    """Norms of the Jacobian of each single step along free runs, added up.

    Args:
        parameters: name → (E, ...).
        states: whole states (E, D, P).
        lags: which rise.
    """
    with torch.no_grad():
        tangents, places = Tangents(architecture, parameters), states.transpose(1, 2)
        identity = _every_direction(places)
        norms: list[Tensor] = []
        while len(norms) < lags[-1]:
            jacobians = []
            for _ in range(min(STEPS_AT_ONCE, lags[-1] - len(norms))):
                places, jacobian, _, _ = tangents.along(places, identity, steps=1)
                jacobians.append(jacobian)
            # The norm refuses what is not finite; runs that come to this are marked below.
            stacked = torch.stack(jacobians).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
            norm = largest_singular_value(stacked)
            off = torch.linalg.matrix_norm(stacked - identity)
            norms += torch.stack([norm.log(), norm, off], dim=1).unbind()
        lost = ~places.isfinite().all(dim=2)
        sums = torch.stack(norms).cumsum(dim=0)[torch.tensor(lags) - 1]
        sums = torch.where(lost, torch.nan, sums)
        logs, plain, off_identity = sums.permute(1, 2, 3, 0).cpu().numpy()
    return StepNorms(logs, plain, off_identity)


def loss_gradient_norms(
    architecture: Architecture,
    parameters: Parameters,
    series: Tensor,
    places: Tensor,
    *,
    window: int,
    from_data: bool,
    lags: Sequence[int],
) -> FloatArray:
    """ln ‖∂L_T/∂θ‖ over all parameters θ of a member, for each T of `lags`, by the very path of training.

    Args:
        parameters: name → (E, ...).
        series: (N, L), the series.
        places: (P,) integers, first index of each sequence, at most L − T − 1.
        window: the state is set anew every so many steps,
        from_data: to the control, or to zero.

    Returns:
        (E, P, L)
    """
    apart, positions, count = _apart(parameters, places)
    members = len(parameters["B"])
    series = series.double()
    norms = []
    for lag in lags:
        windows = Windows(sequence_length=lag, window=min(window, lag), rows=1, device=series.device)
        predictions, targets = predict(
            architecture,
            apart,
            windows,
            series=series,
            positions=positions,
            from_data=from_data,
        )
        last = windows.target_times == lag
        losses = (predictions - targets)[:, :, last].square().sum(dim=(1, 2))
        norms.append(_gradient_norms(losses, apart)[:count].view(members, len(places)))
    return np.asarray(torch.stack(norms, dim=2).cpu().numpy(), dtype=np.float64)


def forced_gradient_norms(
    architecture: Architecture,
    parameters: Parameters,
    series: Tensor,
    places: Tensor,
    *,
    window: int,
    from_data: bool,
    lag: int,
) -> tuple[FloatArray, FloatArray]:
    """ln ‖∂L_T/∂θ‖ and ln ‖∂L_T/∂z_1‖ for T = `lag`, by the plain loop of eq. 16: one step after the other,
    the state set anew on the way, and all derivatives left to autograd.

    Against `loss_gradient_norms`, which knows beforehand where nothing comes through, it shows what eq. 94 to
    96 say. Arguments are as there.

    Returns:
        Both (E, P).
    """
    apart, positions, count = _apart(parameters, places)
    shape = (len(parameters["B"]), len(places))
    series, bound = series.double(), architecture.bind(apart)

    def observed(time: int) -> Tensor:
        return series[:, positions + time].transpose(0, 1)

    def begin(time: int) -> State:
        hidden = control(apart["B"], observed(time))
        return architecture.start(hidden if from_data else torch.zeros_like(hidden))

    first = begin(0)
    moved = tuple(torch.zeros_like(part, requires_grad=True) for part in first)
    state: State = tuple(part + by for part, by in zip(first, moved, strict=True))
    for time in range(lag):
        if time and time % window == 0:
            state = begin(time)
        state = architecture.step(bound, state)
    losses = (read_out(apart["B"], state[0]) - observed(lag)).square().sum(dim=(1, 2))
    of_first = dict(enumerate(moved))
    return (
        _gradient_norms(losses, apart, keep=True)[:count].view(shape).cpu().numpy(),
        _gradient_norms(losses, of_first)[:count].view(shape).cpu().numpy(),
    )


def _apart(parameters: Parameters, places: Tensor) -> tuple[Parameters, Tensor, int]:
    """A network for each member and place, so that one backward pass gives every norm of its own; filled up,
    so that no rounding depends on how many there are. With the place of each, and how many are no filling.
    """
    count = len(parameters["B"]) * len(places)
    filled = [i % count for i in range(count + -count % MEMBERS)]
    apart = {
        name: value.repeat_interleave(len(places), dim=0)[filled].requires_grad_()
        for name, value in double(parameters).items()
    }
    return apart, places.repeat(len(parameters["B"]))[filled][:, None], count


def _gradient_norms(losses: Tensor, by: Mapping[Any, Tensor], *, keep: bool = False) -> Tensor:
    """ln of the norm of each loss's gradient; of a parameter that it does not depend on that is zero."""
    gradients = torch.autograd.grad(
        losses.sum(), list(by.values()), materialize_grads=True, retain_graph=keep
    )
    return _log_norm(torch.cat([gradient.flatten(1) for gradient in gradients], dim=1))


def _log_norm(rows: Tensor) -> Tensor:
    """ln of the Euclidean norm of each row, whose squares may be beyond all numbers."""
    largest = rows.abs().amax(dim=1)
    safe = torch.where((largest > 0) & largest.isfinite(), largest, 1.0)
    norm = torch.linalg.vector_norm(rows / safe[:, None], dim=1).log() + safe.log()
    return torch.where(largest.isinf(), torch.inf, norm)

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

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .architecture import Architecture, Parameters
from .lyapunov import double
from .rollout import MEMBERS
from .training import Windows, predict

FloatArray = NDArray[np.float64]


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
    members, size, places = states.shape
    with torch.no_grad():
        bound = architecture.bind(double(parameters))
        state = torch.split(states.double(), architecture.latent_dim, dim=1)
        identity = torch.eye(size, dtype=torch.float64, device=states.device)
        vectors = identity[None, :, None, :].expand(members, -1, places, -1)
        scale = vectors.new_zeros(members, places)
        norms = []
        for step in range(1, lags[-1] + 1):
            state, vectors = architecture.tangent_step(bound, state, vectors)
            largest = vectors.abs().amax(dim=(1, 3))
            # Rescaled at every step, so that no product leaves the range of numbers.
            vectors = vectors / torch.where(largest > 0, largest, 1.0)[:, None, :, None]
            scale = scale + largest.log()
            if step in lags:
                finite = torch.nan_to_num(vectors, posinf=0.0, neginf=0.0).permute(0, 2, 1, 3)
                norm = torch.linalg.matrix_norm(finite, ord=2)
                lost = ~torch.cat(state, dim=1).isfinite().all(dim=1)
                norms.append(torch.where(lost, torch.nan, scale + norm.log()))
        stacked: FloatArray = torch.stack(norms, dim=2).cpu().numpy()
    return stacked


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
    members = len(parameters["B"])
    # A network for each member and place, so that one backward pass gives every norm of its own; filled up,
    # so that no rounding depends on how many there are.
    count = members * len(places)
    filled = [i % count for i in range(count + -count % MEMBERS)]
    apart = {
        name: value.repeat_interleave(len(places), dim=0)[filled].requires_grad_()
        for name, value in double(parameters).items()
    }
    positions = places.repeat(members)[filled][:, None]
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
        last = windows.target_time == lag
        losses = (predictions - targets)[:, :, last].square().sum(dim=(1, 2))
        gradients = torch.autograd.grad(losses.sum(), list(apart.values()), materialize_grads=True)
        flat = torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)
        norms.append(_log_norm(flat[:count]).view(members, len(places)))
    return np.asarray(torch.stack(norms, dim=2).cpu().numpy(), dtype=np.float64)


def _log_norm(rows: Tensor) -> Tensor:
    """ln of the Euclidean norm of each row, whose squares may be beyond all numbers."""
    largest = rows.abs().amax(dim=1)
    safe = torch.where((largest > 0) & largest.isfinite(), largest, 1.0)
    norm = torch.linalg.vector_norm(rows / safe[:, None], dim=1).log() + safe.log()
    return torch.where(largest.isinf(), torch.inf, norm)

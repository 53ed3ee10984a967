"""Free runs: a trained network generates a trajectory on its own, never forced."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .architecture import Architecture, Parameters, State
from .kernels.free_runs import RunKernel, run_kernel_for
from .readout import control, read_out
from .replay import Replayed

MEMBERS = 16
"""A stack is filled up to a multiple of so many members, so that on a CPU no rounding depends on its size. On
a GPU libraries choose by it how they compute, and last digits follow."""

CHUNK = 200
"""Steps, of all runs of a member, that are read out together, and on a GPU launched as one."""


@dataclass(frozen=True, eq=False)
class FreeRun:
    """What a stack generated."""

    series: NDArray[np.float64]
    """x̂_1 … x̂_steps, (E, steps, N); the R runs of a member one after the other, (E, R · steps, N). What lies
    after the first non-finite value of a run is NaN."""
    landmarks: Tensor
    """Whole states at the steps asked for, (E, D, landmarks · R), step after step; NaN where no run was
    finite any more."""


def regressed_read_out(
    architecture: Architecture, parameters: Parameters, *, start: Tensor, states: Tensor
) -> Tensor:
    """A read-out of all states of a system from latent states that were trained on some (the paper's A.6.3).

    The first latent states of each member's free run are regressed on the true states at the same times, by
    least squares of least norm.

    Args:
        parameters: name → (E, ...).
        start: x_0, (N,), what is observed where the run starts.
        states: (n, K), the true states one to n steps later.

    Returns:
        (E, K, M); not finite for a member whose run is not.
    """
    B = parameters["B"]
    as_they_are = torch.eye(architecture.latent_dim).to(B).expand(len(B), -1, -1)
    latent = free_run(architecture, parameters, start=start, steps=len(states), shown=as_they_are).series
    true = states.double().cpu().numpy()
    shown = np.full((len(B), true.shape[1], architecture.latent_dim), np.nan)
    for member, run in enumerate(latent):  # one by one: no number depends on the others
        if np.isfinite(run).all():
            shown[member] = true.T @ np.linalg.pinv(run.T)
    return torch.from_numpy(shown).to(B)


def free_run(
    architecture: Architecture,
    parameters: Parameters,
    *,
    start: Tensor,
    steps: int,
    shown: Tensor | None = None,
    landmarks: Sequence[int] = (),
) -> FreeRun:
    """Generate x̂_1 … x̂_steps with every member of a stack, starting on the data.

    The state starts at z_0 = B⁺ x_0 (LSTM: c_0 = 0). No transient is removed.

    Args:
        parameters: name → (E, ...).
        start: x_0, (N,), the point where every member starts; or (R, N), R points for as many runs each.
        steps: length of a run.
        shown: (E, K, M), a read-out of what is wanted in place of the data, B; series then have K columns.
        landmarks: steps, rising, at which whole states are kept.
    """
    with torch.inference_mode():
        members, observed_dim, _ = parameters["B"].shape
        points = start.reshape(-1, observed_dim)
        shown = parameters["B"].detach() if shown is None else shown
        filled = [i % members for i in range(members + -members % MEMBERS)]
        parameters = {name: value.detach()[filled] for name, value in parameters.items()}
        B, shown = parameters["B"], shown[filled]
        observed = points.T.to(B).expand(len(filled), -1, -1)
        state = architecture.start(control(B, observed).contiguous())
        kernel = _kernel(architecture, B)
        if isinstance(kernel, RunKernel):
            of_members = {name: value[:members] for name, value in parameters.items()}
            begin = torch.cat(state, dim=1)[:members]
            run, places = kernel(
                of_members, shown=shown[:members], start=begin, steps=steps, landmarks=landmarks
            )
        else:
            bound = {name: value.contiguous() for name, value in architecture.bind(parameters).items()}
            run, places = _step_by_step(
                architecture, bound, state, shown=shown, members=members, steps=steps, landmarks=landmarks
            )
    lost = np.maximum.accumulate(~np.isfinite(run).all(axis=3), axis=2)
    run[lost] = np.nan
    return FreeRun(run.reshape(members, -1, run.shape[3]), places.clone())


def computed_by(architecture: Architecture, parameters: Parameters) -> str:
    """What free runs of such networks come from."""
    kernel = _kernel(architecture, parameters["B"])
    return kernel.name if isinstance(kernel, RunKernel) else f"torch ({kernel})"


def _kernel(architecture: Architecture, B: Tensor) -> RunKernel | str:
    return run_kernel_for(
        architecture.name, latent_dim=architecture.latent_dim, dtype=B.dtype, device=B.device
    )


def _step_by_step(
    architecture: Architecture,
    bound: Parameters,
    state: State,
    *,
    shown: Tensor,
    members: int,
    steps: int,
    landmarks: Sequence[int],
) -> tuple[NDArray[np.float64], Tensor]:
    """By tensor operations, all members and runs together: what the kernel returns, for as many members."""
    latent, runs = architecture.latent_dim, state[0].shape[2]
    series = np.full((members, runs, steps, shown.shape[1]), np.nan)
    block = max(1, min(steps, CHUNK // runs))

    def go(whole: Tensor, count: int = block) -> Tensor:
        state, passed = torch.split(whole, latent, dim=1), []
        for _ in range(count):
            state = architecture.step(bound, state)
            passed.append(torch.cat(state, dim=1))
        return torch.stack(passed, dim=2)  # (E, D, count, R)

    replayed: Replayed[Tensor] = Replayed(shown.device)
    whole = torch.cat(state, dim=1)
    kept: list[Tensor] = []
    for begin in range(0, steps, block):
        count = min(block, steps - begin)
        passed = replayed(whole, go, rehearse=go) if count == block else go(whole, count)
        whole = passed[:, :, -1]
        kept += [
            passed[:members, :, step - begin - 1].clone() for step in landmarks if 0 < step - begin <= count
        ]
        chunk = read_out(shown, passed[:, :latent].flatten(2))[:members].double().cpu().numpy()
        series[:, :, begin : begin + count] = chunk.reshape(members, -1, count, runs).transpose(0, 3, 2, 1)
        if not whole[:, :latent].isfinite().flatten(1).all(dim=1).any():
            break
    nothing = whole[:members] * torch.nan
    kept += [nothing] * (len(landmarks) - len(kept))
    return series, torch.cat(kept, dim=2) if kept else nothing[:, :, :0]

"""What the dynamics of a trained network are, and how far its gradients reach: for every evaluation.

Exponents and class are those of the run that is scored: taken from RUNS places along its last nine tenths,
for a time that follows from the data's own exponent. Gradients are taken at PLACES of the test data. All
lengths stay within what the evaluation itself runs, so that a short one stays short.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .models.architecture import Architecture, Parameters
from .models.dynamics import Dynamics, classify
from .models.lyapunov import lyapunov_spectra
from .models.readout import control
from .models.rollout import FreeRun
from .models.sensitivity import (
    forced_gradient_norms,
    jacobian_norms,
    loss_gradient_norms,
    step_norms,
)
from .models.tangents import double
from .models.training import Group, Stack
from .systems.dataset import Dataset

RUNS = 16
"""Runs of each network that its exponents are averaged over."""
BEYOND = 3
"""Exponents in excess of the data's dimension: enough, as a rule, for a Kaplan-Yorke dimension."""
ALIGNMENT, AVERAGE = 10.0, 30.0
"""Lyapunov times of the data that tangent vectors have to align, and that are averaged over."""
SHORTEST, UNKNOWN = 500, 2000
"""Steps that are averaged over, at least, and where the data have no Lyapunov time."""

PLACES = 4
"""Of the test data, from where Jacobian products and loss gradients are taken."""
MOST_COMPONENTS = 128
"""Of a state whose single Jacobians have their norms taken: each is a singular value decomposition."""
LAGS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Steps between the two states."""


@dataclass(frozen=True)
class Diagnosis:
    """Of one network at one evaluation."""

    columns: Mapping[str, Any]
    """Of a trial's row. Exponents per time unit of the system."""
    gradients: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """Rows (quantity, lag, value): natural logarithms, the mean over places; −∞ where a norm is exactly 0."""


NOTHING: dict[str, Any] = {
    "dynamics": None, "dynamics_period": None, "net_lambda_max": None, "net_lambda_max_se": None,
    "net_spectrum": None, "dynamics_evidence": None,
}  # fmt: skip


def landmarks(steps: int) -> list[int]:
    """Steps of a scored run from where exponents are taken."""
    return sorted({int(step) for step in np.linspace(max(1, steps // 10), steps, RUNS)})


def diagnose(
    stack: Stack, data: Dataset, run: FreeRun, *, steps: int, unbounded: Sequence[bool]
) -> list[Diagnosis]:
    """Dynamics and gradients of every member of a stack.

    Args:
        run: the one that is scored, with its `landmarks`.
        steps: its length.
        unbounded: by member, whether it left every bound.
    """
    transient, averaged = _lengths(data, steps)
    # On the processor, wherever they were trained: there are kernels, and decompositions of matrices so small
    # take a GPU longer.
    parameters = {name: value.detach().cpu() for name, value in stack.parameters().items()}
    run = replace(run, landmarks=run.landmarks.cpu())
    bounds = stack.architecture.jacobian_bound(double(parameters)).tolist()
    spectra = lyapunov_spectra(
        stack.architecture,
        parameters,
        run.landmarks,
        exponents=min(run.landmarks.shape[1], data.dimension + BEYOND),
        transient=transient,
        steps=averaged,
    )
    gradients = _gradients(stack, parameters, data, run, longest=steps // 100)
    found = []
    for member in range(stack.size):
        dynamics = None if unbounded[member] else classify(spectra, member)
        columns = {**NOTHING, "dynamics": "unbounded"} if unbounded[member] else NOTHING
        if dynamics is not None:
            evidence = {
                **dynamics.as_dict(), "runs": int(spectra.runs[member]), "steps": averaged,
                "transient": transient,
                "jacobian_bound": bounds[member] if math.isfinite(bounds[member]) else None,
            }  # fmt: skip
            columns = _columns(dynamics, spectra.exponents[member], evidence, dt=data.dt)
        found.append(Diagnosis(columns, gradients[member]))
    return found


def _lengths(data: Dataset, steps: int) -> tuple[int, int]:
    """Steps in which tangent vectors align, and over which exponents are averaged."""
    most = max(1, steps // RUNS)
    if not (math.isfinite(data.tau_pred) and data.tau_pred > 0):
        return min(UNKNOWN // 4, most), min(UNKNOWN, most)
    lyapunov_time = data.tau_pred / math.log(2)
    averaged = min(max(SHORTEST, round(AVERAGE * lyapunov_time)), most)
    return min(round(ALIGNMENT * lyapunov_time), averaged), averaged


def _columns(
    dynamics: Dynamics, exponents: NDArray[np.float64], evidence: Mapping[str, Any], *, dt: float
) -> dict[str, Any]:
    from .identity import canonical_json

    return {
        "dynamics": dynamics.kind,
        "dynamics_period": dynamics.period,
        "net_lambda_max": dynamics.exponent / dt,
        "net_lambda_max_se": dynamics.standard_error / dt,
        "net_spectrum": (exponents / dt).tolist(),
        "dynamics_evidence": canonical_json(evidence),
    }


def _gradients(
    stack: Stack, parameters: Parameters, data: Dataset, run: FreeRun, *, longest: int
) -> list[list[dict[str, Any]]]:
    """Rows of every member: Jacobian products and loss gradients, free and as its regime has it.

    Products are taken from the data, as in training, and from places of the run that is scored: on the
    network's own attractor, of which theory speaks; there, from the last place, norms of single steps too.
    A forcing, or a reset, sets ∂z_{t+T}/∂z_t to 0 for all that lies across it.
    """
    longest = min(longest, data.test_parts.longest // 2)
    lags = [lag for lag in LAGS if lag <= longest] or [1]
    places = data.test_parts.spread(lags[-1], PLACES)
    architecture = stack.architecture
    observed = torch.from_numpy(data.test[places].T).to(parameters["B"]).expand(stack.size, -1, -1)
    with torch.no_grad():
        states = torch.cat(architecture.start(control(parameters["B"], observed)), dim=1)
    series = torch.from_numpy(np.ascontiguousarray(data.test.T))
    at = torch.from_numpy(places)
    of_run = run.landmarks[:, :, -PLACES:]
    free = jacobian_norms(architecture, parameters, states, lags=lags)
    by_quantity = {
        "ln_jacobian_run": jacobian_norms(architecture, parameters, of_run, lags=lags),
        "ln_jacobian_free": free,
    }
    if of_run.shape[1] <= MOST_COMPONENTS:
        steps = step_norms(architecture, parameters, of_run[:, :, -1:], lags=lags)
        with np.errstate(divide="ignore"):
            by_quantity |= {
                "ln_step_product_run": steps.sum_of_logs,
                "ln_step_sum_run": np.log(steps.sum),
                "ln_step_change_run": np.log(steps.sum_from_identity),
            }
    rows: list[list[dict[str, Any]]] = []
    for group in stack.groups:
        own = {name: value[group.members] for name, value in parameters.items()}
        found = {name: norms[group.members] for name, norms in by_quantity.items()}
        found |= _under(
            group, architecture, own, series, at, states=states[group.members], free=free[group.members],
            length=stack.settings.sequence_length, lags=lags,
        )  # fmt: skip
        rows += [
            [
                {"quantity": quantity, "lag": lag, "value": float(value)}
                for quantity, norms in found.items()
                for lag, value in zip(lags, norms[member].mean(axis=0), strict=True)
                # Training knows no lags that are longer than its sequences.
                if not math.isnan(value)
                and (lag <= stack.settings.sequence_length or not quantity.endswith("_trained"))
            ]
            for member in range(len(own["B"]))
        ]
    return rows


def _under(
    group: Group,
    architecture: Architecture,
    parameters: Parameters,
    series: torch.Tensor,
    places: torch.Tensor,
    *,
    states: torch.Tensor,
    free: NDArray[np.float64],
    length: int,
    lags: Sequence[int],
) -> dict[str, NDArray[np.float64]]:
    """By quantity, what is as a group's regime has it; `free` are Jacobian products of runs from the data."""
    window, from_data = group.windows.window, group.regime.starts_from_data
    trained = free
    if not from_data:
        trained = jacobian_norms(architecture, parameters, torch.zeros_like(states), lags=lags)
    on_data = (architecture, parameters, series, places)
    found = {"ln_jacobian_trained": np.where(np.array(lags) <= window, trained, -math.inf)}
    for quantity, cut in (("ln_loss_gradient_free", lags[-1]), ("ln_loss_gradient_trained", window)):
        found[quantity] = loss_gradient_norms(*on_data, window=cut, from_data=from_data, lags=lags)
    across = [lag for lag in lags if window < lag <= length]
    if across:
        lag = across[-1]
        plain = forced_gradient_norms(*on_data, window=window, from_data=from_data, lag=lag)
        for quantity, norms in zip(("ln_loss_gradient_plain", "ln_state_gradient_plain"), plain, strict=True):
            found[quantity] = np.full((*norms.shape, len(lags)), math.nan)
            found[quantity][:, :, lags.index(lag)] = norms
    return found

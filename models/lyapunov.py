"""Lyapunov exponents of networks that run freely, for a stack, by tangent dynamics with QR.

    z ← F(z),   V ← J(z) V,   λ_i = lim (1/T) Σ ln |R_ii|   with V = Q R taken every few steps

G. Benettin et al., Meccanica 15, 9 (1980). Unlike the exponents of a network that is driven by data, these
are those of what it generates by itself, and of its whole state: of an LSTM, h and c together (the paper's
Remark 3). Several runs of each network go side by side, as a rule from points along the one run that is
scored, and the standard error is taken over them. In double precision, whatever the training had.

Shapes: E members, R runs, D components of the state, K exponents. Units: exponents per step.
"""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .aligned import orthogonalised
from .architecture import Architecture, Parameters
from .tangents import Tangents

FloatArray = NDArray[np.float64]

LATE = 4.0
"""Standard errors between the exponents of the last runs and of those before, where a run settled late."""

STEPS_PER_QR = 4
"""Few enough that the directions that shrink fastest, by less than e⁻⁸ a step, are still told apart."""


@dataclass(frozen=True, eq=False)
class NetworkSpectra:
    """Exponents of every member of a stack."""

    exponents: FloatArray
    """(E, K), falling, per step; −∞ in a direction that is lost, NaN for a run that is not finite."""
    standard_errors: FloatArray
    """(E, K), over runs; of a member that settled late, over the last quarter of them alone."""
    path: FloatArray
    """The last run of each member, states (E, T + 1, D), while its exponents were taken."""
    transient: int
    steps: int
    runs: NDArray[np.int64]
    """(E,), how many count."""

    @property
    def shear(self) -> float:
        """Exponent of a distance that only grows in proportion to time, as seen in so many steps.

        Where nothing is chaotic, as on a torus, all runs show it alike, and their scatter does not.
        """
        return math.log1p(self.steps / max(self.transient, 1)) / self.steps


def lyapunov_spectra(
    architecture: Architecture,
    parameters: Parameters,
    states: Tensor,
    *,
    exponents: int,
    transient: int,
    steps: int,
) -> NetworkSpectra:
    """The largest exponents of the free runs from `states`.

    Args:
        parameters: name → (E, ...).
        states: (E, D, R), where the runs begin: on the attractor, if it is to be that of the attractor.
        exponents: how many, at most D.
        transient: steps in which the tangent vectors align, uncounted.
        steps: that are counted.

    Raises:
        ValueError: fewer than one exponent or step, or more exponents than components.
    """
    members, size, runs = states.shape
    if not 1 <= exponents <= size or steps < 1 or transient < 0:
        raise ValueError(
            f"needs 1 to {size} exponents, transient >= 0, steps >= 1, not {exponents}, {transient}, {steps}"
        )
    with torch.no_grad():
        tangents = Tangents(architecture, parameters)
        states = states.transpose(1, 2)
        vectors = _frames(members, size, runs, exponents).to(states.device)
        growth = vectors.new_zeros(members, runs, exponents)
        path = [states[:, -1:].double()]
        last = transient + steps
        stops = {*range(STEPS_PER_QR, last, STEPS_PER_QR), transient, last} - {0}
        for begin, stop in itertools.pairwise((0, *sorted(stops))):
            states, vectors, _, passed = tangents.along(states, vectors, steps=stop - begin)
            path.append(passed)
            vectors, upper = orthogonalised(vectors)
            if stop > transient:
                growth += upper.diagonal(dim1=2, dim2=3).abs().log()
        growth[~states.isfinite().flatten(1).all(dim=1)] = torch.nan
    rates = _settled(growth.cpu().numpy() / steps)
    counts = np.maximum((~np.isnan(rates[:, :, :1])).sum(axis=1), 1)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of members without any number
        mean = np.nanmean(rates, axis=1)
        error = np.nanstd(rates, axis=1, ddof=1) / np.sqrt(counts)
    error[np.isneginf(mean)] = 0.0
    order = np.argsort(-mean, axis=1, kind="stable")
    return NetworkSpectra(
        exponents=np.take_along_axis(mean, order, axis=1),
        standard_errors=np.take_along_axis(error, order, axis=1),
        path=torch.cat(path, dim=1)[:, transient:].cpu().numpy(),
        transient=transient,
        steps=steps,
        runs=counts[:, 0],
    )


def _settled(rates: FloatArray) -> FloatArray:
    """Rates (E, R, K), NaN in the early runs of a member whose last quarter has another λ₁.

    A run may settle late, as after transient chaos: what it did before is no part of its attractor.
    """
    runs = rates.shape[1]
    late = runs // 4
    if late < 2:
        return rates
    settled = rates.copy()
    for member in range(len(rates)):
        first = np.sort(rates[member], axis=1)[:, -1]
        early, last = first[:-late], first[-late:]
        if not np.isfinite(first).all():
            continue
        error = math.sqrt(early.var(ddof=1) / len(early) + last.var(ddof=1) / late)
        if abs(early.mean() - last.mean()) > max(LATE * error, 1e-6):
            settled[member, :-late] = np.nan
    return settled


def _frames(members: int, size: int, runs: int, count: int) -> Tensor:
    """One random orthogonal frame for all: the identity would stay in what a triangular Jacobian leaves."""
    frame, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((size, count)))
    return torch.from_numpy(frame).expand(members, runs, -1, -1)

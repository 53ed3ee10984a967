"""Fixed points and cycles of a network by Newton's method from many starts, with their stability.

    F^k(z) = z,   z ← z − (J_k(z) − 1)⁻¹ (F^k(z) − z),   J_k = J(z_k−1) … J(z_0)

A step that does not bring F^k(z) nearer to z is halved, so that starts in other linear regions of a PLRNN, or
on the flat of a tanh, do not run away. What is found is true to rounding; that nothing else exists is not
shown: unstable cycles have small basins under Newton's method, and the number of cycles of a chaotic network
grows exponentially with k.

A cycle is stable where the multipliers, the eigenvalues of J_k, are all inside the unit circle (the paper's
section 3.2). Shapes: D components of the whole state, of an LSTM h and c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .architecture import Architecture, Parameters
from .tangents import double

ITERATIONS = 60
HALVINGS = 12
RESIDUAL = 1e-10
"""|F^k(z) − z| below this, relative to 1 + |z|, is a solution."""
SAME = 1e-6
"""Solutions that are nearer than this, relative to 1 + |z|, are one."""
NEUTRAL = 1e-6
"""A largest multiplier so near to 1 is neither inside the unit circle nor outside."""


@dataclass(frozen=True, eq=False)
class Cycle:
    """A fixed point (period 1) or a k-cycle."""

    points: NDArray[np.float64]
    """(k, D), in order."""
    multipliers: NDArray[np.complex128]
    """Eigenvalues of J_k, the largest first."""
    found: int
    """Starts that led here."""

    @property
    def period(self) -> int:
        return len(self.points)

    @property
    def stability(self) -> Literal["stable", "neutral", "unstable"]:
        largest = abs(self.multipliers[0])
        if abs(largest - 1) <= NEUTRAL:
            return "neutral"
        return "stable" if largest < 1 else "unstable"

    @property
    def exponent(self) -> float:
        """Largest Lyapunov exponent of the cycle, per step: ln |largest multiplier| / k."""
        with np.errstate(divide="ignore"):
            return float(np.log(abs(self.multipliers[0]))) / self.period


def find_cycles(
    architecture: Architecture, parameters: Parameters, starts: Tensor, *, period: int = 1
) -> list[Cycle]:
    """The cycles of this very period (not of its divisors) that Newton's method reaches, stable ones first.

    Args:
        parameters: of one network: name → (1, ...).
        starts: (S, D), states where to begin.
        period: k ≥ 1.

    Raises:
        ValueError: a period below 1, or the parameters of a stack.
    """
    if period < 1 or len(parameters["B"]) != 1:
        raise ValueError("needs period >= 1 and the parameters of one network")
    with torch.no_grad():
        network = _Network(architecture, parameters, period)
        z = network.solve(starts.double())
        images = network.images(z)
        scale = 1.0 + z.norm(dim=1)
        solved = (images[-1] - z).norm(dim=1) <= RESIDUAL * scale
        # A solution of F^k whose own period is a divisor of k returns earlier.
        own = (
            torch.stack([(image - z).norm(dim=1) > SAME * scale for image in images[:-1]]).all(dim=0)
            if period > 1
            else torch.ones_like(solved)
        )
        chosen = torch.stack([z, *images[:-1]], dim=1)[solved & own]
        cycles: list[Cycle] = []
        for orbit in chosen:
            for i, known in enumerate(cycles):
                distance = (torch.from_numpy(known.points) - orbit[0]).norm(dim=1).min()
                if distance <= SAME * (1.0 + orbit[0].norm()):
                    cycles[i] = Cycle(known.points, known.multipliers, known.found + 1)
                    break
            else:
                values = torch.linalg.eigvals(network.jacobian(orbit[:1])[0]).numpy()
                cycles.append(Cycle(orbit.numpy(), values[np.argsort(-abs(values))], 1))
    return sorted(cycles, key=lambda cycle: float(abs(cycle.multipliers[0])))


class _Network:
    """F^k of one network on rows of whole states (S, D)."""

    def __init__(self, architecture: Architecture, parameters: Parameters, period: int) -> None:
        self._architecture, self._period = architecture, period
        self._bound = architecture.bind(double(parameters))

    def _split(self, z: Tensor) -> tuple[Tensor, ...]:
        return torch.split(z.T[None], self._architecture.latent_dim, dim=1)

    def images(self, z: Tensor) -> list[Tensor]:
        """F(z), …, F^k(z)."""
        state, images = self._split(z), []
        for _ in range(self._period):
            state = self._architecture.step(self._bound, state)
            images.append(torch.cat(state, dim=1)[0].T)
        return images

    def jacobian(self, z: Tensor) -> Tensor:
        """J_k, (S, D, D)."""
        size = z.shape[1]
        vectors = torch.eye(size, dtype=z.dtype)[None, :, None, :].expand(1, -1, len(z), -1)
        state = self._split(z)
        for _ in range(self._period):
            state, vectors = self._architecture.tangent_step(self._bound, state, vectors)
        return vectors[0].permute(1, 0, 2)

    def solve(self, z: Tensor) -> Tensor:
        """Newton's method with halved steps from every start; what does not converge stays where it got."""
        identity = torch.eye(z.shape[1], dtype=z.dtype)
        residual = self.images(z)[-1] - z
        for _ in range(ITERATIONS):
            going = residual.norm(dim=1) > 0.01 * RESIDUAL * (1.0 + z.norm(dim=1))
            if not going.any():
                break
            step, _ = torch.linalg.solve_ex(self.jacobian(z) - identity, -residual, check_errors=False)
            step = torch.where(step.isfinite() & going[:, None], step, 0.0)
            share = torch.ones(len(z), 1, dtype=z.dtype)
            for _ in range(HALVINGS):
                new = z + share * step
                left = self.images(new)[-1] - new
                worse = ~(left.norm(dim=1) < residual.norm(dim=1)) & going
                if not worse.any():
                    break
                share = torch.where(worse[:, None], share / 2, share)
            better = left.norm(dim=1) < residual.norm(dim=1)
            if not better.any():
                break
            z = torch.where(better[:, None], new, z)
            residual = torch.where(better[:, None], left, residual)
        return z

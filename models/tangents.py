"""Free runs with tangent vectors: what exponents and Jacobian products are taken from.

    z ← F(z),   V ← J(z) V

In double precision, whatever the training had. Shapes: E members, R runs, D components of a state, K vectors.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .architecture import Architecture, Parameters
from .kernels.tangents import TangentKernel, tangent_kernel_for


def double(parameters: Parameters) -> Parameters:
    """The same parameters in double precision, cut off from training."""
    return {name: value.detach().double() for name, value in parameters.items()}


class Along(NamedTuple):
    """Where runs came to."""

    states: Tensor
    """(E, R, D)"""
    vectors: Tensor
    """(E, R, D, K)"""
    scales: Tensor
    """(E, R), logarithms of what vectors were divided by; −∞ where a Jacobian left nothing of them."""
    path: Tensor
    """(E, steps, D), the states of each member's last run on the way."""


class Tangents:
    """The networks of a stack."""

    def __init__(self, architecture: Architecture, parameters: Parameters) -> None:
        self._architecture = architecture
        self._parameters = {name: value.contiguous() for name, value in double(parameters).items()}
        kernel = tangent_kernel_for(
            architecture.name, latent_dim=architecture.latent_dim, device=parameters["B"].device
        )
        self._kernel = kernel if isinstance(kernel, TangentKernel) else None

    def along(self, states: Tensor, vectors: Tensor, *, steps: int, rescaled: bool = False) -> Along:
        """Take runs, and vectors with them, so many steps further.

        Args:
            rescaled: whether vectors are divided after every step so that 1 is the largest number among those
                of a run, and none leaves the range of numbers.
        """
        with torch.no_grad():
            members, runs, size = states.shape
            states, vectors = (
                value.double().clone(memory_format=torch.contiguous_format) for value in (states, vectors)
            )
            scales = states.new_zeros(members, runs)
            path = states.new_empty(members, steps, size)
            if self._kernel is not None:
                self._kernel(
                    self._parameters,
                    states,
                    vectors,
                    steps=steps,
                    scales=scales if rescaled else None,
                    path=path,
                )
                return Along(states, vectors, scales, path)
            bound = self._architecture.bind(self._parameters)
            state = torch.split(states.transpose(1, 2), self._architecture.latent_dim, dim=1)
            vectors = vectors.transpose(1, 2)
            for step in range(steps):
                state, vectors = self._architecture.tangent_step(bound, state, vectors)
                path[:, step] = torch.cat([part[:, :, -1] for part in state], dim=1)
                if rescaled:
                    largest = vectors.abs().amax(dim=(1, 3))
                    vectors = vectors / torch.where(largest > 0, largest, 1.0)[:, None, :, None]
                    scales = scales + largest.log()
            return Along(torch.cat(state, dim=1).transpose(1, 2), vectors.transpose(1, 2), scales, path)

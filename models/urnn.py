"""Unitary evolution RNN (Arjovsky, Shah & Bengio 2016; the paper's eq. 41 and 42 with a constant input).

    z_t = σ_b(W z_{t-1} + h)        W unitary, m = M/2 complex units, b (m) real, h (m) complex
    σ_b(a) = (|a| + b) a/|a|  where |a| + b > 0,  else 0        (modReLU, by unit)

The latent state is (Re z, Im z), M real numbers, as h is (Re h, Im h), and the read-out sees all of them. W
is the exponential of the skew-Hermitian matrix (G − Gᵀ)/2 + i (G + Gᵀ)/2 with G (m, m) real: every unitary
matrix, with as many parameters as there are dimensions of them, and unitary throughout training.

σ_b turns a number by nothing and keeps or shortens small changes along a, but stretches those across it by
1 + b/|a|: that is more than 1 for b > 0 (`jacobian_bound`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import field_validator

from .architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor

    from .architecture import Parameters, State

TINY = 1e-30
"""Least squared modulus that is divided by: below it a number has no direction, and σ_b falls to 0 at 0."""


HALVINGS, TERMS = 10, 12
"""Of `_exponential`: to 1e-11 for spectral norms of up to 500, where initial ones are about 1."""


def _exponential(generator: Tensor) -> Tensor:
    """exp of matrices (E, m, m): its series for 2^−HALVINGS of them, squared as often, in double precision.

    PyTorch's chooses its order by all of a batch, so that a member's digits would follow the others', and
    waits for the GPU while it does.
    """
    import torch

    scaled = generator.to(torch.complex128) / 2**HALVINGS
    one = torch.eye(scaled.shape[-1], dtype=scaled.dtype, device=scaled.device)
    W = one.expand_as(scaled)
    for term in range(TERMS, 0, -1):
        W = one + scaled @ W / term
    for _ in range(HALVINGS):
        W = W @ W
    return W.to(generator.dtype)


class URNN(Architecture):
    """Unitary evolution RNN with modReLU, autonomous."""

    name: ClassVar[str] = "urnn"

    @field_validator("latent_dim")
    @classmethod
    def _two_for_each_unit(cls, value: int) -> int:
        if value % 2:
            raise ValueError("expected an even number, two for each complex unit")
        return value

    def shapes(self) -> dict[str, tuple[int, ...]]:
        units = self.latent_dim // 2
        return {"G": (units, units), "b": (units,), "h": (2 * units,)}

    def bind(self, parameters: Parameters) -> Parameters:
        import torch

        G = parameters["G"]
        generator = torch.complex(G - G.mT, G + G.mT) / 2
        W = _exponential(generator)
        as_real = torch.cat([torch.cat([W.real, -W.imag], dim=2), torch.cat([W.imag, W.real], dim=2)], dim=1)
        return {"W": as_real, "b": parameters["b"].unsqueeze(2), "h": parameters["h"].unsqueeze(2)}

    def step(self, bound: Parameters, state: State) -> State:
        argument = bound["h"].baddbmm(bound["W"], state[0])
        re, im = argument.chunk(2, dim=1)
        modulus = (re * re + im * im).clamp_min(TINY).sqrt()
        gain = (modulus + bound["b"]).relu() / modulus
        return (argument * gain.repeat(1, 2, 1),)

    def tangent_step(self, bound: Parameters, state: State, vectors: Tensor) -> tuple[State, Tensor]:
        """J = D W; where |a| + b > 0, D is 1 along the argument a and 1 + b/|a| across it, elsewhere 0."""
        import torch

        argument = bound["h"].baddbmm(bound["W"], state[0])
        re, im = argument.chunk(2, dim=1)
        modulus = (re * re + im * im).clamp_min(TINY).sqrt()
        gain = (modulus + bound["b"]).relu() / modulus
        d_re, d_im = (bound["W"] @ vectors.flatten(2)).view(vectors.shape).chunk(2, dim=1)
        across, u_re, u_im = (part.unsqueeze(3) for part in (gain, re / modulus, im / modulus))
        along = (gain > 0).unsqueeze(3) * (1 - across) * (u_re * d_re + u_im * d_im)
        pushed = torch.cat([across * d_re + along * u_re, across * d_im + along * u_im], dim=1)
        return (argument * gain.repeat(1, 2, 1),), pushed

    def jacobian_bound(self, parameters: Parameters) -> Tensor:
        """1 where no bias is positive. With one that is there is none: it stretches by 1 + b/|a|."""
        b = parameters["b"]
        return b.new_ones(len(b)).masked_fill(~(b <= 0).all(dim=1), math.inf)

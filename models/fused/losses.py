"""For which stacks there is a kernel, and how it is called."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import torch
from torch import Tensor

from ..readout import right_inverse
from .compiler import NoCompilerError, compiler

WEIGHTS = {"rnn": ("W", "h", "B"), "plrnn": ("AW", "h", "B"), "lstm": ("W", "b", "B")}
"""Architecture → its recurrent weights, bias and read-out: those for which there is a kernel."""

LARGEST = 128
"""Latent units and observed variables from which on states leave the cache, and libraries' products are as
good."""

NUMBERS = {
    torch.float32: {"REAL": "float", "INTEGER": "int32_t", "IS_DOUBLE": 0},
    torch.float64: {"REAL": "double", "INTEGER": "int64_t", "IS_DOUBLE": 1},
}


@dataclass(frozen=True, eq=False)
class Kernel:
    """Losses and gradients of a stack of one architecture, by a function that was compiled for it."""

    name: str
    """The compiler, and what it compiled for."""
    call: Any
    weights: tuple[str, str, str]

    def losses_and_gradients(
        self,
        flat: Tensor,
        offsets: Mapping[str, int],
        *,
        series: Tensor,
        positions: Tensor,
        steps: int,
        window: int,
        from_data: bool,
        shape: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        """What `Stack.losses_and_gradients` returns.

        Args:
            flat: (E, P), the parameters of a member in a row; `offsets` are where each begins.
            series: (L, N), contiguous.
            positions: (E, R), first indices of each member's subsequences, at most L − steps − 1.
            shape: (N, M), of the read-out.

        Raises:
            MemoryError: there is not enough for the states of one block of windows.
        """
        members, batch = positions.shape
        observed, latent = shape
        begin = offsets[self.weights[2]]
        size = observed * latent
        gradient = torch.zeros_like(flat)
        losses = torch.empty(members, dtype=torch.float64)
        places = (ctypes.c_int64 * 3)(*(offsets[name] for name in self.weights))
        inverse = d_inverse = None
        if from_data:
            with torch.enable_grad():
                B = flat[:, begin : begin + size].detach().reshape(members, *shape).requires_grad_()
                inverse = right_inverse(B).contiguous()
            d_inverse = torch.zeros_like(inverse)
        failed = self.call(
            _at(series), steps, window, batch, members, _at(positions.contiguous()), _at(flat), flat.shape[1],
            places, _at(inverse), _at(losses), _at(gradient), _at(d_inverse),
        )  # fmt: skip
        if failed:
            raise MemoryError("no memory for the states of a block of windows")
        if inverse is not None:
            (d_B,) = torch.autograd.grad(inverse, B, d_inverse)
            gradient[:, begin : begin + size] += d_B.reshape(members, size)
        return losses.to(flat.dtype), gradient


def kernel_for(
    architecture: str, *, latent_dim: int, observed_dim: int, dtype: torch.dtype, device: torch.device
) -> Kernel | str:
    """The kernel of such a stack, or why there is none."""
    if device.type != "cpu":
        return f"on {device.type} by tensor operations"
    if architecture not in WEIGHTS:
        return f"none for {architecture}"
    if max(latent_dim, observed_dim) > LARGEST:
        return f"none for more than {LARGEST} units or variables"
    try:
        return _kernel(architecture, latent_dim, observed_dim, dtype)
    except NoCompilerError as error:
        return str(error)


@cache
def _kernel(architecture: str, latent_dim: int, observed_dim: int, dtype: torch.dtype) -> Kernel:
    source = resources.files(__package__).joinpath("fused.c").read_text(encoding="utf-8")
    sizes = {"ARCHITECTURE": architecture.upper(), "M": latent_dim, "N": observed_dim}
    made = compiler()
    function = made.library(source, {**sizes, **NUMBERS[dtype]}).losses_and_gradients
    whole, place = ctypes.c_int64, ctypes.c_void_p
    function.argtypes = [place, whole, whole, whole, whole, place, place, whole, place, *[place] * 4]
    function.restype = ctypes.c_int
    return Kernel(made.name, function, WEIGHTS[architecture])


def _at(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()

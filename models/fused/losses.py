"""For which stacks there is a kernel, and how it is called."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources

import torch
from torch import Tensor

from .compiler import NoCompilerError, compiler

WEIGHTS = {"rnn": ("W", "h", "B"), "plrnn": ("AW", "h", "B"), "lstm": ("W", "b", "B")}
"""Architecture → its recurrent weights, bias and read-out: those for which there is a kernel."""

LARGEST = 128
"""Latent units and observed variables from which on states leave the cache, and libraries' products are as
good."""

NUMBERS: dict[torch.dtype, dict[str, str | int]] = {
    torch.float32: {"REAL": "float", "INTEGER": "int32_t", "IS_DOUBLE": 0},
    torch.float64: {"REAL": "double", "INTEGER": "int64_t", "IS_DOUBLE": 1},
}


@dataclass(frozen=True, eq=False)
class Kernel:
    """What was compiled for stacks of one architecture."""

    name: str
    """The compiler, and what it compiled for."""
    code: ctypes.CDLL
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
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What `Stack.losses_and_gradients` returns.

        Args:
            flat: (E, P), the parameters of a member in a row; `offsets` are where each begins.
            series: (L, N), contiguous.
            positions: (E, R), first indices of each member's subsequences, at most L − steps − 1.

        Raises:
            MemoryError: there is not enough for the states of one block of windows.
        """
        members, batch = positions.shape
        positions = positions.contiguous()
        gradient = torch.zeros_like(flat)
        losses, norms = torch.empty(2, members, dtype=torch.float64)
        places = (ctypes.c_int64 * 3)(*(offsets[name] for name in self.weights))

        def some(first: int, last: int) -> bool:
            return bool(self.code.losses_and_gradients(
                series.data_ptr(), steps, window, batch, last - first, from_data, positions[first].data_ptr(),
                flat[first].data_ptr(), flat.shape[1], places, losses[first].data_ptr(),
                gradient[first].data_ptr(), norms[first].data_ptr(),
            ))  # fmt: skip

        threads = min(members, torch.get_num_threads())
        if threads == 1:
            failed = some(0, members)
        else:  # members know nothing of each other: each thread has some of them, to the same digits
            bounds = [members * i // threads for i in range(threads + 1)]
            failed = any(list(_threads(threads).map(some, bounds[:-1], bounds[1:])))
        if failed:
            raise MemoryError("no memory for the states of a block of windows")
        return losses, gradient, norms

    def adam(
        self,
        flat: Tensor,
        gradient: Tensor,
        *,
        mean: Tensor,
        square: Tensor,
        alive: Tensor,
        losses: Tensor,
        norms: Tensor,
        settings: tuple[float, float, float, float],
        step: int,
    ) -> None:
        """What `Adam.update` does, in place; `settings` are its rate, β₁, β₂ and ε."""
        self.code.adam(
            *flat.shape, flat.data_ptr(), gradient.data_ptr(), mean.data_ptr(), square.data_ptr(),
            alive.data_ptr(), losses.data_ptr(), norms.data_ptr(), *settings, step,
        )  # fmt: skip


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
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="kernel")


@cache
def _kernel(architecture: str, latent_dim: int, observed_dim: int, dtype: torch.dtype) -> Kernel:
    source = resources.files(__package__).joinpath("fused.c").read_text(encoding="utf-8")
    sizes: dict[str, str | int] = {"ARCHITECTURE": architecture.upper(), "M": latent_dim, "N": observed_dim}
    made = compiler()
    code = made.load(source, {**sizes, **NUMBERS[dtype]})
    place, whole, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    code.losses_and_gradients.argtypes = [place, *[whole] * 5, place, place, whole, *[place] * 4]
    code.losses_and_gradients.restype = ctypes.c_int
    code.adam.argtypes = [whole, whole, *[place] * 7, *[real] * 4, whole]
    code.adam.restype = None
    return Kernel(made.name, code, WEIGHTS[architecture])

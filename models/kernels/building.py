"""For which networks there are kernels, and how one is built."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources

import torch

from ...compiler import NoCompilerError, compiler

WEIGHTS = {"rnn": ("W", "h", "B"), "plrnn": ("AW", "h", "B"), "lstm": ("W", "b", "B")}
"""Architecture → its recurrent weights, bias and read-out: those for which there are kernels."""

LARGEST = 128
"""Latent units and observed variables from which on states leave the cache, and libraries' products are as
good."""

NUMBERS: dict[torch.dtype, dict[str, str | int]] = {
    torch.float32: {"REAL": "float", "INTEGER": "int32_t", "IS_DOUBLE": 0},
    torch.float64: {"REAL": "double", "INTEGER": "int64_t", "IS_DOUBLE": 1},
}

PLACE, WHOLE, NUMBER = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
"""Types of what is handed over: an address, a whole number, any number."""


def why_none(architecture: str, *sizes: int, device: torch.device) -> str:
    """Why there is no kernel for such a network, whatever compiler there is; '' where there is one."""
    if device.type != "cpu":
        return f"on {device.type} by tensor operations"
    if architecture not in WEIGHTS:
        return f"none for {architecture}"
    return f"none for more than {LARGEST} units or variables" if max(sizes) > LARGEST else ""


def build(*files: str, architecture: str, dtype: torch.dtype, **sizes: int) -> tuple[ctypes.CDLL, str]:
    """What files say for such networks, compiled, and what compiled it.

    Raises:
        NoCompilerError: there is no compiler that compiles it.
    """
    folder = resources.files(__package__)
    source = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in ("vectors.h", *files))
    made = compiler()
    return made.load(source, {"ARCHITECTURE": architecture.upper(), **sizes, **NUMBERS[dtype]}), made.name


def over_members(members: int, some: Callable[[int, int], int]) -> None:
    """Do something for the members from a first to a last one, each of torch's threads for some of them.

    Members know nothing of each other, so that no digit depends on how many threads there are.

    Raises:
        MemoryError: it returned something else than 0.
    """
    threads = min(members, torch.get_num_threads())
    bounds = [members * i // threads for i in range(threads + 1)]
    if threads == 1:
        failed = some(0, members)
    else:
        failed = any(list(_threads(threads).map(some, bounds[:-1], bounds[1:])))
    if failed:
        raise MemoryError("no memory for the states of networks")


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="kernel")


__all__ = ["NUMBER", "PLACE", "WEIGHTS", "WHOLE", "NoCompilerError", "build", "over_members", "why_none"]

"""How a kernel is built."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...compiler import NoCompilerError, compiler
from .networks import why_none

K = TypeVar("K")

NUMBERS: dict[torch.dtype, dict[str, str | int]] = {
    torch.float32: {"REAL": "float", "INTEGER": "int32_t", "IS_DOUBLE": 0},
    torch.float64: {"REAL": "double", "INTEGER": "int64_t", "IS_DOUBLE": 1},
}

ALIGNED = 64
"""Bytes of the widest vectors that there are."""

PLACE, WHOLE, NUMBER = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
"""Types of what is handed over: an address, a whole number, any number."""


def kernel_or_why(make: Callable[[], K], architecture: str, *sizes: int, device: torch.device) -> K | str:
    """What `make` builds for such networks, or why there is none."""
    if device.type != "cpu":
        return f"on {device.type} by tensor operations"
    if why := why_none(architecture, *sizes):
        return why
    try:
        return make()
    except NoCompilerError as error:
        return str(error)


def build(*files: str, architecture: str, dtype: torch.dtype, **sizes: int) -> tuple[ctypes.CDLL, str]:
    """What files say for such networks, compiled, and what compiled it.

    Raises:
        NoCompilerError: there is no compiler that compiles it.
    """
    folder = resources.files(__package__)
    source = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in ("vectors.h", *files))
    made = compiler()
    return made.load(source, {"ARCHITECTURE": architecture.upper(), **sizes, **NUMBERS[dtype]}), made.name


class Workspaces:
    """Memory that is kept between calls, one piece for each that go on at once.

    To ask for pages anew takes as long as to use them; and threads come and go, so that none has its own.
    """

    def __init__(self) -> None:
        self._free: list[NDArray[np.uint8]] = []

    @contextlib.contextmanager
    def of(self, size: int) -> Iterator[int]:
        """The address of so many bytes, at a whole number of the widest vectors.

        Raises:
            MemoryError: there are not so many.
        """
        try:
            held = self._free.pop()
        except IndexError:
            held = np.empty(0, np.uint8)
        if held.nbytes < size + ALIGNED:
            held = np.empty(size + ALIGNED, np.uint8)
        place = int(held.ctypes.data)
        try:
            yield place + -place % ALIGNED
        finally:
            self._free.append(held)


def over_members(members: int, some: Callable[[int, int], int]) -> None:
    """Do something for the members from a first to a last one, each of torch's threads for some of them.

    Members know nothing of each other, so that no digit depends on how many threads there are.

    Raises:
        MemoryError: it returned something else than 0.
    """
    threads = max(1, min(members, torch.get_num_threads()))
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

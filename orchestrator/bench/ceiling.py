"""What a core of this machine can do at most, and what an epoch of training takes of it."""

import ctypes
import time
from dataclasses import dataclass
from importlib import resources

import numpy as np
import torch

from ..compiler import NoCompilerError, compiler
from ..models.kernels import __name__ as KERNELS
from ..models.kernels.building import ALIGNED, NUMBERS

GATES = {"rnn": 1, "plrnn": 1, "lstm": 4}
"""Architecture → rows of its recurrent weights for each unit."""
FUNCTIONS = {"rnn": 1, "plrnn": 0, "lstm": 5}
"""Architecture → logistic functions and hyperbolic tangents of a step for each unit."""

NEAREST, SECOND, MEMORY = 4 << 10, 512 << 10, 256 << 20
"""Bytes that are held by the nearest cache, by the second, and by neither."""


@dataclass(frozen=True)
class Work:
    """What an epoch of one network takes at the least."""

    operations: float
    """Multiplications and additions in matrix products, counted apart."""
    functions: float
    """Elementary functions."""


@dataclass(frozen=True)
class Ceilings:
    """What one core does in a second, at most."""

    operations: float
    """Multiplications and additions, counted apart, of numbers in registers."""
    functions: float
    """Logistic functions, as kernels take them, of numbers in the nearest cache."""
    cache: float
    """Bytes read from the second cache."""
    memory: float
    """Bytes read from memory."""

    def floor(self, work: Work) -> float:
        """Seconds that it takes at the least."""
        return work.operations / self.operations + work.functions / self.functions


def work(
    architecture: str,
    *,
    latent_dim: int,
    observed_dim: int,
    steps: int,
    windows: int,
    from_data: bool = True,
) -> Work | None:
    """Of an epoch of one network.

    A step of one window takes a product with the recurrent weights W forward, one back, and one for their
    gradient; the read-out likewise. A first step takes x by W B⁺, and what W B⁺ owes is a product with x: N
    for M columns, and none back. (Not of a PLRNN, where W takes what was rectified.) What is neither product
    nor elementary function is not counted.

    Args:
        steps, windows: of all minibatches of the epoch.
        from_data: whether windows start from the data, or from zero, which W need not be multiplied by.

    Returns:
        None for an architecture whose products are not such.
    """
    if architecture not in GATES:
        return None
    rows = GATES[architecture] * latent_dim
    of_step, of_read_out = 6.0 * rows * latent_dim, 6.0 * observed_dim * latent_dim
    of_first = of_step if architecture == "plrnn" else 4.0 * rows * observed_dim * from_data
    products = steps * of_read_out + (steps - windows) * of_step + windows * of_first
    return Work(products, float(steps * latent_dim * FUNCTIONS[architecture]))


def ceilings(repeats: int = 5) -> Ceilings | str:
    """Those of this machine, or why they cannot be measured."""
    parts = [(KERNELS, "vectors.h"), (__package__, "ceiling.c")]
    source = "\n".join(
        resources.files(room).joinpath(name).read_text(encoding="utf-8") for room, name in parts
    )
    try:
        code = compiler().load(source, {"ARCHITECTURE": "RNN", "M": 1, **NUMBERS[torch.float32]})
    except NoCompilerError as error:
        return str(error)
    held = np.ones(MEMORY // 4 + ALIGNED, dtype=np.float32)
    place = int(held.ctypes.data) + -int(held.ctypes.data) % ALIGNED

    def most(name: str, times: int, size: int) -> float:
        run = getattr(code, name)
        run.argtypes, run.restype = [ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64], ctypes.c_int64
        rates = []
        for _ in range(repeats):
            began = time.perf_counter()
            done = run(times, place, size)
            rates.append(done / (time.perf_counter() - began))
        return float(max(rates))

    return Ceilings(
        operations=most("multiply_and_add", 2_000_000, 0),
        functions=most("functions", 20_000, NEAREST),
        cache=most("passes", 2_000, SECOND),
        memory=most("passes", 1, MEMORY),
    )

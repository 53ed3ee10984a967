"""How a process is set up before it trains."""

import ctypes
import sys

import torch

from . import provenance

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


def prepare(*, threads: int, gpus: float = 0.0) -> str:
    """Set threads, denormals and the allocator for training stacks; returns the device to use.

    A stack's states are blocks of some 100 KB, made and dropped thousands of times an epoch. glibc
    returns such memory to the system and faults it in again, which costs a fifth of the time of an
    epoch; told not to, it keeps it. Denormal numbers, which vanishing gradients are full of, are set
    to zero: they would be computed in microcode, a hundred times slower.
    """
    provenance.collect()  # now, so that it tells of the code that runs and not of a later edit
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    if sys.platform == "linux":
        try:
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
            libc.mallopt(_M_TRIM_THRESHOLD, 1 << 30)
        except (OSError, AttributeError):
            pass  # another C library: slower, not wrong
    return "cuda" if gpus > 0 and torch.cuda.is_available() else "cpu"

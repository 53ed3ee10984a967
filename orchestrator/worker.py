"""How a process is set up before it trains."""

import torch

from . import provenance


def prepare(*, threads: int, gpus: float = 0.0) -> str:
    """Set up this process for training stacks; returns the device to use.

    One torch thread per core that was assigned: a stack's operations are too small to share out.
    Denormal numbers, which vanishing gradients are full of, are set to zero: processors compute them
    many times slower than others.
    """
    provenance.collect()  # now, so that it tells of the code that runs and not of a later edit
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    return "cuda" if gpus > 0 and torch.cuda.is_available() else "cpu"

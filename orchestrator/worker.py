"""How a process is set up before it trains."""

import torch

from . import provenance


def prepare(*, threads: int, gpus: float = 0.0) -> str:
    """Set up this process for training stacks; returns the device to use.

    One torch thread per core that was assigned: a stack's operations are too small to share out.

    Raises:
        RuntimeError: a GPU was assigned and this torch cannot use one.
    """
    provenance.collect()  # now, so that it tells of the code that runs and not of a later edit
    torch.set_num_threads(threads)
    if gpus > 0 and not torch.cuda.is_available():
        raise RuntimeError("a GPU was assigned, but this installation of torch has no CUDA")
    return "cuda" if gpus > 0 else "cpu"

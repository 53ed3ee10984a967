"""Which errors say that memory ran out."""

import torch


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error says that memory, of the GPU or of the machine, ran out, or came up after one that
    does."""
    # PyTorch has no class of its own for a CPU that cannot allocate, nor for libraries on a GPU.
    texts = ("allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    while error is not None:
        if isinstance(error, MemoryError | torch.OutOfMemoryError):
            return True
        if isinstance(error, RuntimeError) and any(text in str(error) for text in texts):
            return True
        error = error.__context__
    return False

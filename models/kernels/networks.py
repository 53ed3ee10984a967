"""For which networks there are kernels."""

WEIGHTS = {"rnn": ("W", "h", "B"), "plrnn": ("AW", "h", "B"), "lstm": ("W", "b", "B")}
"""Architecture → its recurrent weights, bias and read-out: those for which there are kernels."""

LARGEST = 128
"""Latent units and observed variables from which on states leave the cache, and libraries' products are as
good."""


def why_none(architecture: str, *sizes: int) -> str | None:
    """Why there is no kernel for such networks; None where there is one."""
    if architecture not in WEIGHTS:
        return f"none for {architecture}"
    if max(sizes) > LARGEST:
        return f"none for more than {LARGEST} units or variables"
    return None

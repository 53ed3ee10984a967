"""Common random numbers that survive growth.

Each (seed, purpose) has a stream of its own, derived and not drawn: the numbers that a trial gets do
not depend on which trials exist beside it, on the order in which they run, or on what the study holds
later. Regimes and learning intervals of one seed are thereby paired for free.
"""

import hashlib

import numpy as np


def stream(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """The generator of one (seed, purpose, index).

    The purpose enters by its SHA-256, so that it means the same in every process and on every
    machine (Python's own `hash` does not).
    """
    digest = hashlib.sha256(purpose.encode()).digest()
    words = tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(*words, index))))

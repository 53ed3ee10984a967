"""What a core of this machine can do at most, and what an epoch of training takes of it."""

import ctypes
import time
from importlib import resources

from ..compiler import NoCompilerError, compiler

STEPS = 2_000_000


def operations(architecture: str, *, latent_dim: int, observed_dim: int, steps: int) -> float | None:
    """Multiplications and additions of an epoch of one network, counted apart, in its matrix products.

    A step of one window takes a product with the recurrent weights forward, one back, and one for their
    gradient; the read-out likewise. Elementwise functions are not counted: they are what is left to gain.

    Args:
        steps: of all windows of all minibatches of the epoch.

    Returns:
        None for an architecture whose products are not such.
    """
    gates = {"rnn": 1, "plrnn": 1, "lstm": 4}.get(architecture)
    if gates is None:
        return None
    return 6.0 * steps * latent_dim * (gates * latent_dim + observed_dim)


def most_per_second(repeats: int = 5) -> float | None:
    """Multiplications and additions a second, counted apart, of one core; None without a compiler."""
    source = resources.files(__package__).joinpath("ceiling.c").read_text(encoding="utf-8")
    try:
        run = compiler().load(source, {}).multiply_and_add
    except NoCompilerError:
        return None
    run.argtypes, run.restype = [ctypes.c_int64, ctypes.c_void_p], ctypes.c_int64
    out = ctypes.c_float()
    rates = []
    for _ in range(repeats):
        began = time.perf_counter()
        done = run(STEPS, ctypes.byref(out))
        rates.append(done / (time.perf_counter() - began))
    return float(max(rates))

"""The constructions by architecture and kind."""

from __future__ import annotations

import math
from typing import Literal, get_args

from ..streams import stream
from . import gated, piecewise_linear, tanh, unitary
from .blocks import FloatArray, Maker

Kind = Literal["fixed_point", "cycle", "quasi_periodic", "chaotic", "superstable", "neutral"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SMALLEST = 8
"""Latent units that a construction needs at least."""

_MODULES = {"rnn": tanh, "plrnn": piecewise_linear, "lstm": gated, "urnn": unitary}
"""Each with a maker of the name of every kind."""

ARCHITECTURES = tuple(_MODULES)
"""Those of which networks can be constructed."""


def construct(
    architecture: str, kind: Kind, *, latent_dim: int, observed_dim: int, seed: int
) -> dict[str, FloatArray]:
    """Weights of one network, with those that an architecture of this name has.

    Raises:
        ValueError: there is no such construction, or too few latent units.
    """
    if architecture not in _MODULES or kind not in KINDS:
        raise ValueError(
            f"no {kind!r} network of architecture {architecture!r} can be constructed: there are "
            f"{', '.join(KINDS)} of {', '.join(ARCHITECTURES)}"
        )
    if latent_dim < max(SMALLEST, observed_dim):
        raise ValueError(f"a constructed network needs latent_dim >= {max(SMALLEST, observed_dim)}")
    rng = stream(seed, f"construction/{architecture}/{kind}")
    make: Maker = getattr(_MODULES[architecture], kind)
    weights = make(latent_dim, rng)
    bound = 4.0 / math.sqrt(latent_dim)  # so that a start on the data is a small state
    return {**weights, "B": rng.uniform(-bound, bound, (observed_dim, latent_dim))}

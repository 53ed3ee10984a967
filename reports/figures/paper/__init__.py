"""The figures of Mikhaeil, Monfared & Durstewitz, "On the difficulty of learning chaotic dynamics with RNNs"
(NeurIPS 2022), made anew from results and recordings: one module per kind of figure.
"""

from .attractors import Portrait, attractor_figure
from .recordings import (
    Divergence,
    Preparation,
    exponent_and_sweep_figure,
    exponent_figure,
    preparation_figure,
)
from .sweeps import Sweep, sweep_figure

__all__ = [
    "Divergence",
    "Portrait",
    "Preparation",
    "Sweep",
    "attractor_figure",
    "exponent_and_sweep_figure",
    "exponent_figure",
    "preparation_figure",
    "sweep_figure",
]

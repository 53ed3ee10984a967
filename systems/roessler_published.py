"""Rössler as it is in the data file released with the sparse-forcing paper.

One step ahead of that file is given to 2e-8 by a = 0.15, b = 0.2, c = 10 and dt = 0.1, the parameters of its
text, after one shift (0.0465) and one scale (6.823) for all three columns: only the standardisation differs
from `roessler`. z, whose SD is then 0.53, fills little of a box that is cut by dimension.
"""

from __future__ import annotations

import dataclasses

from .roessler import ROESSLER

ROESSLER_PUBLISHED = dataclasses.replace(
    ROESSLER,
    name="roessler_published",
    description="Rössler as in the data released with Mikhaeil et al. (2022): one mean and one SD for all",
    source="data file of Mikhaeil, Monfared & Durstewitz, NeurIPS (2022); equations: Rössler (1976)",
    standardisation="global",
)

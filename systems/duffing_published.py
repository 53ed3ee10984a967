"""The forced Duffing oscillator as it is in the data file released with the sparse-forcing paper.

The parameters are those of its text (see `duffing`), the time step is not: cos ωt of that file turns by
0.24822 a step, which is dt = 0.1773 for ω = 1.4. The published τ_pred of 39.28 steps belongs to it:
ln 2 / (0.0995 · 0.1773) = 39.29.
"""

from __future__ import annotations

import dataclasses

from .duffing import DUFFING

DUFFING_PUBLISHED = dataclasses.replace(
    DUFFING,
    name="duffing_published",
    description="forced Duffing oscillator as in the data released with Mikhaeil et al. (2022), dt 0.1773",
    source="data file of Mikhaeil, Monfared & Durstewitz, NeurIPS (2022); equations: Duffing (1918)",
    dt=0.1773,
)

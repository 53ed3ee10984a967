"""Share of generated points that lie outside the box around the true attractor, from 0 to 1.

Box [min − margin·s, max + margin·s] of the truth per dimension, s its SD: the box of the clean D_stsp.
Binned measures that drop such points cannot tell a net that leaves the attractor from one that stays,
hence a column of its own. Shapes: truth (T, N), generated (T', N). A trajectory with non-finite values has
no share: NaN.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .base import FloatArray, check_generated, check_truth
from .box import Box, BoxRule


@dataclass(frozen=True, kw_only=True)
class OutsideShare:
    """Definition: which box counts as inside."""

    box: BoxRule = "truth_range"
    box_width: float = 0.1
    """Margin (`truth_range`) or half width (`zero_centred`) in SDs of the truth, per dimension."""
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return {"measure": "outside_share", **asdict(self)}

    def bind(self, truth: FloatArray) -> _BoundShare:
        return _BoundShare(check_truth(truth), self)


class _BoundShare:
    def __init__(self, truth: FloatArray, definition: OutsideShare) -> None:
        self._box = Box(truth, rule=definition.box, width=definition.box_width)
        self._dimension = truth.shape[1]

    def score(self, generated: FloatArray) -> float:
        points = check_generated(generated, self._dimension)
        if not len(points) or not np.isfinite(points).all():
            return math.nan
        return 1.0 - float(self._box.inside(points).mean())

    def ceiling(self, steps: int | None = None) -> float:
        return 1.0


def outside_share(
    truth: FloatArray, generated: FloatArray, *, definition: OutsideShare | None = None
) -> float:
    """Share of `generated` (T', N) outside the box around `truth` (T, N)."""
    return (definition or OutsideShare()).bind(truth).score(generated)

"""All measures of one or more presets against one truth, with what depends on the truth computed once.

Shapes: truth (T, N), generated (T', N), standardised alike. Values by preset and measure:
{"orch": {"d_stsp": …, "d_h": …, "psc": …, "outside_share": …}, "published": {…}}; NaN where a generated
trajectory has no value (see `base`). Raises ValueError for an unknown preset or data of the wrong shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .base import check_generated, check_truth
from .presets import DEFAULT_PRESETS, definitions


class MeasureSet:
    """Scores generated trajectories against `truth` by the definitions of `presets`."""

    def __init__(self, truth: ArrayLike, presets: Sequence[str] = DEFAULT_PRESETS) -> None:
        array = check_truth(truth)
        self.dimension = array.shape[1]
        self._definitions = definitions(tuple(presets), dimension=self.dimension)
        self._bound = {
            preset: {measure: definition.bind(array) for measure, definition in measures.items()}
            for preset, measures in self._definitions.items()
        }

    def evaluate(self, generated: ArrayLike) -> dict[str, dict[str, float]]:
        """Every measure of every preset for one generated trajectory (T', N)."""
        points = check_generated(generated, self.dimension)
        with np.errstate(all="ignore"):
            return {
                preset: {measure: bound.score(points) for measure, bound in measures.items()}
                for preset, measures in self._bound.items()
            }

    def ceilings(self, steps: int | None = None) -> dict[str, dict[str, float]]:
        """The worst value of each measure: near it a run has collapsed, and differences mean nothing.

        D_stsp: `steps` points (by default as many as the truth has), all in one bin that the truth never
        visits; 1 for D_H and the share outside; −1 for PSC, whose failures lie near 0.
        """
        return {
            preset: {measure: bound.ceiling(steps) for measure, bound in measures.items()}
            for preset, measures in self._bound.items()
        }

    def definitions(self) -> dict[str, dict[str, dict[str, Any]]]:
        """All settings of each measure as plain JSON types."""
        return {
            preset: {measure: definition.as_dict() for measure, definition in measures.items()}
            for preset, measures in self._definitions.items()
        }

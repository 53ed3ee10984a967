"""All measures of one or more presets against one truth, with what depends on the truth computed once.

A definition that several presets share is bound, and scored, once.

Shapes: truth (T, N), generated (T', N), standardised alike. Values by preset and measure:
{"orch": {"d_stsp": …, "d_h": …, "psc": …, …}, "published": {…}, "gtf": {…}}; NaN where a generated trajectory
has no value (see `base`). Raises ValueError for an unknown preset or data of the wrong shape.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..parts import Parts
from .base import Bound, Definition, check_generated, check_truth
from .presets import DEFAULT_PRESETS, definitions

SPECTRAL = ("d_h", "psc")
"""Measures of how a trajectory moves, and not of where it dwells: of a series in parts they take the
longest."""


class MeasureSet:
    """Scores generated trajectories against `truth` by the definitions of `presets`."""

    def __init__(
        self, truth: ArrayLike, presets: Sequence[str] = DEFAULT_PRESETS, *, parts: Parts | None = None
    ) -> None:
        """
        Args:
            parts: of the truth, where it is not one.
        """
        array = check_truth(truth)
        in_a_row = parts.longest_of(array) if parts else array
        self.dimension = array.shape[1]
        self._definitions = definitions(tuple(presets), dimension=self.dimension)
        self._bound: dict[Definition, Bound] = {}
        for by_measure in self._definitions.values():
            for measure, definition in by_measure.items():
                if definition not in self._bound:
                    self._bound[definition] = definition.bind(in_a_row if measure in SPECTRAL else array)

    def evaluate(
        self, generated: ArrayLike, *, only: Collection[str] | None = None, parts: Parts | None = None
    ) -> dict[str, dict[str, float]]:
        """Every measure of every preset, or `only` some, for one generated trajectory (T', N).

        Args:
            parts: of the generated trajectory, where it is not one.
        """
        points = check_generated(generated, self.dimension)
        in_a_row = parts.longest_of(points) if parts else points
        scores: dict[Definition, float] = {}
        values: dict[str, dict[str, float]] = {}
        with np.errstate(all="ignore"):
            for preset, by_measure in self._definitions.items():
                values[preset] = {}
                for measure, definition in by_measure.items():
                    if only is not None and measure not in only:
                        continue
                    if definition not in scores:
                        given = in_a_row if measure in SPECTRAL else points
                        scores[definition] = self._bound[definition].score(given)
                    values[preset][measure] = scores[definition]
        return values

    def ceilings(self, steps: int | None = None) -> dict[str, dict[str, float]]:
        """The worst value of each measure: near it a run has collapsed, and differences mean nothing.

        D_stsp: `steps` points (by default as many as the truth has), all in one bin that the truth never
        visits; 1 for D_H and the share outside; −1 for PSC, whose failures lie near 0; 0 for D₂, as of what
        stands still; for the sliced Wasserstein distance, which has no worst value, that of standing still in
        a corner.
        """
        return {
            preset: {
                measure: self._bound[definition].ceiling(steps) for measure, definition in by_measure.items()
            }
            for preset, by_measure in self._definitions.items()
        }

    def definitions(self) -> dict[str, dict[str, dict[str, Any]]]:
        """All settings of each measure as plain JSON types."""
        return {
            preset: {measure: definition.as_dict() for measure, definition in measures.items()}
            for preset, measures in self._definitions.items()
        }

"""No training at all: networks that are made to have dynamics which are known beforehand.

Beside trained ones they are evidence for what theory says of gradients (`constructions`). Everything but the
training is as for any other trial: free run, measures, exponents, gradients on the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ..constructions import ARCHITECTURES, SMALLEST, Kind, construct
from .regime import Regime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..architecture import Architecture


class Constructed(Regime):
    """Networks of known dynamics, made and not trained."""

    name: ClassVar[str] = "constructed"
    trains: ClassVar[bool] = False
    modules: ClassVar[tuple[str, ...]] = ("models/constructions",)

    dynamics: Kind = Field(description="what the network is to do when it runs freely")

    def window(self, sequence_length: int) -> int:
        return sequence_length

    def initial(
        self, architecture: Architecture, observed_dim: int, seed: int
    ) -> dict[str, NDArray[np.float64]]:
        return construct(
            architecture.name,
            self.dynamics,
            latent_dim=architecture.latent_dim,
            observed_dim=observed_dim,
            seed=seed,
        )

    @classmethod
    def architectures(cls) -> tuple[str, ...] | None:
        return ARCHITECTURES

    def smallest_latent_dim(self) -> int:
        return SMALLEST

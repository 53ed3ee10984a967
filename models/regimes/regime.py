"""What a training regime decides: where the state is set anew, to what, and what happens to gradients.

Every regime here cuts a sequence of T steps into windows of equal length (the last one may be
shorter). At a window's first step the state is set from outside, so it depends on the parameters and
the data but not on the window before: given the parameters, windows are independent, and all windows
of all sequences run side by side. A regime is thus three answers, and training is written once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from ..architecture import Architecture


class Regime(BaseModel, ABC):
    """A training regime with its parameters (pydantic fields, part of a trial's identity)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: ClassVar[str]
    starts_from_data: ClassVar[bool] = True
    """Whether windows start from the control ẑ = B⁺ x, or from the zero state."""

    trains: ClassVar[bool] = True
    """Whether there is any training, or networks are taken as they are at first."""

    modules: ClassVar[tuple[str, ...]] = ()
    """Folders of the package that serve this regime alone, beside its own file."""

    @abstractmethod
    def window(self, sequence_length: int) -> int:
        """Steps between two settings of the state, at most `sequence_length`."""

    def initial(
        self, architecture: Architecture, observed_dim: int, seed: int
    ) -> dict[str, NDArray[np.float64]]:
        """Weights of one member before training."""
        return architecture.initial(observed_dim, seed)

    @classmethod
    def architectures(cls) -> tuple[str, ...] | None:
        """Names of those that this regime is for; None where it is for any."""
        return None

    def smallest_latent_dim(self) -> int:
        """Latent units that this regime needs, whatever the data."""
        return 1

    def transform_gradient(self, gradient: Tensor, norms: Tensor) -> Tensor:
        """What is done to each member's gradient (E, P), of norm (E,) in float64, before the update."""
        return gradient

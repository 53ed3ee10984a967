"""Classical BPTT with gradient clipping (the paper's dashed lines; Pascanu et al. 2013).

The state starts at the control ẑ_0 and is never forced again. Before each update the gradient over
all parameters of a member, g, is scaled to norm at most `max_norm` (or exactly, with `normalise`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from .regime import Regime

if TYPE_CHECKING:
    from torch import Tensor


class Clipping(Regime):
    """Backpropagate through the whole sequence and clip the gradient's norm, per member."""

    name: ClassVar[str] = "clipping"

    max_norm: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="largest gradient norm")
    normalise: bool = Field(default=False, description="scale to max_norm exactly, also upwards")

    def window(self, sequence_length: int) -> int:
        return sequence_length

    def transform_gradient(self, gradient: Tensor, norms: Tensor) -> Tensor:
        norm = norms.unsqueeze(1)
        scale = self.max_norm / norm
        if not self.normalise:
            scale = scale.clamp_max(1.0)
        # A gradient of exactly zero has no direction: it stays zero.
        scale = scale.where(norm > 0, 1.0)
        return (gradient.double() * scale).to(gradient.dtype)

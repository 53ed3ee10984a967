"""Classical BPTT with gradient clipping (the paper's dashed lines; Pascanu et al. 2013).

The state starts at the control ẑ_0 and is never forced again. Before each update the gradient over
all parameters of a member, g, is scaled to norm at most `max_norm` (or exactly, with `normalise`).
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from .regime import Regime, gradient_norm


class Clipping(Regime):
    """Backpropagate through the whole sequence and clip the gradient's norm, per member."""

    name: ClassVar[str] = "clipping"

    max_norm: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="largest gradient norm")
    normalise: bool = Field(default=False, description="scale to max_norm exactly, also upwards")

    def window(self, sequence_length: int) -> int:
        return sequence_length

    def transform_gradient(self, gradient: Tensor) -> Tensor:
        norm = gradient_norm(gradient).unsqueeze(1)
        scale = self.max_norm / norm
        if not self.normalise:
            scale = scale.clamp_max(1.0)
        # A gradient of exactly zero has no direction: it stays zero.
        scale = torch.where(norm > 0, scale, 1.0)
        return (gradient.double() * scale).to(gradient.dtype)

"""Sparsely forced BPTT (Mikhaeil, Monfared & Durstewitz, section 4.1, eq. 15 and 16).

At t = 0 and wherever t mod τ = 0 the state is replaced by the control ẑ_t = B⁺ x_t before the step.
The loss is taken at every step. The forcing cuts the Jacobian product (eq. 94 to 96), so gradients
reach back at most τ steps. Never applied at test time.
"""

from typing import ClassVar

from pydantic import Field

from .regime import Regime


class SparseForcing(Regime):
    """Force the state onto the data every `tau` steps."""

    name: ClassVar[str] = "sparse_forcing"

    tau: int = Field(ge=1, description="learning interval τ in steps")

    def window(self, sequence_length: int) -> int:
        return min(self.tau, sequence_length)

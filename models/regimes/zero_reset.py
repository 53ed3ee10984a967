"""Windows that start from the zero state (the paper's A.6.4, Fig. 9).

The sequence is cut into windows of length τ as under sparse forcing, but each starts from z = 0
instead of the control: the usual way of batching a long series, which kicks the state off the track.
"""

from typing import ClassVar

from pydantic import Field

from .regime import Regime


class ZeroReset(Regime):
    """Reset the state to zero every `tau` steps."""

    name: ClassVar[str] = "zero_reset"
    starts_from_data: ClassVar[bool] = False

    tau: int = Field(ge=1, description="window length τ in steps")

    def window(self, sequence_length: int) -> int:
        return min(self.tau, sequence_length)

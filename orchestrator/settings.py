"""Settings of a trial that belong to no leaf: how it is evaluated."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class EvaluationSettings(BaseModel):
    """How a trained network is measured. The measures' own definitions stand beside each value."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    steps: int = Field(
        default=100_000, ge=1_000, le=10_000_000, description="length of the free run in steps"
    )
    checkpoints: int = Field(
        default=5,
        ge=0,
        le=100,
        description="evaluations in the course of training, before the one at the end",
    )

    restart_every: int | None = Field(
        default=None,
        ge=10,
        le=10_000_000,
        description="where a run dwells is measured over runs of so many steps, each started on the data",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.restart_every is not None and self.restart_every > self.steps:
            raise ValueError(f"restart_every must be at most steps ({self.steps}), not {self.restart_every}")
        return self

    def epochs(self, total: int) -> list[int]:
        """Epochs after which the network is evaluated: `checkpoints` evenly spaced ones, and the last."""
        inner = {round(total * i / (self.checkpoints + 1)) for i in range(1, self.checkpoints + 1)}
        return sorted({epoch for epoch in inner if epoch >= 1} | {total})

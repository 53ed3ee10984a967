"""Settings of a training: part of what a trial is."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingSettings(BaseModel):
    """Training settings of a trial; the defaults are the authors', but for the sequence length, which
    they set by the largest τ of a sweep."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    epochs: int = Field(default=3000, ge=1, le=10_000_000, description="epochs")
    batches_per_epoch: int = Field(default=10, ge=1, le=1_000_000, description="minibatches an epoch")
    batch_size: int = Field(default=32, ge=1, le=1_000_000, description="rows R of a minibatch")
    sequence_length: int = Field(
        default=200, ge=1, le=1_000_000, description="steps T of a training sequence"
    )
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False, description="Adam's step size")
    precision: Literal["float32", "float64"] = Field(default="float32", description="arithmetic of training")

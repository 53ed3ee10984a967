"""Checkpoints of a stack in training, so that a stack that was killed goes on where it was.

One safetensors file per stack: the tensors of the training, and the rest (JSON) in one more. Random numbers
are derived from (seed, purpose, epoch), so the epoch is all there is to them. A checkpoint serves only the
same trials on the same kind of device, made by code of the same fingerprint: another's is passed over, and
what it would have saved is computed again.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from . import durable
from .begun import STATE, checkpoint_path, compressed, decompressed

SECONDS = 120.0
"""The longest that a stack trains between two checkpoints; one is also made before each evaluation."""


@dataclass(frozen=True)
class Checkpoint:
    """What a stack had come to."""

    tensors: dict[str, Tensor]
    state: dict[str, Any]


class Keeper:
    """The place of one stack's checkpoint."""

    def __init__(self, results: Path, trial_ids: Sequence[str], *, fingerprint: str, device: str) -> None:
        self.path = checkpoint_path(results, trial_ids)
        self._trial_ids = json.dumps(list(trial_ids))
        self._made_by = {"code_fingerprint": fingerprint, "device": device.split(":")[0]}

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Replace the checkpoint; a kill at any moment leaves the old one or the new one.

        Args:
            state: plain data; its `epoch` says how far the training is.

        Raises:
            OSError: it cannot be written.
        """
        metadata = {
            **self._made_by,
            "trial_ids": self._trial_ids,
            "epoch": str(state["epoch"]),
        }
        on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        on_cpu[STATE] = torch.from_numpy(compressed(state).copy())
        durable.write(self.path, safetensors.torch.save(on_cpu, metadata))

    def load(self) -> Checkpoint | None:
        """The checkpoint, or None where there is none that serves. A damaged one serves nobody, nor one of a
        version that kept other things: what it saved is computed again."""
        try:
            with safetensors.safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                if any(metadata.get(key) != value for key, value in self._made_by.items()):
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                return Checkpoint(tensors, decompressed(tensors.pop(STATE).numpy()))
        except (OSError, KeyError, ValueError, zlib.error, safetensors.SafetensorError):
            return None

    def remove(self) -> None:
        """The stack is finished."""
        self.path.unlink(missing_ok=True)

"""Stacks that were begun and are not in the journal yet: what lies in `checkpoints/`, without reading it all.

    checkpoints/<stack>.safetensors    the training as it was (`checkpoint` writes and loads them)
    checkpoints/<stack>.parts          memory did not hold this stack: in how many parts it is to run

Both name the trials of their stack, so a plan can say what was begun, go on with the same stacks wherever
it runs next, and remove what has been finished.
"""

import contextlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors

from . import durable
from .identity import digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STATE = "state"
"""The tensor of a checkpoint that holds what is not a tensor."""


def stack_id(trial_ids: Sequence[str]) -> str:
    """The name of a stack: a hash of its trials."""
    return digest(list(trial_ids))[:16]


@dataclass(frozen=True)
class Begun:
    """A stack with a checkpoint."""

    trial_ids: tuple[str, ...]
    epoch: int
    """Epochs that are done."""
    fingerprint: str
    """Of the code that made the checkpoint: other code does not go on from it."""
    device: str
    """`cpu` or `cuda`, likewise."""


def joined(fingerprints: Iterable[str]) -> str:
    """The fingerprint of the code of a stack, from those of its cells."""
    return "+".join(sorted(set(fingerprints)))


def checkpoint_path(results: Path, trial_ids: Sequence[str]) -> Path:
    """Where the checkpoint of a stack stands."""
    return results / "checkpoints" / f"{stack_id(trial_ids)}.safetensors"


def begun(results: Path) -> list[Begun]:
    """Every stack with a checkpoint that can be read, those furthest on first."""
    found = []
    for path in (results / "checkpoints").glob("*.safetensors"):
        said = _metadata(path)
        if said is not None:
            ids = tuple(json.loads(said["trial_ids"]))
            found.append(Begun(ids, int(said["epoch"]), said["code_fingerprint"], said["device"]))
    return sorted(found, key=lambda stack: (-stack.epoch, stack.trial_ids))


def epoch_of(results: Path, trial_ids: Sequence[str]) -> int:
    """Epochs that a stack's checkpoint has done; 0 without one."""
    said = _metadata(checkpoint_path(results, trial_ids))
    return int(said["epoch"]) if said is not None else 0


def curves_so_far(results: Path, stack: str, trial_ids: Sequence[str]) -> list[list[dict[str, Any]]]:
    """The curves of some trials of a stack up to its checkpoint: {epoch, quantity, value}; [] without one."""
    path = results / "checkpoints" / f"{stack}.safetensors"
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            ids = json.loads((file.metadata() or {})["trial_ids"])
            points: list[list[dict[str, Any]]] = decompressed(file.get_tensor(STATE))["course"]["points"]
        of_each = dict(zip(ids, points, strict=True))
        return [of_each[trial_id] for trial_id in trial_ids]
    except (OSError, KeyError, ValueError, zlib.error, safetensors.SafetensorError):
        return []


def compressed(state: dict[str, Any]) -> "NDArray[np.uint8]":
    """Plain data as a tensor: what stands beside tensors in a file may not be large, as curves of hundreds of
    networks are."""
    import numpy as np

    return np.frombuffer(zlib.compress(json.dumps(state).encode(), 1), dtype=np.uint8)


def decompressed(state: "NDArray[np.uint8]") -> dict[str, Any]:
    """What `compressed` was given."""
    found: dict[str, Any] = json.loads(zlib.decompress(state.tobytes()))
    return found


def mark_too_large(results: Path, trial_ids: Sequence[str]) -> int:
    """Note that memory did not hold a stack; in how many parts it is to run next, twice as many as before.

    Raises:
        OSError: it cannot be written.
    """
    count = min(len(trial_ids), 2 * parts(results, trial_ids))
    mark_parts(results, trial_ids, count)
    return count


def mark_parts(results: Path, trial_ids: Sequence[str], count: int) -> None:
    """Note in how many parts a stack is run.

    Raises:
        OSError: it cannot be written.
    """
    content = {"trial_ids": list(trial_ids), "parts": count}
    durable.write(_mark(results, trial_ids), json.dumps(content).encode())


def parts(results: Path, trial_ids: Sequence[str]) -> int:
    """In how many parts a stack is to run."""
    try:
        return int(json.loads(_mark(results, trial_ids).read_bytes())["parts"])
    except (OSError, ValueError, KeyError):
        return 1


def forget(results: Path, trial_ids: Sequence[str]) -> None:
    """The stack is in the journal: remove what was kept of it."""
    _mark(results, trial_ids).unlink(missing_ok=True)
    checkpoint_path(results, trial_ids).unlink(missing_ok=True)


def sweep(results: Path, finished: Callable[[list[str]], Mapping[str, float]]) -> None:
    """Remove what is left of stacks that were killed after they were done, before they had tidied up.

    Args:
        finished: tells which of these trials have a result, and since when, in seconds since 1970. What is
            younger is of a stack that is run anew.
    """
    folder = results / "checkpoints"
    left: dict[Path, list[str]] = {}
    for path in folder.glob("*.safetensors"):
        said = _metadata(path)
        if said is not None:
            left[path] = json.loads(said["trial_ids"])
    for path in folder.glob("*.parts"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            left[path] = json.loads(path.read_bytes())["trial_ids"]
    if left:
        known = finished([trial_id for ids in left.values() for trial_id in ids])
        for path, trial_ids in left.items():
            since = [known.get(trial_id, 0.0) for trial_id in trial_ids]
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime <= min(since):
                    path.unlink()


def _mark(results: Path, trial_ids: Sequence[str]) -> Path:
    return results / "checkpoints" / f"{stack_id(trial_ids)}.parts"


def _metadata(path: Path) -> dict[str, str] | None:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            said: dict[str, str] = file.metadata() or {}
    except (OSError, safetensors.SafetensorError):
        return None
    return said if {"trial_ids", "epoch", "code_fingerprint", "device"} <= said.keys() else None

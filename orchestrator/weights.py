"""The final parameters of every trial, as safetensors: `models/<first two digits>/<trial>.safetensors`.

Where a trial was run again and came to another network, as by other code, that one is kept beside the first,
which stays: `<trial>-<first twelve of its digest>.safetensors`. A row names its network by the digest.

No pickle: what is read back can hold numbers and text, never code.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from . import durable
from .errors import OrchError

if TYPE_CHECKING:
    from .identity import Trial

Weights = dict[str, NDArray[np.float32 | np.float64]]


def path_of(results: Path, trial_id: str, expected: str | None = None) -> Path:
    """Where a trial's parameters are kept, there or not.

    Args:
        expected: the `parameters_digest` of the trial's row, where it has one.
    """
    first = results / "models" / trial_id[:2] / f"{trial_id}.safetensors"
    other = first.with_stem(f"{trial_id}-{(expected or '')[:12]}")
    return other if expected and other.exists() else first


def path_for(results: Path, trial_id: str, found: str) -> Path:
    """Where a trial's parameters of this digest are to be kept: nothing that can be read gives way."""
    first = path_of(results, trial_id)
    if not first.exists() or digest_of(first) in (None, found):
        return first
    return first.with_stem(f"{trial_id}-{found[:12]}")


def trial_of(path: Path) -> str:
    """The id of the trial whose parameters a file holds."""
    return path.stem.partition("-")[0]


def digest(weights: Weights) -> str:
    """SHA-256 over names, types, shapes and numbers of a network's parameters."""
    hashed = hashlib.sha256()
    for name in sorted(weights):
        value = np.ascontiguousarray(weights[name])
        hashed.update(f"{name} {value.dtype.str} {value.shape} ".encode() + value.tobytes())
    return hashed.hexdigest()


def digest_of(path: Path) -> str | None:
    """`digest` of what a file holds; None where it cannot be read."""
    try:
        return digest(safetensors.numpy.load_file(path))
    except (OSError, safetensors.SafetensorError):
        return None


def save(results: Path, trial: "Trial", weights: Weights) -> str:
    """Keep a trial's parameters, on disk when this returns; its settings travel in the file.

    Returns:
        Their `digest`, by which a row says which network it is of.

    Raises:
        OSError: they cannot be written.
    """
    from .identity import canonical_json

    metadata = {"trial_id": trial.trial_id, "config": canonical_json(trial.config)}
    found = digest(weights)
    durable.write(path_for(results, trial.trial_id, found), safetensors.numpy.save(weights, metadata))
    return found


def load(results: Path, trial_id: str, *, expected: str | None = None) -> Weights:
    """A trial's parameters by name: W, h, B, … as in its architecture's docstring.

    Args:
        expected: the `parameters_digest` of the trial's row, where it has one.

    Raises:
        OrchError: there are none, the file is damaged, or it holds another network than the row is of.
    """
    path = path_of(results, trial_id, expected)
    try:
        kept = dict(safetensors.numpy.load_file(path))
    except FileNotFoundError:
        raise OrchError(f"no parameters of trial {trial_id[:12]} in {path.parent.parent}") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise OrchError(f"{path} cannot be read: {error}") from None
    if expected is not None and digest(kept) != expected:
        raise OrchError(
            f"{path} holds another network than the one that trial {trial_id[:12]} was measured on"
        )
    return kept

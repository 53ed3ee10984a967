"""The final parameters of every trial, as safetensors: `models/<first two digits>/<trial>.safetensors`.

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


def path_of(results: Path, trial_id: str) -> Path:
    """Where a trial's parameters are kept."""
    return results / "models" / trial_id[:2] / f"{trial_id}.safetensors"


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
    durable.write(path_of(results, trial.trial_id), safetensors.numpy.save(weights, metadata))
    return digest(weights)


def load(results: Path, trial_id: str, *, expected: str | None = None) -> Weights:
    """A trial's parameters by name: W, h, B, … as in its architecture's docstring.

    Args:
        expected: the `parameters_digest` of the trial's row, where it has one.

    Raises:
        OrchError: there are none, the file is damaged, or it holds another network than the row is of.
    """
    path = path_of(results, trial_id)
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

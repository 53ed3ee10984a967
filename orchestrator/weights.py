"""The final parameters of every trial, as safetensors: `models/<first two digits>/<trial>.safetensors`.

No pickle: what is read back can hold numbers and text, never code.
"""

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


def save(results: Path, trial: "Trial", weights: Weights) -> None:
    """Keep a trial's parameters, on disk when this returns; its settings travel in the file.

    Raises:
        OSError: they cannot be written.
    """
    from .identity import canonical_json

    metadata = {"trial_id": trial.trial_id, "config": canonical_json(trial.config)}
    durable.write(path_of(results, trial.trial_id), safetensors.numpy.save(weights, metadata))


def load(results: Path, trial_id: str) -> Weights:
    """A trial's parameters by name: W, h, B, … as in its architecture's docstring.

    Raises:
        OrchError: there are none, or the file is damaged.
    """
    path = path_of(results, trial_id)
    try:
        return dict(safetensors.numpy.load_file(path))
    except FileNotFoundError:
        raise OrchError(f"no parameters of trial {trial_id[:12]} in {path.parent.parent}") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise OrchError(f"{path} cannot be read: {error}") from None

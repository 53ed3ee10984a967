"""A trained network as it was kept, put together again: to run freely, and to be looked at as a dynamical
system.
"""

import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import weights
from .errors import OrchError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from .identity import Trial
    from .models.architecture import Architecture
    from .models.cycles import Cycle
    from .systems.dataset import Dataset

FloatArray = NDArray[np.float64]

STARTS = 64
"""Along the free run, and as many of no relation to it, from where cycles are looked for."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A network with the data that it was trained on."""

    architecture: "Architecture"
    parameters: "dict[str, Tensor]"
    """name → (1, ...)"""
    data: "Dataset"

    def generate(
        self, steps: int, *, start: Sequence[float] | None = None, standardised: bool = False
    ) -> FloatArray:
        """A free run from the point where the evaluation started, or another: (steps, N), NaN from where it
        is no longer finite.

        On the kind of machine where it was evaluated this is the very run that was measured, digit by digit
        (but for what `evaluation.restart_every` measures on short runs); on another, rounding differs and a
        chaotic run soon leaves it, on the same attractor.

        Args:
            start: what is observed one step before the run, a value for each variable, in the system's units
                or, if `standardised`, in what the network knows.
            standardised: whether to return what the network knows instead of the system's own units.

        Raises:
            UsageError: `start` is no such point.
        """
        import torch

        from .models.rollout import free_run

        at = self._start
        if start is not None:
            point = np.array(start, dtype=np.float64)
            if point.shape != (self.data.dimension,) or not np.isfinite(point).all():
                names, given = ", ".join(self.data.variables), ", ".join(map(str, start))
                raise UsageError(f"a start has {self.data.dimension} finite values ({names}), not {given}")
            at = torch.from_numpy(point if standardised else (point - self.data.mean) / self.data.sd)
        (run,) = free_run(self.architecture, self.parameters, start=at, steps=steps).series
        return run if standardised else self.in_own_units(run)

    @property
    def _start(self) -> "Tensor":
        import torch

        return torch.from_numpy(self.data.test[0])

    def described(self) -> dict[str, Any]:
        """All that it takes to run the network without this tool, beside its parameters; plain JSON types."""
        data = self.data
        return {
            "architecture": {"name": self.architecture.name, **self.architecture.model_dump()},
            "equations": sys.modules[type(self.architecture).__module__].__doc__,
            "read_out": "x̂_t = B z_t (LSTM: B h_t), standardised; in the system's units x̂_t · sd + mean",
            "start": "z_0 = B⁺ x_0, B⁺ the pseudo-inverse of B, x_0 standardised (LSTM: h_0, and c_0 = 0)",
            "variables": list(data.variables),
            "dt": data.dt,
            "mean": data.mean.tolist(),
            "sd": data.sd.tolist(),
            "x_0": self.in_own_units(data.test[0]).tolist(),
        }

    def in_own_units(self, series: FloatArray) -> FloatArray:
        """Standardised data (T, N) in the units of the system."""
        return series * self.data.sd + self.data.mean

    def observed(self, points: FloatArray) -> FloatArray:
        """What states (k, D) show, in the units of the system: (k, N)."""
        B = self.parameters["B"][0].double().cpu().numpy()
        return self.in_own_units(points[:, : B.shape[1]] @ B.T)

    def cycles(self, periods: Sequence[int], *, steps: int = 10_000) -> "dict[int, list[Cycle]]":
        """Fixed points (period 1) and cycles that Newton's method finds from places along a free run of so
        many steps and from the data, by period.
        """
        import torch

        from .models.cycles import find_cycles
        from .models.readout import control
        from .models.rollout import free_run

        places = sorted({int(step) for step in np.linspace(1, steps, STARTS)})
        run = (
            free_run(self.architecture, self.parameters, start=self._start, steps=steps, landmarks=places)
            .landmarks[0]
            .double()
            .T
        )
        B = self.parameters["B"].double()
        index = np.linspace(0, len(self.data.test) - 1, STARTS).astype(np.int64)
        shown = torch.from_numpy(self.data.test[index].T)[None]
        forced = torch.cat(self.architecture.start(control(B, shown)), dim=1)[0].T
        starts = torch.cat([run[run.isfinite().all(dim=1)], forced])
        return {
            period: find_cycles(self.architecture, self.parameters, starts, period=period)
            for period in periods
        }


def load(row: Mapping[str, Any], results: Path) -> Trained:
    """The network of a trial's row, with the data that it was trained on: those that the results folder has
    prepared, whatever is called by the system's name now, or else those that are.

    Args:
        row: of `trial_id`, `config`, `system_hash` and `parameters_digest` at the least.

    Raises:
        OrchError: the parameters or the data are not there, or this version cannot build the network.
    """
    import torch
    from pydantic import ValidationError

    from .identity import trial_from_config

    try:
        trial = trial_from_config(json.loads(row["config"]))
    except KeyError as error:
        raise OrchError(
            f"this version of orch cannot build trial {row['trial_id'][:12]}: it does not know {error}"
        ) from None
    except ValidationError as error:
        raise OrchError(f"this version of orch cannot build trial {row['trial_id'][:12]}: {error}") from None
    data = _data_of(trial, row, results)
    if trial.trial_id != row["trial_id"]:
        raise OrchError(
            f"trial {row['trial_id'][:12]} is of an older version of its system or of training, "
            "which this version of orch cannot repeat"
        )
    kept = weights.load(results, trial.trial_id, expected=row.get("parameters_digest"))
    parameters = {name: torch.from_numpy(value).unsqueeze(0) for name, value in kept.items()}
    return Trained(trial.architecture, parameters, data)


def _data_of(trial: "Trial", row: Mapping[str, Any], results: Path) -> "Dataset":
    from . import systems
    from .systems.dataset import find, load

    cache, made_by = results / "systems", row.get("system_hash") or ""
    found = find(made_by, cache=cache)
    if found is not None:
        return found
    name = row["trial_id"][:12]
    try:
        same = trial.data is None or systems.get(trial.system).identity.get("data") == trial.data
        now = load(trial.system, cache=cache) if same else None
    except (systems.DataError, OSError) as error:
        raise OrchError(f"the data of trial {name} are not in {cache}, and {error}") from None
    if now is None:
        raise OrchError(
            f"trial {name} was trained on other data than those that are called '{trial.system}' now, and "
            f"they are not in {cache}"
        )
    if made_by and now.content_hash != made_by:
        warnings.warn(  # in words that are the same for all trials on them, and so shown once
            f"the data of {trial.system} that was trained on ({made_by[:12]}) are not in {cache}: those that "
            "it stands for now are taken, which are others where its equations were corrected since",
            stacklevel=2,
        )
    return now

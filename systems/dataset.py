"""The data of a system: trajectories, exponents, and what its measures can be worth; made once (`making`) and
cached.

Cache: `<name>-<first 12 digits of content_hash>.npz` in the folder given, a file that needs nothing else to
be read, whatever has become of the system since; what cannot be read whole is made again. Raises
UnknownSystemError for a name that does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import cache as cache_file
from .analysis.exponent import stands_out
from .base import System
from .exponents import LyapunovSpectrum, prediction_time_steps
from .hashing import canonical_json, content_hash
from .making import Values, make
from .parts import IntArray, Parts
from .registry import get

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Trajectories of one system with their exponents, floors, ceilings and identity."""

    system: str
    dt: float
    variables: tuple[str, ...]
    train: FloatArray
    test: FloatArray
    scored_train: FloatArray
    """What is scored, standardised: `train` itself, or all states where the data show a part of them; without
    noise, and all of the trajectory."""
    scored_test: FloatArray
    regressed_points: int
    """See `System.regressed_points`."""
    is_recorded: bool
    """See `System.is_recorded`."""
    train_parts: Parts
    """In which `train` is had: one, but of recordings with breaks."""
    test_parts: Parts
    mean: FloatArray
    """Of trajectory 0, without noise, (N,): raw = standardised · sd + mean."""
    sd: FloatArray
    spectrum: LyapunovSpectrum
    lambda_max: float
    """1 / time unit of the system."""
    lambda_max_standard_error: float
    tau_pred: float
    """ln 2 / (lambda_max dt), in steps; NaN for a system that is not chaotic."""
    floors: Values
    """By preset and measure: what independent trajectories score against `test`."""
    ceilings: Values
    content_hash: str
    """SHA-256 of all that defines this dataset, measure definitions included."""
    trajectory_hash: str
    """SHA-256 of what decides train and test alone."""
    standardisation: str
    parameters: dict[str, float]
    source: str

    @property
    def dimension(self) -> int:
        return len(self.variables)

    @property
    def n_points(self) -> int:
        """Of a trajectory, of which less may be trained on."""
        return len(self.scored_train)

    def starts(self, steps: int) -> IntArray | None:
        """Places of `train` from which so many steps ahead come without a break; None: all there may be."""
        return self.train_parts.starts(steps) if len(self.train_parts.lengths) > 1 else None

    @property
    def lambda_from(self) -> Literal["equations", "data", "noise"]:
        """Where λ_max comes from. `noise`: from data, but noise of their values and spectrum gives it too."""
        if not self.spectrum.surrogates:
            return "equations"
        apart = stands_out(self.spectrum.exponents[0], self.spectrum.surrogates)
        return "data" if apart else "noise"

    def row(self) -> dict[str, object]:
        """Flat description, one row of a table of systems."""
        return {
            "name": self.system,
            "dimension": self.dimension,
            "variables": list(self.variables),
            "dt": self.dt,
            "n_points": self.n_points,
            "lambda_max": self.lambda_max,
            "lambda_max_se": self.lambda_max_standard_error,
            "spectrum": list(self.spectrum.exponents),
            "lambda_from": self.lambda_from,
            "tau_pred": self.tau_pred,
            "standardisation": self.standardisation,
            "parameters": canonical_json(self.parameters),
            "source": self.source,
            "content_hash": self.content_hash,
            "floors": canonical_json(_nan_to_none(self.floors)),
            "ceilings": canonical_json(_nan_to_none(self.ceilings)),
        }


def load(name: str | System, *, cache: Path | None) -> Dataset:
    """The dataset of a system, by name or of a `System` of one's own, from the cache folder or made and
    put there.

    With cache=None nothing is read or written. Making one takes seconds.
    """
    system = name if isinstance(name, System) else get(name)
    if cache is None:
        return generate(system)
    found = peek(system, cache=cache)
    if found is None:
        found = generate(system)
        keep(found, system, cache=cache)
    return found


def peek(name: str | System, *, cache: Path) -> Dataset | None:
    """The dataset of a system where the cache folder has it; nothing is computed."""
    system = name if isinstance(name, System) else get(name)
    return _read(cache_path(system, cache), content_hash(system))


def find(hash: str, *, cache: Path) -> Dataset | None:
    """The dataset of this content_hash where the cache folder has it, whether its system is still there or
    is another by now.
    """
    of_hash = (_read(path, hash) for path in Path(cache).glob(f"*-{hash[:12]}.npz") if hash)
    return next(filter(None, of_hash), None)


def keep(dataset: Dataset, system: System, *, cache: Path) -> None:
    """Put a dataset of this system in the cache folder. Raises OSError if that cannot be written."""
    _write(cache_path(system, cache), dataset)


def cache_path(system: System, cache: Path) -> Path:
    """Where `load` keeps this system's dataset."""
    return Path(cache) / f"{system.file_name}-{content_hash(system)[:12]}.npz"


def generate(system: System) -> Dataset:
    """Make the dataset of `system`.

    Raises:
        DataError: as `making.make`.
    """
    return _assemble(*make(system))


def _assemble(arrays: dict[str, FloatArray], spectrum: LyapunovSpectrum, about: Mapping[str, Any]) -> Dataset:
    lambda_max = spectrum.exponents[0]
    parts = {name: Parts(tuple(about[name])) for name in _PARTS if name in about}
    whole = {"train_parts": Parts.of(arrays["train"]), "test_parts": Parts.of(arrays["test"])}
    return Dataset(
        **{**about, "variables": tuple(about["variables"]), **whole, **parts},
        train=arrays["train"],
        test=arrays["test"],
        scored_train=arrays.get("scored_train", arrays["train"]),
        scored_test=arrays.get("scored_test", arrays["test"]),
        mean=arrays["mean"],
        sd=arrays["sd"],
        spectrum=spectrum,
        lambda_max=lambda_max,
        lambda_max_standard_error=spectrum.standard_errors[0],
        tau_pred=prediction_time_steps(
            lambda_max,
            about["dt"],
            # Of a slope that is read off data there is more to say (`lambda_from`).
            standard_error=0.0 if about["is_recorded"] else spectrum.standard_errors[0],
        ),
    )


def _read(path: Path, hash: str) -> Dataset | None:
    """The dataset in `path`, or None where there is no such file or it is damaged or another's."""
    found = cache_file.read(path, content_hash=hash)
    if found is None:
        return None
    arrays, about = found
    if about.keys() - _PARTS != {*_ABOUT, "spectrum"}:  # of a version that kept other things
        return None
    return _assemble(arrays, _spectrum(about.pop("spectrum")), about)


def _spectrum(stored: Mapping[str, Any]) -> LyapunovSpectrum:
    return LyapunovSpectrum(
        exponents=tuple(stored["exponents"]),
        standard_errors=tuple(stored["standard_errors"]),
        time=stored["time"],
        members=stored["members"],
        method=stored["method"],
        log_distance=tuple(stored.get("log_distance", ())),
        other_windows=tuple(stored["other_windows"]) if stored.get("other_windows") else None,
        surrogates=tuple(stored.get("surrogates", ())),
    )


_ABOUT = (
    "system", "dt", "variables", "regressed_points", "is_recorded", "floors", "ceilings", "content_hash",
    "trajectory_hash", "standardisation", "parameters", "source",
)  # fmt: skip
"""Fields of a dataset that are no arrays, and not worked out from others."""

_PARTS = {"train_parts", "test_parts"}
"""Such fields that are kept only where there is more than one part."""


def _write(path: Path, dataset: Dataset) -> None:
    arrays = {"train": dataset.train, "test": dataset.test, "mean": dataset.mean, "sd": dataset.sd}
    if dataset.scored_train is not dataset.train:
        arrays |= {"scored_train": dataset.scored_train, "scored_test": dataset.scored_test}
    about = {name: getattr(dataset, name) for name in _ABOUT}
    parts = {name: getattr(dataset, name).lengths for name in _PARTS}
    about |= {name: lengths for name, lengths in parts.items() if len(lengths) > 1}
    cache_file.write(
        path,
        content_hash=dataset.content_hash,
        arrays=arrays,
        metadata={**about, "spectrum": asdict(dataset.spectrum)},
    )


def _nan_to_none(values: Values) -> dict[str, dict[str, float | None]]:
    return {
        preset: {measure: None if math.isnan(value) else value for measure, value in by_measure.items()}
        for preset, by_measure in values.items()
    }

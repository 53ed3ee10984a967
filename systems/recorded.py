"""Recorded series: data that were measured, prepared by declared steps, with λ_max estimated from them.

A recording is one trajectory. It is cut in time: the first part is trained on, the last tested on, and what
an embedding would hold of both is left out between them. (Steps before the embedding see the whole: smoothing
mixes values across the cut as far as it is wide.) With `test_points` of 0 both are the whole of it, as in the
sparse-forcing paper: scores then say how well the training data are reproduced.

Floors: what the training part scores against the test part; without a test part, the mean of what each half
scores against the other. There is no second trajectory to ask, so slow change of the recording is in them.

λ_max is the slope of a log-divergence curve over a declared window (`analysis.exponent`), estimated on the
prepared series before it is embedded, in an embedding of its own: what is best to train on and what is best
to see divergence in need not be the same. The curve is kept, and the slopes of other windows and surrogates.
Shapes (T, N). Raises ValueError for a declaration whose parts do not fit, SeriesError where the recording is
not what it declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from .analysis.exponent import ESTIMATOR, SlopeSettings, estimate
from .base import FloatArray, SeriesError, System
from .exponents import LyapunovSpectrum
from .preparation import Step, length_after, overlap, prepare, time_stretch


@dataclass(frozen=True, kw_only=True)
class Recorded(System):
    """One named recording with its preparation, cut and citation."""

    read: Callable[[], FloatArray] = field(compare=False)
    """The recording as it is: (T, K), NaN where values are missing."""
    digest: str
    """What tells this recording from another: SHA-256, hex."""
    raw_points: int
    """T of the recording."""
    raw_dt: float
    columns: tuple[str, ...]
    """Names of the recording's own columns; `variables` are those after preparation."""
    steps: tuple[Step, ...] = ()
    test_points: int = 0
    """The last so many points of the prepared series are tested on and not trained on; 0: all are both."""
    slope: SlopeSettings
    time_unit: str = ""
    """Of dt."""
    reader_modules: frozenset[str] = frozenset()
    """Names of the modules that hold `read`, where it is code of its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        prepared = length_after(self.raw_points, self.steps)
        if self.n_points + self.gap + self.test_points != prepared:
            raise ValueError(
                f"system {self.name!r}: {self.raw_points} recorded points are {prepared} after preparation, "
                f"not {self.n_points} to train on, {self.gap} between and {self.test_points} to test on"
            )
        if not np.isclose(self.dt, self.raw_dt * time_stretch(self.steps), rtol=1e-9):
            raise ValueError(f"system {self.name!r}: dt is not raw_dt times what is subsampled")

    @property
    def is_recorded(self) -> bool:
        return True

    @property
    def settings(self) -> Mapping[str, float]:
        return {}

    @property
    def constants(self) -> Mapping[str, float]:
        names = [step.name for step in self.steps]
        return {
            (step.name if names.count(step.name) == 1 else f"{step.name}_{names[: i + 1].count(step.name)}")
            + f".{key}": float(value)
            for i, step in enumerate(self.steps)
            for key, value in step.parameters.items()
        }

    @property
    def gap(self) -> int:
        """Points between those that are trained and those that are tested on."""
        return overlap(self.steps) if self.test_points else 0

    @property
    def unfolding(self) -> tuple[Step, ...]:
        """The steps from the delay embedding on; none where there is none."""
        return self.steps[len(self.preparation) :]

    @property
    def preparation(self) -> tuple[Step, ...]:
        """The steps before the delay embedding."""
        names = [step.name for step in self.steps]
        return self.steps[: names.index("embed")] if "embed" in names else self.steps

    def measured(self) -> FloatArray:
        """The series before delay embedding (T', K), in the recording's own units unless a step changes them.

        Raises:
            MissingDataError: the recording is not here.
            SeriesError: the recording is not what is declared, or a step cannot be carried out.
        """
        return _measured(self)

    def learned(self) -> FloatArray:
        """That part of `measured` which the training data are made of; raises as it does."""
        series = self.measured()
        return series[: len(series) * self.n_points // (self.n_points + self.gap + self.test_points)]

    def prepared(self) -> FloatArray:
        """The whole prepared series (n_points + test_points, N); raises as `measured`."""
        series = _prepare(self, self.measured(), self.unfolding)
        if series.shape[1] != self.dimension:
            raise SeriesError(
                f"system {self.name!r}: {series.shape[1]} columns after preparation, "
                f"but variables are {', '.join(self.variables)}"
            )
        return series

    def states(self, index: int = 0, *, n_points: int | None = None) -> FloatArray:
        """Trajectory 0 is what is trained on, 1 what is tested on; there are no others."""
        if index not in (0, 1):
            raise SeriesError(f"system {self.name!r} is a recording: it has trajectories 0 and 1, no {index}")
        series = self.prepared()
        if self.test_points:
            series = series[: self.n_points] if index == 0 else series[-self.test_points :]
        if n_points is not None and n_points > len(series):
            raise SeriesError(f"system {self.name!r} is a recording of {len(series)} points, not {n_points}")
        return series[:n_points]

    def floor_pairs(self, train: FloatArray, test: FloatArray) -> Sequence[tuple[FloatArray, FloatArray]]:
        if self.test_points:
            return [(test, train)]
        half = len(train) // 2
        return [(train[:half], train[half:]), (train[half:], train[:half])]

    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        """λ_max alone, from `learned`."""
        dt = self.raw_dt * time_stretch(self.preparation)
        try:
            found = estimate(self.learned(), self.slope)
        except ValueError as error:
            raise SeriesError(f"system {self.name!r}: λ_max cannot be estimated: {error}") from None
        first, last = found.slope.window
        return LyapunovSpectrum(
            exponents=(found.slope.value / dt,),
            standard_errors=(found.slope.standard_error / dt,),
            time=(last - first) * dt,
            members=found.curve.pairs,
            method=f"{found.curve.method}, slope over steps {first} to {last}, standard error over blocks",
            log_distance=tuple(found.curve.log_distance.tolist()),
            other_windows=(found.other_windows[0] / dt, found.other_windows[1] / dt),
            surrogates=tuple(slope / dt for slope in found.surrogates),
        )

    @property
    def modules(self) -> frozenset[str]:
        rooms = ("recorded", "preparation", "noise_reduction", "embedding")
        return frozenset(f"{__package__}.{name}" for name in rooms) | self.reader_modules

    @property
    def integration(self) -> Mapping[str, Any]:
        return {"method": "recorded"}

    def definition(self) -> dict[str, Any]:
        return {
            "recording": self.digest,
            "version": self.version,
            "variables": list(self.variables),
            "raw_points": self.raw_points,
            "steps": [{"step": step.name, **step.parameters} for step in self.steps],
            "dt": float(self.dt),
            "n_points": self.n_points,
            "test_points": self.test_points,
            "standardisation": self.standardisation,
            "exponents": {**_said(self.slope), "estimator": ESTIMATOR},
        }


def _said(slope: SlopeSettings) -> dict[str, Any]:
    """Without what later versions added, where it is not used: recordings of before stay what they were."""
    values = asdict(slope)
    if not slope.across_flow:
        del values["across_flow"]
    return values


@lru_cache(maxsize=2)  # asked for training data, test data and exponent, and noise reduction takes its time
def _measured(system: Recorded) -> FloatArray:
    raw = system.read()
    if len(raw) != system.raw_points:
        raise SeriesError(
            f"system {system.name!r}: the recording has {len(raw)} points, not {system.raw_points}"
        )
    series = _prepare(system, raw, system.preparation)
    series.flags.writeable = False
    return series


def _prepare(system: Recorded, series: FloatArray, steps: Sequence[Step]) -> FloatArray:
    try:
        return prepare(series, steps)
    except ValueError as error:
        raise SeriesError(f"system {system.name!r}: {error}") from None

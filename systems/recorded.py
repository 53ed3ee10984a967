"""Recorded series: data that were measured, prepared by declared steps, with λ_max estimated from them.

A recording is one trajectory, or several of one system (`parts`), one after the other and each prepared by
itself; no training sequence and no distance of neighbours goes across a break. It is cut in time: the first
part is trained on, the last tested on, and what an embedding would hold of both is left out between them.
(Steps before the embedding see the whole: smoothing mixes values across the cut as far as it is wide.) With
`test_points` of 0 both are the whole of it, as in the sparse-forcing paper: scores then say how well the
training data are reproduced.

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
from .base import TEST, TRAIN, FloatArray, FloorPair, SeriesError, System
from .exponents import LyapunovSpectrum
from .parts import Parts
from .preparation import Step, length_after, overlap, prepare_parts, time_stretch


@dataclass(frozen=True, kw_only=True)
class Recorded(System):
    """One named recording with its preparation, cut and citation."""

    read: Callable[[], FloatArray] = field(compare=False)
    """The recording as it is: (T, K), NaN where values are missing."""
    digest: str
    """What tells this recording from another: SHA-256, hex."""
    raw_points: int
    """T of the recording."""
    raw_parts: tuple[int, ...] = ()
    """Lengths of its parts, where it has several."""
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
        if self.raw_parts and (sum(self.raw_parts) != self.raw_points or min(self.raw_parts) < 1):
            raise ValueError(
                f"system {self.name!r}: parts of {', '.join(map(str, self.raw_parts))} points are not "
                f"{self.raw_points} in all"
            )
        prepared = self.prepared_parts.total
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
        cut = self.prepared_parts.total - self.test_points
        return 0 if self.prepared_parts.breaks_at(cut) else overlap(self.steps)

    @property
    def parts(self) -> Parts:
        """Of the recording."""
        return Parts(self.raw_parts or (self.raw_points,))

    @property
    def prepared_parts(self) -> Parts:
        """Of the prepared series."""
        return self.parts.each(lambda length: length_after(length, self.steps))

    def parts_of(self, index: int) -> Parts | None:
        if not self.raw_parts:
            return None
        if not self.test_points:
            return self.prepared_parts
        points = self.n_points if index == TRAIN else self.test_points
        return self.prepared_parts.first(points) if index == TRAIN else self.prepared_parts.last(points)

    @property
    def longest_sequence(self) -> int:
        return self.prepared_parts.first(self.n_points).longest

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

    @property
    def measured_parts(self) -> Parts:
        """Of `measured`."""
        return self.parts.each(lambda length: length_after(length, self.preparation))

    def learned(self) -> FloatArray:
        """What of `measured` the training data are made of; raises as it does."""
        return self.measured()[: self.learned_parts.total]

    @property
    def learned_parts(self) -> Parts:
        """Of `learned`."""
        whole = self.measured_parts
        if not self.raw_parts:
            return whole.first(whole.total * self.n_points // (self.n_points + self.gap + self.test_points))
        # Each part loses its own first rows to an embedding: what a share of all rows is, lies elsewhere.
        rows, left = 0, self.n_points
        for length in whole.lengths:
            if left <= 0:
                break
            points = length_after(length, self.unfolding)
            enough = (some for some in range(left, length) if length_after(some, self.unfolding) >= left)
            rows += length if points <= left else next(enough, length)
            left -= max(points, 0)
        return whole.first(rows)

    def prepared(self) -> FloatArray:
        """The whole prepared series (n_points + test_points, N); raises as `measured`."""
        series, _ = _prepare(self, self.measured(), self.measured_parts, self.unfolding)
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

    def floor_pairs(self, train: FloatArray, test: FloatArray) -> Sequence[FloorPair]:
        if self.test_points:
            return [FloorPair(test, train, self.parts_of(TEST), self.parts_of(TRAIN))]
        half, whole = len(train) // 2, self.prepared_parts
        one, other = whole.first(half), whole.last(len(train) - half)
        return [
            FloorPair(train[:half], train[half:], one, other),
            FloorPair(train[half:], train[:half], other, one),
        ]

    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        """λ_max alone, from `learned`."""
        dt = self.raw_dt * time_stretch(self.preparation)
        try:
            found = estimate(self.learned(), self.slope, parts=self.learned_parts)
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
        rooms = ("recorded", "preparation", "parts", "noise_reduction", "embedding")
        return frozenset(f"{__package__}.{name}" for name in rooms) | self.reader_modules

    @property
    def integration(self) -> Mapping[str, Any]:
        return {"method": "recorded"}

    def definition(self) -> dict[str, Any]:
        return {
            "recording": self.digest,
            **({"raw_parts": list(self.raw_parts)} if self.raw_parts else {}),
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
    series, _ = _prepare(system, raw, system.parts, system.preparation)
    series.flags.writeable = False
    return series


def _prepare(
    system: Recorded, series: FloatArray, parts: Parts, steps: Sequence[Step]
) -> tuple[FloatArray, Parts]:
    try:
        return prepare_parts(series, parts, steps)
    except ValueError as error:
        raise SeriesError(f"system {system.name!r}: {error}") from None

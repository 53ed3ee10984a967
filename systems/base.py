"""What a system is: a source of trajectories, with its Lyapunov exponents.

A system has *states*, in which its dynamics are deterministic, and an observation of them, the data: for
most both are the same. Kinds of systems are `flow.Flow` (ordinary differential equations), `map.Map`,
`delay.DelayEquation` and `recorded.Recorded`. Shapes: data are (T, N), one row every `dt`.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .exponents import LyapunovSpectrum
    from .parts import Parts

FloatArray = NDArray[np.float64]


class DataError(Exception):
    """A system, or its data, cannot be had as asked for: the user's to mend. The message says how."""


class SeriesError(DataError, ValueError):
    """A series that cannot be used. The message says what, where, and what was expected."""


class MotionError(DataError, FloatingPointError):
    """Solutions, or what grows along them, leave the finite numbers."""


TRAIN, TEST, FLOOR_EXTRA = 0, 1, (2, 3)
"""Which trajectory of a system serves as what."""

LONGEST_NAME = 120
"""Characters of a name of a file, without what else stands in it."""

NOISE = 20_221_128
"""Seeds the noise of observations."""


def short_name(text: str) -> str:
    """A part of a name of a file, cut and told apart by a hash where file systems might not take it."""
    if len(text) <= LONGEST_NAME:
        return text
    return f"{text[: LONGEST_NAME - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


class FloorPair(NamedTuple):
    """States of two trajectories; their parts where they are not one each."""

    truth: FloatArray
    generated: FloatArray
    truth_parts: Parts | None = None
    generated_parts: Parts | None = None


@dataclass(frozen=True, kw_only=True)
class System(ABC):
    """One named source of trajectories: what all kinds have in common."""

    name: str
    description: str
    source: str
    """One line: where equations and parameters come from."""
    version: int = 1
    """Raised when a correction changes the trajectory."""
    variables: tuple[str, ...]
    """Of the data, in the order of the columns."""
    dt: float
    n_points: int = 100_000
    standardisation: Literal["per_dimension", "global"] = "per_dimension"
    """`per_dimension`: each column to mean 0, SD 1. `global`: one mean and one SD for all columns."""
    regressed_points: int = 0
    """Where the data show a part of the states only: over how many points latent states are regressed on all
    states, in which then is scored (the paper's A.6.3). 0: the data themselves are scored."""
    train_points: int | None = None
    """Of trajectory 0 so many points are trained on, the first ones; None: all. What networks are scored by
    is of n_points, and so are floors and exponents."""
    noise: float = 0.0
    """SD of the Gaussian noise on what is trained on, in SDs of each variable: noise of the observation,
    which the dynamics do not see. Networks are scored by trajectories without."""

    def __post_init__(self) -> None:
        if not self.dt > 0 or self.n_points < 2:
            raise ValueError(f"system {self.name!r}: needs dt > 0, n_points >= 2")
        if self.standardisation not in ("per_dimension", "global"):
            raise ValueError(
                f"system {self.name!r}: standardisation must be 'per_dimension' or 'global', "
                f"not {self.standardisation!r}"
            )

    @property
    def dimension(self) -> int:
        """N, columns of the data."""
        return len(self.variables)

    @property
    def scored_dimension(self) -> int:
        """Columns of what is scored."""
        return self.dimension

    @property
    def file_name(self) -> str:
        """The name as a part of names of files."""
        return short_name(re.sub(r"[^\w.=,+-]+", "_", self.name))

    @property
    def is_variant(self) -> bool:
        """Whether it has other settings than it was declared with (`variant`), as its name says."""
        return "(" in self.name

    SETTINGS: ClassVar = ("train_points", "noise")
    """What can be set of any system that is not a recording."""

    @property
    def settings(self) -> Mapping[str, float]:
        """What a name can set otherwise (`variant`), with the values here."""
        return {"train_points": self.trained_points, "noise": self.noise}

    @property
    def trained_points(self) -> int:
        """Points of the data that are trained on."""
        return self.train_points or self.n_points

    @property
    def longest_sequence(self) -> int:
        """Points in a row that are trained on."""
        return self.trained_points

    @property
    def is_recorded(self) -> bool:
        """Whether there is one trajectory only, of a given length."""
        return False

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells the system from others in the identity of a trial."""
        return {"name": self.name, **({} if self.version == 1 else {"version": self.version})}

    @property
    @abstractmethod
    def constants(self) -> Mapping[str, float]:
        """Parameters of the equations by name."""

    @abstractmethod
    def states(self, index: int = 0, *, n_points: int | None = None) -> FloatArray:
        """States every `dt` of trajectory `index`, after its transient; different indices are independent."""

    def observe(self, states: FloatArray) -> FloatArray:
        """The data (T, N) that these states give."""
        return states

    def parts_of(self, index: int) -> Parts | None:
        """The parts in which trajectory `index` is had; None: it is one."""
        return None

    def floor_pairs(self, train: FloatArray, test: FloatArray) -> Iterable[FloorPair]:
        """Pairs as good as the truth with a perfect model; floors are their mean scores."""
        yield FloorPair(test, train)
        for index in FLOOR_EXTRA:
            yield FloorPair(test, self.states(index))

    @abstractmethod
    def spectrum(self, states: FloatArray) -> LyapunovSpectrum:
        """Lyapunov exponents, from starts along these states."""

    @abstractmethod
    def definition(self) -> dict[str, Any]:
        """What decides trajectories and exponents (under `exponents`), as plain JSON types; no names, no
        texts that only describe."""

    @property
    @abstractmethod
    def modules(self) -> frozenset[str]:
        """Names of the modules that make this system's data: its equations, and what is made for its kind."""

    @property
    @abstractmethod
    def integration(self) -> Mapping[str, Any]:
        """The numerical method, likewise."""

    def trajectory(self, index: int = 0, *, n_points: int | None = None) -> FloatArray:
        """Raw (not standardised) data of trajectory `index`: (n_points, N); of what is trained on with its
        noise, and by default so many."""
        if index != TRAIN:
            return self.observe(self.states(index, n_points=n_points))
        if not self.noise:
            return self.observe(self.states(index, n_points=n_points))[: n_points or self.trained_points]
        wanted = n_points or self.trained_points
        return self.measure(self.states(index, n_points=max(wanted, self.n_points)))[:wanted]

    def measure(self, states: FloatArray) -> FloatArray:
        """The data that these states give where they are trained on: with noise."""
        return self.with_noise(self.observe(states))

    def with_noise(self, series: FloatArray) -> FloatArray:
        """A series (T, N) with the noise that is declared: the same normal numbers for any amount of it."""
        if not self.noise:
            return series
        numbers = np.random.default_rng(NOISE).standard_normal(series.shape)
        sd = series[: self.n_points].std(axis=0)
        return np.asarray(series + self.noise * sd * numbers, dtype=np.float64)

    def standardise(self, trajectory: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and SD, each (N,), by which data of this system are standardised, from raw (T, N)."""
        if self.standardisation == "global":
            mean, sd = float(trajectory.mean()), float(trajectory.std())
            return np.full(self.dimension, mean), np.full(self.dimension, sd)
        return trajectory.mean(axis=0), trajectory.std(axis=0)

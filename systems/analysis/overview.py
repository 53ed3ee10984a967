"""All that a person needs to know of a series before training on it: one look by every estimator here.

What cannot be estimated is None, with the reason among the warnings. Shapes (T, N). Times in steps unless a
field says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.stats import kendalltau

from ..base import FloatArray, System
from ..delay import DelayEquation
from ..exponents import LyapunovSpectrum, prediction_time_steps
from ..parts import Parts
from ..preparation import Step, time_stretch
from ..recorded import Recorded
from .blemishes import Gaps, find_gaps, long_gaps, outliers, standing_still
from .correlation_dimension import CorrelationSum, Plateau, correlation_sum
from .exponent import Estimate, SlopeSettings, estimate
from .spectrum import power_spectrum
from .suggestion import Embedding, suggest_embedding, suggest_settings

DRIFT_BLOCKS = 20
DRIFT_P = 0.001
"""Two-sided, of Kendall's test; noise is called drifting once in a thousand times."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Column:
    """One variable by itself."""

    name: str
    low: float
    high: float
    mean: float
    sd: float
    mean_drift: float
    """Mean of the last of DRIFT_BLOCKS parts less that of the first, in SDs."""
    mean_drift_p: float
    """Of Kendall's test for a monotone trend in the means of the parts."""
    sd_drift: float
    """SD of the last part over that of the first."""
    sd_drift_p: float
    frequency: FloatArray
    """Of the power spectrum of the longest part, per step, (K,)."""
    power: FloatArray
    embedding: Embedding | None


@dataclass(frozen=True, eq=False)
class Dimension:
    """Correlation sum in one state space."""

    delays: int
    """Delays of the embedding; 1: the series as it is."""
    sum: CorrelationSum
    plateau: Plateau | None


@dataclass(frozen=True, eq=False)
class Overview:
    """What there is to know of a system's data."""

    system: System
    raw_points: int | None
    """Of a recording, before preparation."""
    gaps: tuple[Gaps, ...]
    preparation: tuple[Step, ...]
    points: int
    """T of the series that is looked at: of a recording prepared, but not embedded."""
    parts: Parts
    """In which that series is had."""
    dt: float
    """Of that series, in the system's units of time."""
    snippet: FloatArray
    """Its first points, of its longest part, (at most SNIPPET, N)."""
    columns: tuple[Column, ...]
    settings: SlopeSettings | None
    """By which λ_max was estimated."""
    exponent: Estimate | None
    """Slopes per step; divided by `dt` they are λ_max."""
    computed: LyapunovSpectrum | None
    """Of a simulated system: from its equations."""
    dimensions: tuple[Dimension, ...]
    warnings: tuple[str, ...]

    @property
    def tau_pred(self) -> float:
        """ln 2 / λ_max in steps of the data that are trained on; NaN without a positive λ_max."""
        if self.computed is not None:
            error = self.computed.standard_errors[0]
            return prediction_time_steps(self.computed.exponents[0], self.system.dt, standard_error=error)
        if self.exponent is None:
            return math.nan
        return prediction_time_steps(self.exponent.slope.value / self.dt, self.system.dt)

    @property
    def across_flow(self) -> bool:
        """Whether distances of neighbours were taken across the flow."""
        return self.settings is not None and self.settings.across_flow


SNIPPET = 2_000


def overview(system: System) -> Overview:
    """Look at a system's data; takes up to a few minutes for 100,000 points.

    Raises:
        MissingDataError: it is a recording that is not here.
        ValueError: its preparation cannot be carried out.
    """
    warnings: list[str] = []
    gaps: tuple[Gaps, ...] = ()
    preparation: tuple[Step, ...] = ()
    computed = None
    if isinstance(system, Recorded):
        raw = system.read()
        gaps = find_gaps(raw, system.columns)
        warnings += outliers(raw, system.columns)
        preparation, dt = system.preparation, system.raw_dt * time_stretch(system.preparation)
        series, names, settings = system.measured(), system.columns, system.slope
        parts, (learned, of_learned) = system.measured_parts, (system.learned(), system.learned_parts)
    else:
        states = system.states()
        computed = system.spectrum(states)
        delayed = isinstance(system, DelayEquation)  # whose data are copies of one variable
        series, names = (states, ("x",)) if delayed else (system.observe(states), system.variables)
        dt, settings, learned = system.dt, None, series
        parts = of_learned = Parts.of(series)

    def attempt(what: str, function: Callable[[], T]) -> T | None:
        try:
            return function()
        except ValueError as error:
            warnings.append(f"{what} cannot be estimated: {error}")
            return None

    constant = [name for name, values in zip(names, series.T, strict=True) if not np.ptp(values) > 0]
    if constant:
        warnings.append(f"constant: {', '.join(constant)}; nothing can be estimated from what does not vary")
    columns = tuple(
        _column(name, values, parts, attempt)
        for name, values in zip(names, series.T, strict=True)
        if name not in constant
    )
    periods = {c.name: c.embedding.period * time_stretch(preparation) for c in columns if c.embedding}
    warnings += long_gaps(gaps, periods)
    for name, values in zip(names, series.T, strict=True):
        warnings += standing_still(name, values)
    for column in columns:
        warnings += _drifts(column)
    if settings is None and not constant:
        settings = attempt("λ_max", lambda: suggest_settings(learned, parts=of_learned))
    exponent = dimensions = None
    if settings is not None and not constant:
        chosen = settings
        exponent = attempt("λ_max", lambda: estimate(learned, chosen, parts=of_learned))
        dimensions = attempt("the correlation dimension", lambda: _dimensions(learned, of_learned, chosen))
    return Overview(
        system=system,
        raw_points=system.raw_points if isinstance(system, Recorded) else None,
        gaps=gaps,
        preparation=preparation,
        points=len(series),
        dt=dt,
        parts=parts,
        snippet=parts.longest_of(series)[:SNIPPET].copy(),
        columns=columns,
        settings=settings,
        exponent=exponent,
        computed=computed,
        dimensions=dimensions or (),
        warnings=tuple(warnings),
    )


def _column(
    name: str,
    values: FloatArray,
    parts: Parts,
    attempt: Callable[[str, Callable[[], Embedding]], Embedding | None],
) -> Column:
    blocks = np.array_split(values, DRIFT_BLOCKS)
    means = np.array([block.mean() for block in blocks])
    sds = np.array([block.std() for block in blocks])
    order = np.arange(DRIFT_BLOCKS)
    longest = parts.longest_of(values)
    frequency, power = power_spectrum(longest)
    return Column(
        name=name,
        low=float(values.min()),
        high=float(values.max()),
        mean=float(values.mean()),
        sd=float(values.std()),
        mean_drift=float((means[-1] - means[0]) / values.std()),
        mean_drift_p=float(kendalltau(order, means).pvalue),
        sd_drift=float(sds[-1] / sds[0]) if sds[0] > 0 else math.inf,
        sd_drift_p=float(kendalltau(order, sds).pvalue),
        frequency=frequency,
        power=power,
        embedding=attempt(f"an embedding of {name}", lambda: suggest_embedding(longest)),
    )


def _drifts(column: Column) -> list[str]:
    said = []
    if column.mean_drift_p < DRIFT_P:
        said.append(
            f"{column.name} drifts: its mean moves by {column.mean_drift:+.2g} SD from the first twentieth "
            f"to the last (p = {column.mean_drift_p:.1g}); a detrend step takes out a trend"
        )
    if column.sd_drift_p < DRIFT_P:
        said.append(
            f"{column.name} does not vary alike throughout: the SD of the last twentieth is "
            f"{column.sd_drift:.2g} times that of the first (Kendall's test, p = {column.sd_drift_p:.1g})"
        )
    return said


def _dimensions(series: FloatArray, parts: Parts, settings: SlopeSettings) -> tuple[Dimension, ...]:
    """Of the state space that λ_max was estimated in, and of those of fewer and more delays."""
    delays = [1] if settings.dimension == 1 else range(max(2, settings.dimension - 2), settings.dimension + 4)
    found = []
    for m in delays:
        space = SlopeSettings(
            theiler=settings.theiler, steps=settings.steps, dimension=m, delay=settings.delay
        )
        summed = correlation_sum(space.points(series, parts=parts), theiler=settings.theiler)
        found.append(Dimension(m, summed, summed.plateau()))
    return tuple(found)

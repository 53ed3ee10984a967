"""The measures that regimes are compared by: each with a score for every trial, lower is better.

A trial that blew up scores the ceiling, the worst there is, so that no mean is one over survivors alone.
What a comparison takes logs of must be positive and best at its floor, so PSC, best at 1, enters as 1 − PSC.

Relied on: columns of the view ``results``, and ``floors`` and ``ceilings`` of the table ``systems``.
"""

from __future__ import annotations

from dataclasses import dataclass

BLEW_UP = "status IN ('diverged', 'unbounded')"


@dataclass(frozen=True)
class Measure:
    """How a measure is written for people, and the SQL that reads it from the view ``results``."""

    title: str
    score: str
    """Of a trial: NULL where there is none."""
    floor: str
    """What a perfect model scores; an aggregate over the trials of a context."""
    ceiling: str
    """The worst there is; likewise."""


def _of_trials(title: str, name: str) -> Measure:
    """A measure whose floor and ceiling each trial has, for free runs of its length."""
    middle = "quantile_disc({0}, 0.5) FILTER (isfinite({0}))"
    score = f"CASE WHEN isfinite({name}_score) THEN {name}_score END"
    return Measure(title, score, middle.format(f"floor_{name}"), middle.format(f"ceiling_{name}"))


def _of_spectra(title: str, column: str, *, preset: str, key: str, best: float, worst: float) -> Measure:
    """A measure of power spectra, `best` for equal ones.

    A run that stands still has no spectrum to correlate: it scores the worst there is. Where no run of that
    length has one, nothing has a score. Trials before schema 7 have no floor of their own: theirs is the
    system's where they ran as long as its data or longer.
    """
    value = f"abs({best:g} - {column})" if best else column
    score = (
        f"CASE WHEN isinf(floor_{column}) THEN NULL "
        f"WHEN {BLEW_UP} OR status = 'ok' AND NOT coalesce(isfinite({column}), false) "
        f"THEN {abs(best - worst):g} WHEN isfinite({column}) THEN {value} END"
    )
    of_the_system = (
        f"(SELECT any_value(CAST(floors->>'$.{preset}.{key}' AS DOUBLE)) FROM systems "
        "WHERE content_hash = any_value(system_hash) AND n_points <= any_value(evaluation_steps))"
    )
    own = f"quantile_disc(floor_{column}, 0.5) FILTER (isfinite(floor_{column}))"
    floor = f"coalesce({own}, {of_the_system})"
    floor = f"abs({best:g} - {floor})" if best else floor
    return Measure(title, score, floor, f"{abs(best - worst):g}::DOUBLE")


MEASURES = {
    "d_stsp": _of_trials("D_stsp", "d_stsp"),
    "d_stsp_published": _of_trials("D_stsp (as published)", "d_stsp_published"),
    "d_h": _of_spectra("D_H", "d_h", preset="orch", key="d_h", best=0, worst=1),
    "d_h_published": _of_spectra(
        "D_H (as published)", "d_h_published", preset="published", key="d_h", best=0, worst=1
    ),
    "psc": _of_spectra("1 − PSC", "psc", preset="orch", key="psc", best=1, worst=-1),
    "psc_published": _of_spectra(
        "1 − PSC (as published)", "psc_published", preset="published", key="psc", best=1, worst=-1
    ),
}
"""By the name of their column."""

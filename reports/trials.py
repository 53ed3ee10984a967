"""The evidence, read from the documented views: trials, gathered into cells, gathered into contexts.

A *cell* is every trial that differs only in the seed. A *context* is every cell of one system, one
architecture and one set of training and evaluation settings: within it only the regime differs, so two
of its cells may be compared seed by seed. Nothing is ever pooled across cells.

Views relied on: ``results`` (one row per trial) and ``study_trials(study, trial_id)``.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb

MEASURES = {"d_stsp": "D_stsp", "d_stsp_published": "D_stsp (as published)"}
"""Measures with a score for blown-up trials, and how they are written for people."""

STATUSES = ("ok", "diverged", "unbounded", "failed")

_TAU = re.compile(r"(?<![^\s(,])(?:tau|τ)\s*=\s*[^,()]*(?:,\s*)?")


class ReportError(Exception):
    """The comparison cannot be made; the message says why in one sentence."""


@dataclass(frozen=True)
class Trial:
    """One trained and evaluated network; `score` is None where there is nothing to count."""

    trial_id: str
    seed: int
    status: str
    reason: str
    score: float | None

    @property
    def blown_up(self) -> bool:
        """Whether training diverged or the free run left every bound (scored at the ceiling)."""
        return self.status in ("diverged", "unbounded")


@dataclass(frozen=True)
class Cell:
    """All trials of one regime with one set of parameters in one context, ordered by seed.

    `family` is the label without τ: the cells of a family form one curve over τ.
    """

    cell_id: str
    regime: str
    label: str
    family: str
    tau: int | None
    trials: tuple[Trial, ...]

    @property
    def scores(self) -> dict[int, float]:
        """Seed → score, for the seeds that have one."""
        return {trial.seed: trial.score for trial in self.trials if trial.score is not None}

    def count(self, status: str) -> int:
        """How many trials ended with `status`."""
        return sum(trial.status == status for trial in self.trials)


@dataclass(frozen=True)
class Context:
    """Everything that one system × architecture × settings holds; `settings` is '' at the defaults."""

    context_id: str
    system: str
    architecture: str
    settings: str
    tau_pred: float | None
    lambda_max: float | None
    lambda_max_se: float | None
    dt: float | None
    floor: float | None
    ceiling: float | None
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        """'system × architecture', with the settings where they are not the defaults."""
        name = f"{self.system} × {self.architecture}"
        return f"{name} [{self.settings}]" if self.settings else name


def family_of(label: str) -> str:
    """The regime's label without its τ: 'sparse_forcing(tau=30, noise=0.1)' → 'sparse_forcing(noise=0.1)'."""
    return _TAU.sub("", label).replace(", )", ")").replace("()", "").strip()


def trial_filter(studies: Sequence[str], contexts: Collection[str] | None = None) -> str:
    """The WHERE clause that keeps the trials of `studies` (none named: of all) and of `contexts` (None: all).

    '' where it would keep everything; names are quoted as SQL literals.
    """
    conditions = []
    if studies:
        conditions.append(
            f"trial_id IN (SELECT trial_id FROM study_trials WHERE study IN ({_quoted(studies)}))"
        )
    if contexts is not None:
        conditions.append(f"context_id IN ({_quoted(sorted(set(contexts)))})" if contexts else "false")
    return "WHERE " + " AND ".join(conditions) if conditions else ""


def _quoted(names: Sequence[str]) -> str:
    return ", ".join("'" + name.replace("'", "''") + "'" for name in names)


def read_contexts(
    connection: duckdb.DuckDBPyConnection,
    measure: str,
    *,
    studies: Sequence[str] = (),
    contexts: Collection[str] | None = None,
) -> tuple[Context, ...]:
    """Every context with results, ordered by system, architecture and settings.

    `contexts`, where given, are the context_ids to read. Raises ReportError for an unknown measure or
    study, and when there are no results at all.
    """
    if measure not in MEASURES:
        raise ReportError(f"Unknown measure '{measure}': a comparison can use {' or '.join(MEASURES)}.")
    query = f"""
        SELECT context_id, system, architecture, context, tau_pred, lambda_max, lambda_max_se, dt,
               floor_{measure}, ceiling_{measure},
               cell_id, regime, regime_label, tau, trial_id, seed, status, reason, {measure}_score
        FROM results {trial_filter(studies, contexts)}
        ORDER BY system, architecture, context, context_id, regime, tau, regime_label, cell_id, seed"""
    try:
        _check_studies(connection, studies)
        records = connection.execute(query).fetchall()
    except duckdb.CatalogException as error:
        raise ReportError("This is no results database: it lacks the view 'results'.") from error
    if not records:
        where = f" for {', '.join(studies)}" if studies else ""
        where += " in the contexts asked for" if contexts is not None else ""
        raise ReportError(f"There are no results{where} yet.")
    by_context: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for record in records:
        by_context[str(record[0])].append(record)
    same_text = Counter(tuple(map(str, rows[0][1:4])) for rows in by_context.values())
    return tuple(
        _context(rows, ambiguous=same_text[tuple(map(str, rows[0][1:4]))] > 1) for rows in by_context.values()
    )


def _check_studies(connection: duckdb.DuckDBPyConnection, studies: Sequence[str]) -> None:
    if not studies:
        return
    known = [
        str(row[0])
        for row in connection.execute("SELECT DISTINCT study FROM study_trials ORDER BY study").fetchall()
    ]
    for study in studies:
        if study in known:
            continue
        close = difflib.get_close_matches(study, known, n=1)
        if close:
            hint = f"did you mean '{close[0]}'?"
        else:
            hint = f"there are results for {', '.join(known)}." if known else "no study has results yet."
        raise ReportError(f"No results for a study named '{study}': {hint}")


def _context(records: list[tuple[object, ...]], *, ambiguous: bool) -> Context:
    first = records[0]
    settings = str(first[3] or "")
    if ambiguous:  # two contexts that read alike are still two contexts
        settings = f"{settings}, id={str(first[0])[:8]}".lstrip(", ")
    by_cell: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for record in records:
        by_cell[str(record[10])].append(record)
    alike = Counter(str(rows[0][12]) for rows in by_cell.values())
    medians = [_median([record[column] for record in records]) for column in range(4, 10)]
    tau_pred, lambda_max, lambda_max_se, dt, floor, ceiling = medians
    return Context(
        context_id=str(first[0]),
        system=str(first[1]),
        architecture=str(first[2]),
        settings=settings,
        tau_pred=tau_pred if tau_pred is not None and tau_pred > 0 else None,
        lambda_max=lambda_max,
        lambda_max_se=lambda_max_se,
        dt=dt,
        floor=floor,
        ceiling=ceiling,
        cells=tuple(_cell(rows, ambiguous=alike[str(rows[0][12])] > 1) for rows in by_cell.values()),
    )


def _cell(records: list[tuple[object, ...]], *, ambiguous: bool) -> Cell:
    _, regime, label, tau = records[0][10:14]
    mark = f" #{str(records[0][10])[:8]}" if ambiguous else ""
    trials = tuple(
        Trial(str(row[14]), int(str(row[15])), str(row[16]), str(row[17] or ""), _number(row[18]))
        for row in records
    )
    return Cell(
        cell_id=str(records[0][10]),
        regime=str(regime),
        label=str(label) + mark,
        family=family_of(str(label)) + mark,
        tau=None if tau is None else int(str(tau)),
        trials=trials,
    )


def _number(value: object) -> float | None:
    """A finite float, or None for NULL and NaN alike."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _median(values: Sequence[object]) -> float | None:
    """The middle value, NULLs aside.

    λ_max may have been estimated anew between two trials of one context, and a failed trial has neither
    floor nor ceiling.
    """
    numbers = sorted(number for number in map(_number, values) if number is not None)
    return numbers[len(numbers) // 2] if numbers else None

"""Trajectories for a comparison's page: per context the test data, and what trained networks generate.

Of each cell that a headline names, the baseline and the leading challenger near τ_pred and tuned, the network
with the median score runs freely. One that blew up or was not kept is said in words in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import OrchError
from .reports.comparison import Comparison, Row
from .reports.html.attractor import Attractor, Run
from .reports.html.courses import AT_MOST, shown_contexts
from .reports.statistics import geometric_mean
from .reports.trials import Cell, Context, Trial
from .reports.verdict import near_prediction, number

if TYPE_CHECKING:
    import duckdb

FloatArray = NDArray[np.float64]

POINTS = 2500
"""Of a run, at most."""
CHORD = 0.03
"""Steps are left out as long as the median of those that remain is this share of the attractor's size."""
LONGEST_STRIDE = 8


@dataclass(frozen=True, eq=False)
class Projection:
    """What is seen of a system in three dimensions, in units of the training data's SD."""

    axes: tuple[str, str, str]
    said: str
    project: Callable[[FloatArray], FloatArray]
    """(T, N) → (T, 3), fewer rows where coordinates are delayed."""


def read_attractors(
    connection: duckdb.DuckDBPyConnection,
    comparison: Comparison,
    results: Path,
    *,
    at_most: int = AT_MOST,
    points: int = POINTS,
) -> tuple[Attractor, ...]:
    """Of the first `at_most` contexts of the comparison, in its order, for `reports.html.comparison_page`."""
    return tuple(
        _attractor(connection, comparison, context, results, points)
        for context in shown_contexts(comparison)[:at_most]
    )


def _attractor(
    connection: duckdb.DuckDBPyConnection,
    comparison: Comparison,
    context: Context,
    results: Path,
    points: int,
) -> Attractor:
    from . import trained
    from .systems import DataError
    from .systems.dataset import find, load

    def drawn(runs: Sequence[Run], axes: tuple[str, str, str], said: str) -> Attractor:
        return Attractor(context.context_id, context.title, axes, said, tuple(runs))

    cache = results / "systems"
    # Another series may have the name by now.
    ((made_by,),) = connection.execute(
        "SELECT mode(system_hash) FROM results WHERE context_id = ?", [context.context_id]
    ).fetchall()
    try:
        data = find(made_by or "", cache=cache) or load(context.system, cache=cache)
    except (DataError, OSError, ArithmeticError) as error:
        said = f"the data of {context.system} are not here: {error}"
        return drawn([Run(context.system, said)], ("x", "y", "z"), "")
    test = data.test_parts.longest_of(data.test)  # neither delays nor lines go across a break
    seen = projection(test, data.variables)
    stride = _stride(seen.project(test), points)
    steps = points * stride + len(test[:_LOOK]) - len(seen.project(test[:_LOOK]))
    true = seen.project(test[:steps])[::stride]
    runs = [Run("true", f"the test data of {context.system}", true)]
    for name, cell in _cells(comparison, context):
        trial = cell.median_trial
        said = _said(cell, trial, comparison.measure_name)
        if trial is None or trial.blown_up:
            runs.append(Run(name, said, regime=cell.label))
            continue
        try:
            row = _row(connection, trial)
            series = trained.load(row, results).generate(steps, standardised=True)
        except (OrchError, DataError) as error:
            runs.append(Run(name, f"{said}: not drawn, {error}", regime=cell.label))
            continue
        runs.append(Run(name, said, seen.project(series)[::stride], cell.label))
    every = "" if stride == 1 else f", every {stride} steps"
    said = f"{seen.said} {len(true):,} points of each run{every}."
    return drawn(runs, seen.axes, said)


_LOOK = 20_000
"""Rows of the data that a projection is found from."""


def projection(data: FloatArray, variables: Sequence[str]) -> Projection:
    """How (T, N) is seen: N = 3 as it is, more along their first principal axes, fewer with delays."""
    unit = "in units of the training data's SD."
    columns = data.shape[1]
    if columns == 3:
        names = (variables[0], variables[1], variables[2])
        return Projection(names, f"The three variables, {unit}", lambda series: series)
    if columns > 3:
        middle = data.mean(axis=0)
        _, spread, rows = np.linalg.svd(data[:_LOOK] - middle, full_matrices=False)
        share = float((spread[:3] ** 2).sum() / (spread**2).sum())
        said = (
            f"The first three principal axes of the {columns} variables of the test data, which hold "
            f"{share:.0%} of their variance, {unit}"
        )
        axes: FloatArray = rows[:3].T
        return Projection(("PC 1", "PC 2", "PC 3"), said, lambda series: (series - middle) @ axes)
    delay = _delay(data[:_LOOK, 0])
    lags = (0, delay) if columns == 2 else (0, delay, 2 * delay)
    first, label = variables[0], f"{variables[0]}(t−{delay})"
    names = (first, variables[1], label) if columns == 2 else (first, label, f"{first}(t−{2 * delay})")

    def delayed(series: FloatArray) -> FloatArray:
        length = max(0, len(series) - lags[-1])
        shifted = [series[lags[-1] - lag : lags[-1] - lag + length, 0] for lag in lags]
        if columns == 2:
            shifted.insert(1, series[lags[-1] : lags[-1] + length, 1])
        return np.column_stack(shifted)

    return Projection(names, f"{first} beside its own past, {delay} steps a delay, {unit}", delayed)


def _delay(series: FloatArray) -> int:
    """Steps until the autocorrelation has fallen to 1/e, at least one."""
    centred = series - series.mean()
    padded = np.fft.rfft(centred, 2 * len(centred))
    correlation = np.fft.irfft(np.abs(padded) ** 2)[: len(centred) // 10]
    below = np.flatnonzero(correlation <= correlation[0] / np.e)
    return max(1, int(below[0]) if len(below) else len(correlation) - 1)


def _stride(seen: FloatArray, points: int) -> int:
    """Every how many steps a point is taken, so that lines stay smooth and the run is as long as can be."""
    part = seen[:_LOOK]
    steps = np.linalg.norm(np.diff(part, axis=0), axis=1)
    size = float(np.ptp(part, axis=0).max())
    typical = float(np.median(steps)) if len(steps) else 0.0
    longest = max(1, min(LONGEST_STRIDE, len(seen) // points))
    return int(np.clip(CHORD * size / typical, 1, longest)) if typical else 1


def _cells(comparison: Comparison, context: Context) -> list[tuple[str, Cell]]:
    """The baseline, and the leading challenger near τ_pred and tuned, each with what it is called."""
    if not comparison.rows:  # nothing could be compared: the best forced one, and one of every other regime
        best: dict[str, Cell] = {}
        for cell in sorted(
            context.cells, key=lambda cell: geometric_mean(list(cell.scores.values())).value or 0
        ):
            best.setdefault(cell.family, cell)
        return [(cell.label, cell) for cell in best.values()][:3]
    line = next(line for line in comparison.headlines if line.context_id == context.context_id)
    rows = sorted(comparison.rows_of(line), key=lambda row: row.challenger.regime != "sparse_forcing")
    leading = [row for row in rows if row.challenger.family == rows[0].challenger.family]
    names = {rows[0].baseline.cell_id: rows[0].baseline.label}
    for row in leading:
        names.setdefault(row.challenger.cell_id, f"{row.challenger.label}{_choice(row)}")
    cells = {cell.cell_id: cell for cell in context.cells}
    return [(name, cells[cell_id]) for cell_id, name in names.items()]


def _choice(row: Row) -> str:
    if row.tau_choices == 1 or row.selection == "fixed":
        return ""
    if row.selection == "split":
        return ", tuned"
    return ", near τ_pred" if near_prediction(row) else ", far from τ_pred"


def _said(cell: Cell, trial: Trial | None, measure: str) -> str:
    """Which network it is."""
    if trial is None:
        return "no trial of this cell has a score"
    of_all = f"the median of {len(cell.scores)}"
    if trial.blown_up:
        how = "its training diverged" if trial.status == "diverged" else "its free run left every bound"
        reason = f" ({trial.reason})" if trial.reason else ""
        return f"seed {trial.seed}, {of_all}, blew up: {how}{reason}"
    return f"seed {trial.seed}, {measure} {number(trial.score)}, {of_all}"


def _row(connection: duckdb.DuckDBPyConnection, trial: Trial) -> dict[str, Any]:
    """What `trained.load` asks for."""
    columns = ("trial_id", "config", "system_hash", "parameters_digest")
    found = connection.execute(
        f"SELECT {', '.join(columns)} FROM results WHERE trial_id = ?", [trial.trial_id]
    ).fetchone()
    assert found is not None
    return dict(zip(columns, found, strict=True))

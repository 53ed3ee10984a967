"""Reading the evidence from the documented views.

Views relied on: ``results`` (one row per trial), ``pruned`` (those that a search gave up) and
``study_trials(study, trial_id)``.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import duckdb

from .measures import MEASURES
from .scope import ALL, Scope
from .trials import Cell, Context, ReportError, Trial, UnknownNameError, UnknownStudyError, base_of, family_of


def contexts_of(
    connection: duckdb.DuckDBPyConnection,
    *,
    scope: Scope = ALL,
    systems: Sequence[str] = (),
    architectures: Sequence[str] = (),
) -> set[str] | None:
    """The context_ids with results of these systems and architectures; None where none is named.

    A system's name stands for its variants, too, as in a study.

    Raises UnknownNameError for a name without results, with what was near.
    """
    if not systems and not architectures:
        return None
    check_studies(connection, scope.studies)
    found = connection.execute(
        f"SELECT DISTINCT context_id, system, architecture FROM {scope.rows}"
    ).fetchall()
    for kind, asked, there in (
        ("system", systems, {name for row in found for name in (row[1], base_of(row[1]))}),
        ("architecture", architectures, {row[2] for row in found}),
    ):
        for name in asked:
            if name not in there:
                raise UnknownNameError(f"No results for the {kind} '{name}': {_near(name, sorted(there))}")
    return {
        context_id
        for context_id, system, architecture in found
        if not systems or system in systems or base_of(system) in systems
        if not architectures or architecture in architectures
    }


def read_contexts(
    connection: duckdb.DuckDBPyConnection,
    measure: str,
    *,
    scope: Scope = ALL,
) -> tuple[Context, ...]:
    """Every context with results, ordered by system, architecture and settings, these as numbers.

    Raises UnknownNameError for an unknown measure or study, ReportError when there are no results at all.
    """
    if measure not in MEASURES:
        close = difflib.get_close_matches(measure, MEASURES, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise UnknownNameError(
            f"Unknown measure '{measure}': {hint}A comparison can use {', '.join(MEASURES)}."
        )
    asked = MEASURES[measure]
    chosen = f"(FROM {scope.rows})"
    try:
        check_studies(connection, scope.studies)
        found = connection.execute(
            f"""
            SELECT system, architecture, context, context_id, regime, tau, regime_label, cell_id
            FROM {chosen} GROUP BY ALL ORDER BY ALL"""
        ).fetchall()
    except duckdb.CatalogException as error:
        raise ReportError("This is no results database: it lacks the view 'results'.") from error
    if not found:
        where = f" for {', '.join(scope.studies)}" if scope.studies else ""
        where += " in the contexts asked for" if scope.contexts is not None else ""
        raise ReportError(f"There are no results{where} yet.")
    # λ_max may have been estimated anew between two trials of one context, and a failed trial has neither
    # floor nor ceiling: the middle value, NULLs aside.
    columns = ("tau_pred", "lambda_max", "lambda_max_se", "dt")
    middles = ", ".join(f"quantile_disc({name}, 0.5) FILTER (isfinite({name}))" for name in columns)
    middles += f", {asked.floor}, {asked.ceiling}"
    there = {row[0] for row in connection.execute(f"DESCRIBE {chosen}").fetchall()}
    recorded = ", ".join(f"any_value({name})" if name in there else "NULL" for name in ("settings", "config"))
    numbers = {
        context_id: values
        for context_id, *values in connection.execute(
            f"SELECT context_id, {recorded}, any_value(lambda_from), {middles} "
            f"FROM {chosen} GROUP BY context_id"
        ).fetchall()
    }
    trials: dict[str, list[Trial]] = defaultdict(list)
    for cell_id, *trial in connection.execute(
        f"""
        SELECT cell_id, trial_id, seed, status, coalesce(reason, ''),
               {asked.score}
        FROM {chosen} ORDER BY seed, trial_id"""
    ).fetchall():
        trials[cell_id].append(Trial(*trial))
    given_up = _given_up(connection, scope.where)
    by_context: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for system, architecture, settings, context_id, *cell in found:
        by_context[context_id].append((system, architecture, settings or "", *cell))
    same_text = Counter(cells[0][:3] for cells in by_context.values())
    return tuple(
        sorted(
            (
                _context(
                    context_id,
                    cells,
                    numbers[context_id],
                    trials,
                    given_up.get(context_id, {}),
                    ambiguous=same_text[cells[0][:3]] > 1,
                )
                for context_id, cells in by_context.items()
            ),
            key=_by_numbers,
        )
    )


def _given_up(connection: duckdb.DuckDBPyConnection, where: str) -> dict[str, dict[str, str]]:
    """Cells of which a search gave seeds up, with their labels, by context; none in a database of before
    there were searches."""
    there = "SELECT 1 FROM information_schema.tables WHERE table_name = 'pruned'"
    if not connection.execute(there).fetchone():
        return {}
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for context_id, cell_id, label in connection.execute(
        f"""
        SELECT context_id, cell_id, any_value(regime_label) FROM pruned {where}
        GROUP BY context_id, cell_id ORDER BY any_value(tau), cell_id"""
    ).fetchall():
        found[context_id][cell_id] = label
    return found


def check_studies(connection: duckdb.DuckDBPyConnection, studies: Collection[str]) -> None:
    if not studies:
        return
    known = [
        str(row[0])
        for row in connection.execute("SELECT DISTINCT study FROM study_trials ORDER BY study").fetchall()
    ]
    for study in studies:
        if study in known:
            continue
        hint = _near(study, known) if known else "no study has results yet."
        raise UnknownStudyError(study, hint)


def _near(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"there are results for {', '.join(known)}."


def _context(
    context_id: str,
    found: list[tuple[Any, ...]],
    numbers: Sequence[Any],
    trials: Mapping[str, list[Trial]],
    given_up: Mapping[str, str],
    *,
    ambiguous: bool,
) -> Context:
    system, architecture, settings = found[0][:3]
    if ambiguous:  # two contexts that read alike are still two contexts
        settings = f"{settings}, id={context_id[:8]}".lstrip(", ")
    by_id: dict[str, tuple[str, int | None, str]] = {}
    for *_, regime, tau, label, cell_id in found:
        by_id.setdefault(cell_id, (regime, tau, label))  # a label may have been worded anew
    alike = Counter(label for _, _, label in by_id.values())
    cells = []
    for cell_id, (regime, tau, label) in by_id.items():
        mark = f" #{cell_id[:8]}" if alike[label] > 1 else ""
        family = family_of(label) + mark
        cells.append(Cell(cell_id, regime, label + mark, family, tau, tuple(trials[cell_id])))
    settings_of, config, lambda_from, tau_pred, lambda_max, lambda_max_se, dt, floor, ceiling = numbers
    return Context(
        context_id=context_id,
        system=system,
        architecture=architecture,
        settings=settings,
        tau_pred=tau_pred if tau_pred is not None and tau_pred > 0 else None,
        lambda_max=lambda_max,
        lambda_max_se=lambda_max_se,
        lambda_from=lambda_from,
        dt=dt,
        floor=floor,
        ceiling=ceiling,
        cells=tuple(cell for cell in cells if cell.cell_id not in given_up),
        partial=tuple(cell for cell in cells if cell.cell_id in given_up),
        given_up=tuple(dict.fromkeys(given_up.values())),
        values=_by_name(settings_of),
        chosen=_by_name(config),
    )


def _by_name(recorded: str | None) -> dict[str, Any]:
    """Settings of a context by name: `system.noise`."""
    parts = json.loads(recorded) if recorded else {}
    return {
        f"{part}.{name}": value
        for part, settings in parts.items()
        if part not in ("regime", "seed")
        for name, value in settings.items()
    }


def _by_numbers(context: Context) -> tuple[Any, ...]:
    """Where a context stands among others: noise=0.02 before noise=0.1, which as text is the other way."""
    numbers = [(name, value) for name, value in context.values.items() if isinstance(value, int | float)]
    return (context.base, context.architecture, sorted(numbers), context.system, context.settings)

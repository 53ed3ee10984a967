"""What is known of cells, read from the results database: the whole memory of a search."""

import json
import math
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .course import scores_in
from .errors import OrchError
from .identity import Trial
from .knowledge import Knowledge, Seen
from .prior import Prior
from .proposals import LEAST_EVALUATIONS, why_stop
from .provenance import fingerprint
from .retrying import NOTHING, Retry
from .search import Search, without_tau
from .store import Store

if TYPE_CHECKING:
    import duckdb

RATIO_TAUS = 4
"""Of a system on which fewer τ were tried it is not said which is best."""

AT_CEILING = math.log(0.95)
"""Nearer to the ceiling, in ln D_stsp, no τ is told from another."""


def recall(
    store: Store, study: str, searches: Sequence[Search], *, retry: Retry = NOTHING
) -> list[Knowledge]:
    """What is known of each search, whichever study ran the trials, and what the study asked for and did not
    get.

    Args:
        study: name of the study; trials that were noted down as its own and have no result are pending.
        retry: which trials that have a row count as never run.
    """
    found = [Knowledge() for _ in searches]
    if not searches or store.is_empty():
        return found
    with store.reading() as (connection, _):
        for search, knowledge in zip(searches, found, strict=True):
            now = fingerprint(search.first) if retry.stale else None
            seen = read_seen(connection, list(search.taus), retry=retry)
            known = [one for one in seen if not retry.is_outdated(one[1].fingerprint, now)]
            knowledge.add(trial._replace(tau=search.taus[cell]) for cell, trial in known)
            knowledge.outdated = len(seen) - len(known)
        asked = connection.execute("SELECT trial_id FROM study_trials WHERE study = ?", [study]).fetchall()
    ids = {trial_id for (trial_id,) in asked}
    for search, knowledge in zip(searches, found, strict=True):
        knowledge.pending = _places(search, ids) - knowledge.seen.keys()
    return found


def _places(search: Search, trial_ids: Container[str]) -> set[tuple[int, int]]:
    """τ and seed of those of these trials that a search could have asked for."""
    return {
        (tau, seed)
        for tau in search.taus.values()
        for seed, trial_id in zip(search.seeds, search.cell(tau).ids_of(search.seeds), strict=True)
        if trial_id in trial_ids
    }


def recall_cells(
    store: Store, cells: Sequence[Trial], *, retry: Retry = NOTHING
) -> tuple[dict[str, dict[int, Seen]], dict[str, set[int]]]:
    """What is known of cells of a grid: cell id → seed → trial; what a search gave up is not known.

    Returns:
        That, and cell id → seeds that other code made and that are to be run again.
    """
    found: dict[str, dict[int, Seen]] = {}
    outdated: dict[str, set[int]] = {}
    if not store.is_empty():
        now = {cell.cell_id: fingerprint(cell) if retry.stale else None for cell in cells}
        with store.reading() as (connection, _):
            for cell_id, trial in read_seen(connection, list(now), retry=retry):
                if trial.status == "pruned":
                    continue
                if retry.is_outdated(trial.fingerprint, now[cell_id]):
                    outdated.setdefault(cell_id, set()).add(trial.seed)
                else:
                    found.setdefault(cell_id, {})[trial.seed] = trial
    return found, outdated


def read_seen(
    connection: "duckdb.DuckDBPyConnection", cell_ids: Sequence[str], *, retry: Retry = NOTHING
) -> list[tuple[str, Seen]]:
    """Every trial of these cells that has a row and does not count as never run, with its cell's id."""
    rows = connection.execute(
        """
        WITH chosen AS (
            FROM trials WHERE cell_id IN (SELECT unnest(?))
        ), courses AS (
            SELECT trial_id, epoch, max(value) FILTER (quantity = 'd_stsp') AS d_stsp
            FROM curves WHERE quantity IN ('d_stsp', 'unbounded_step')
            AND trial_id IN (SELECT trial_id FROM chosen) GROUP BY ALL
        )
        SELECT cell_id, coalesce(tau, 0), seed, status, failure, d_stsp, ceiling_d_stsp, pruned_epoch,
               code_fingerprint, epoch_us(finished_at),
               (SELECT list({'epoch': epoch, 'value': d_stsp}) FROM courses AS c
                WHERE c.trial_id = chosen.trial_id)
        FROM chosen
        """,
        [list(cell_ids)],
    ).fetchall()
    found = []
    for cell_id, tau, seed, status, failure, d_stsp, ceiling, pruned_epoch, made_by, at, points in rows:
        if retry.is_open(status, failure):
            continue
        course = {point["epoch"]: point["value"] for point in points or []}
        trial = _seen(tau, seed, status, d_stsp, ceiling, course, pruned_epoch=pruned_epoch)
        found.append((cell_id, trial._replace(at=(at or 0) / 1e6, fingerprint=made_by)))
    return found


def seen_in(row: Mapping[str, Any], *, tau: int) -> Seen:
    """What a worker says of a trial (`trial.SCORED_BY`)."""
    course = scores_in(row["curves"] or [])
    seed, status, d_stsp, ceiling = (row[name] for name in ("seed", "status", "d_stsp", "ceiling_d_stsp"))
    return _seen(tau, seed, status, d_stsp, ceiling, course, pruned_epoch=row["pruned_epoch"])


def _seen(
    tau: int,
    seed: int,
    status: str,
    d_stsp: float | None,
    ceiling: float | None,
    course: Mapping[int, float | None],
    *,
    pruned_epoch: int | None,
) -> Seen:
    """What a trial counts as: its D_stsp, the ceiling where it blew up; of a pruned one, what it was then.

    Args:
        course: epoch → D_stsp at each evaluation, None where the free run was unbounded.
    """
    filled = {epoch: _or_ceiling(value, ceiling) for epoch, value in course.items()}
    known = {epoch: score for epoch, score in filled.items() if score is not None}
    if status == "failed":
        score = None
    elif status == "pruned":
        score = known.get(pruned_epoch or 0, ceiling)
    elif status in ("diverged", "unbounded"):
        score = ceiling
    else:
        score = _or_ceiling(d_stsp, None)
    return Seen(tau, seed, score, status, course=known)


def _or_ceiling(value: float | None, ceiling: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else ceiling


def ratios(store: Store, search: Search) -> dict[str, float]:
    """On each other system, what the best τ of this regime and architecture is to the system's τ_pred.

    With the settings that were tried with the most τ, of the system or one of its variants; the best τ is
    that with the lowest mean of ln D_stsp over seeds, of those with two seeds at least. None of a system
    where all are at the ceiling.
    """
    if store.is_empty():
        return {}
    with store.reading() as (connection, _):
        rows = connection.execute(
            """
            SELECT system, context_id, config->'regime' AS regime, tau, tau_pred,
                   avg(ln(greatest(d_stsp_score, 1e-6))) - ln(any_value(ceiling_d_stsp))
            FROM results
            WHERE system <> ? AND architecture = ? AND regime = ? AND tau_pred > 0 AND isfinite(tau_pred)
              AND d_stsp_score IS NOT NULL
              AND cell_id NOT IN (SELECT cell_id FROM pruned) -- of whose seeds the luckier ones are left
            GROUP BY ALL HAVING count(*) >= 2
            """,
            [search.first.system, search.first.architecture.name, search.first.regime.name],
        ).fetchall()
    own = without_tau(search.first.cell["regime"])
    curves: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for system, context_id, regime, tau, tau_pred, below_ceiling in rows:
        if without_tau(json.loads(regime)) == own:
            curves.setdefault((system, context_id), []).append((below_ceiling or 0.0, tau / tau_pred))
    found: dict[str, tuple[int, str, float]] = {}
    for (system, _), points in sorted(curves.items()):
        lowest, ratio = min(points)
        base = system.partition("(")[0]
        if lowest < AT_CEILING and len(points) >= max(RATIO_TAUS, found.get(base, (0,))[0] + 1):
            found[base] = (len(points), system, ratio)
    return {system: ratio for _, system, ratio in found.values()}


def centre_from(ratios: Sequence[float]) -> float:
    """Where the prior's centre goes after other systems: the geometric mean of their ratios and of 1, which
    is what the Lyapunov time itself says."""
    return math.exp(math.fsum(map(math.log, ratios)) / (len(ratios) + 1))


def prior_of(search: Search, store: Store) -> tuple[Prior, dict[str, float]]:
    """The prior of a search, and what its centre stands on beside the exponent: the ratios of other systems.

    The system's data are made where they are not there.

    Raises:
        OrchError: nothing predicts τ.
    """
    from .systems.dataset import load

    others = ratios(store, search) if search.settings.transfer else {}
    tau_pred = load(search.first.system, cache=store.results / "systems").tau_pred
    try:
        return search.prior(tau_pred, ratio=centre_from(list(others.values()))), others
    except ValueError as error:
        raise OrchError(f"{search.label}: {error}") from None


def stopped(store: Store, search: Search, knowledge: Knowledge) -> str | None:
    """Why a search may stop before its budget is out, as far as is known; None where it may not."""
    evaluations = knowledge.evaluations(search.settings.seeds_per_trial)
    if not search.settings.stop or len(evaluations) < LEAST_EVALUATIONS:
        return None
    try:
        prior, _ = prior_of(search, store)
    except OrchError:
        return None  # a run will say so
    return why_stop(search, prior, evaluations)

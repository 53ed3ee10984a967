"""The SQL of the page's tables, each complete: paste it into `orch sql`.

A page shows what its queries answer, and the queries, so that each explains the other.

Views relied on: ``results``, ``study_trials``, ``studies``, ``curves``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from scipy import special

from ..comparison import Comparison
from ..exponents import KINDS, WITHIN
from ..measures import MEASURES
from ..scope import ALL, Scope
from ..statistics import SMALLEST_SCORE

NAMES = "system, architecture, context"
CELL = "context_id, regime_label, tau, cell_id"
REASON = "trim(split_part(rtrim(reason, ' ' || chr(10)), chr(10), -1))"
"""A trial's reason: of a traceback the last line."""
LONGEST_ID = 12
"""Characters of a trial's id that are shown, and enough for `orch trial show`."""


def names(comparison: Comparison) -> str:
    """The columns that name a context: its settings only where system and architecture do not tell it."""
    pairs = {(context.system, context.architecture) for context in comparison.contexts}
    return "system, architecture" if len(pairs) == len(comparison.contexts) else NAMES


def cells_query(
    measure: str,
    *,
    scope: Scope = ALL,
    seeds: Collection[int] = range(2, 31),
    named: str = NAMES,
    without: Collection[str] = (),
    spectra: bool = True,
) -> str:
    """What is drawn against τ: per cell the geometric mean with its 95% t-interval on the logs.

    `seeds` are the numbers of seeds for which there is an interval, `named` the columns that name a context,
    `without` further cell_ids that are left out; `spectra` adds medians of D_H and PSC, by columns that
    databases of before schema 7 lack.
    """
    medians = f""",
       median({MEASURES["d_h"].score}) AS median_d_h,
       1 - median({MEASURES["psc"].score}) AS median_psc"""
    scope = dataclasses.replace(scope, without={*scope.without, *without})
    mean, half = mean_log("score", seeds)
    return f"""SELECT {named}, regime_label AS regime, tau,
       count(*) AS trials,
       count(*) FILTER (status = 'diverged') AS diverged,
       count(*) FILTER (status = 'unbounded') AS unbounded,
       count(*) FILTER (status = 'failed') AS failed,
       exp({mean}) AS {measure}_score,
       exp({mean} - {half}) AS "95% low",
       exp({mean} + {half}) AS "95% high",
       min(score) AS lowest,
       max(score) AS highest{medians if spectra else ""}
FROM (SELECT *, {MEASURES[measure].score} AS score
      FROM {scope.rows})
GROUP BY {named}, {CELL}
ORDER BY {named}, {CELL}"""


def mean_log(score: str, counts: Collection[int]) -> tuple[str, str]:
    """Aggregates of scores: the mean of their logs, and half of its 95% t-interval."""
    log = f"CASE WHEN {score} IS NOT NULL THEN ln(greatest({score}, {SMALLEST_SCORE:g})) END"
    half = f"{t_factor(f'count({score})', counts)} * stddev_samp({log}) / sqrt(count({score}))"
    return f"avg({log})", half


def t_factor(count: str, seeds: Collection[int]) -> str:
    """The 97.5% quantile of Student's t for that many values, which DuckDB does not know by itself."""
    known = sorted({n for n in seeds if n > 1})
    cases = " ".join(f"WHEN {n} THEN {float(special.stdtrit(n - 1, 0.975))!r}" for n in known)
    return f"CASE {count} {cases} END" if known else "NULL"


def blown_up_query(comparison: Comparison) -> str:
    """Per cell, what became of its trials, and the share that blew up with its Wilson interval."""
    low, high = wilson("blown_up", "ran")
    return f"""SELECT {names(comparison)}, regime, trials, diverged AS "diverged in training",
       unbounded AS "unbounded free run", failed,
       if(ran = 0, NULL, 100.0 * blown_up / ran) AS "% blown up",
       if(ran = 0, NULL, 100 * {low}) AS "95% low",
       if(ran = 0, NULL, 100 * {high}) AS "95% high"
FROM (SELECT {names(comparison)}, context_id, regime_label AS regime, tau, cell_id, count(*) AS trials,
             count(*) FILTER (status = 'diverged') AS diverged,
             count(*) FILTER (status = 'unbounded') AS unbounded,
             count(*) FILTER (status = 'failed') AS failed,
             trials - failed AS ran, diverged + unbounded AS blown_up
      FROM {comparison.scope.rows}
      GROUP BY {names(comparison)}, {CELL})
ORDER BY {names(comparison)}, context_id, regime, tau, cell_id"""


def wilson(count: str, n: str) -> tuple[str, str]:
    """The ends of Wilson's 95% interval for count of n, as `statistics.wilson_interval` has them."""
    z = float(special.ndtri(0.975))
    share = f"({count} / {n})"
    centre = f"{share} + {z * z / 2!r} / {n}"
    half = f"{z!r} * sqrt({share} * (1 - {share}) / {n} + {z * z / 4!r} / ({n} * {n}))"
    scale = f"(1 + {z * z!r} / {n})"
    return (
        f"if({count} = 0, 0.0, ({centre} - {half}) / {scale})",
        f"if({count} = {n}, 1.0, ({centre} + {half}) / {scale})",
    )


def reasons_query(comparison: Comparison) -> str:
    """What went wrong, each kind once, the most frequent first."""
    return f"""SELECT status, {REASON} AS reason, count(*) AS trials,
       count(DISTINCT cell_id) AS cells, count(DISTINCT context_id) AS contexts
FROM (FROM {comparison.scope.rows})
WHERE status <> 'ok'
GROUP BY status, 2
ORDER BY status = 'failed' DESC, trials DESC, status, 2"""


def troubles_query(comparison: Comparison) -> str:
    """Every trial that did not end well, with its reason: the last line of it, where it is a traceback."""
    return f"""SELECT {names(comparison)}, regime_label AS regime, seed, status, failure,
       diverged_epoch AS "diverged at epoch", unbounded_step AS "unbounded at step",
       {REASON} AS reason,
       left(trial_id, {LONGEST_ID}) AS trial
FROM (FROM {comparison.scope.rows})
WHERE status <> 'ok'
ORDER BY status = 'failed' DESC, {names(comparison)}, {CELL}, seed, trial_id"""


def trials_query(comparison: Comparison) -> str:
    """Every trial with its score."""
    return f"""SELECT {names(comparison)}, regime_label AS regime, seed, status,
       {MEASURES[comparison.measure].score} AS {comparison.measure}_score,
       d_h, psc, left(trial_id, {LONGEST_ID}) AS trial
FROM {comparison.scope.rows}
ORDER BY {names(comparison)}, {CELL}, seed, trial_id"""


def exponents_query(comparison: Comparison) -> str:
    """λ of the networks beside λ of their data, per cell, counted as `exponents.read_exponents` counts."""
    low, high = wilson("recovered", "networks")
    kinds = ", ".join(
        f"if(len(list_filter(kinds, lambda k: k = '{kind}')) > 0, "
        f"len(list_filter(kinds, lambda k: k = '{kind}')) || ' {kind.replace('_', '-')}', NULL)"
        for kind in KINDS
    )
    undecided = (
        "dynamics = 'quasi_periodic' AND lambda_max > 0 AND "
        f"(dynamics_evidence->>'resolution')::DOUBLE > {1 - WITHIN!r} * lambda_max * dt"
    )
    return f"""WITH ran AS (
    SELECT *, coalesce({undecided}, false) AS undecided,
           CASE WHEN NOT undecided THEN dynamics END AS kind,
           CASE WHEN isfinite(net_lambda_max) AND NOT undecided THEN net_lambda_max END AS exponent,
           status IN ('diverged', 'unbounded') AS blown_up, kind IS NOT NULL OR blown_up AS known,
           quantile_disc(lambda_max, 0.5) FILTER (isfinite(lambda_max)) OVER context AS of_data
    FROM (FROM {comparison.scope.rows})
    WHERE status <> 'failed'
    WINDOW context AS (PARTITION BY context_id)
), looked_at AS (
    SELECT *, bool_or(kind IS NOT NULL) OVER context OR bool_and(blown_up) OVER context AS told
    FROM ran
    WINDOW context AS (PARTITION BY context_id)
), counted AS (
    SELECT {names(comparison)}, context_id, regime_label AS regime, tau, cell_id,
           count(*) FILTER (known) AS networks, median(exponent) AS middle,
           min(exponent) AS lowest, max(exponent) AS highest, any_value(of_data) AS of_data,
           count(*) FILTER (kind = 'chaotic' AND abs(exponent - of_data) <= {WITHIN!r} * of_data)
               AS recovered,
           median(net_kaplan_yorke) FILTER (kind = 'chaotic' AND exponent IS NOT NULL) AS dimension,
           median(kaplan_yorke) AS of_data_dimension, list(kind) FILTER (kind IS NOT NULL) AS kinds
    FROM looked_at WHERE told AND of_data > 0 GROUP BY {names(comparison)}, {CELL}
)
SELECT {names(comparison)}, regime, networks, middle AS "λ_max", lowest, highest, of_data AS "λ_max of data",
       recovered AS "within {WITHIN:.0%}",
       if(networks = 0, NULL, 100 * {low}) AS "% low", if(networks = 0, NULL, 100 * {high}) AS "% high",
       dimension AS "D_KY", of_data_dimension AS "D_KY of data",
       concat_ws(', ', {kinds}) AS "free runs"
FROM counted
ORDER BY {names(comparison)}, context_id, regime, tau, cell_id"""


def provenance_queries(comparison: Comparison) -> dict[str, str]:
    """By caption: which studies, code, packages and machines these trials came from, and when."""
    chosen = comparison.scope.rows
    when = """strftime(min(started_at), '%Y-%m-%d %H:%M') AS "first started (UTC)",
       strftime(max(finished_at), '%Y-%m-%d %H:%M') AS "last finished (UTC)\""""
    return {
        "Studies": f"""SELECT study, any_value(description) AS description,
       count(DISTINCT trial_id) AS trials,
       count(DISTINCT definition_id) AS declarations,
       strftime(max(recorded_at), '%Y-%m-%d %H:%M') AS "declared (UTC)"
FROM study_trials LEFT JOIN studies USING (study)
WHERE trial_id IN (SELECT trial_id FROM {chosen})
GROUP BY study
ORDER BY study""",
        "Code": f"""SELECT coalesce(code_version, 'unknown') AS version, left(code_commit, 12) AS "commit",
       CASE WHEN code_dirty THEN 'yes, ' || code_changes WHEN NOT code_dirty THEN 'no' END
           AS "uncommitted changes",
       count(DISTINCT code_fingerprint) AS fingerprints, count(*) AS trials,
       {when}
FROM {chosen}
GROUP BY ALL
ORDER BY ALL""",
        "Machines": f"""SELECT device, host, threads, count(*) AS trials,
       sum(train_seconds) / 3600 AS "hours of training", max(peak_memory_mib) AS "most memory (MiB)",
       sum(resumed) AS "resumed",
       {when}
FROM {chosen}
GROUP BY device, host, threads
ORDER BY device, host, threads""",
        "Packages": f"""SELECT package, packages->>package AS version, count(*) AS trials
FROM (SELECT packages, unnest(json_keys(packages)) AS package FROM {chosen})
GROUP BY package, version
ORDER BY package, version""",
    }

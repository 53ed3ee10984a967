"""Made-up results for the tests of the page: a database in memory, and trajectories."""

from __future__ import annotations

from importlib import resources
from typing import Any

import duckdb
import numpy as np

from orchestrator.reports.comparison import Comparison
from orchestrator.reports.html import Attractor, Run
from orchestrator.reports.html.courses import shown_contexts

EVIL = "</script><script>alert('ж')</script>&\"--> 'x'"

SCHEMA = resources.files("orchestrator").joinpath("schema.sql").read_text(encoding="utf-8")

TRIALS = """
INSERT INTO trials BY NAME
SELECT sha256(system || architecture || label || seed) AS trial_id,
       sha256(system || architecture || label) AS cell_id, sha256(system || architecture) AS context_id,
       'epochs=300' AS context, system, architecture, regime, label AS regime_label, tau, seed, 300 AS epochs,
       CASE WHEN tau > 150 AND seed % 5 = 0 THEN 'diverged' WHEN tau > 50 AND seed % 7 = 6 THEN 'unbounded'
            WHEN tau IS NULL AND seed = 11 THEN 'failed' ELSE 'ok' END AS status,
       CASE status WHEN 'failed' THEN 'bug' END AS failure,
       CASE status WHEN 'failed' THEN 'Traceback (most recent call last):' || chr(10) || 'Error: ' || system
            WHEN 'diverged' THEN 'loss is not finite' WHEN 'unbounded' THEN 'left every bound' END AS reason,
       CASE status WHEN 'diverged' THEN 120 + seed END AS diverged_epoch,
       CASE status WHEN 'unbounded' THEN 4000 END AS unbounded_step,
       if(tau IS NULL, 6, 0.1 * exp(abs(ln(tau / 46.0)))) AS level,
       level * exp(0.6 * sin(7.1 * seed + coalesce(tau, 0) + len(architecture))) AS score,
       if(status = 'ok', least(16, score), 'nan'::DOUBLE) AS d_stsp, 0.2 AS d_h, 0.9 AS psc,
       CASE WHEN status <> 'failed' THEN 0.05 END AS floor_d_stsp,
       CASE WHEN status <> 'failed' THEN 16.0 END AS ceiling_d_stsp,
       CASE status WHEN 'ok' THEN if(d_stsp < 1, 'chaotic', 'cycle') WHEN 'unbounded' THEN status
            END AS dynamics,
       CASE status WHEN 'ok' THEN 1.5 * sin(seed + coalesce(tau, 0)) END AS net_lambda_max,
       CASE status WHEN 'ok' THEN [1.5, 0.0, -22.0] END AS net_spectrum,
       'hash' || system AS system_hash, 'cpu' AS device, 'máquina' AS host, 1 AS threads,
       '2026-01-02 03:04:05'::TIMESTAMP + to_seconds(seed) AS started_at,
       started_at + to_seconds(90) AS finished_at, 80.0 AS train_seconds, 0 AS resumed,
       '0.1.0' AS code_version, repeat('ab', 20) AS code_commit, false AS code_dirty,
       '{"python": "3.11", "torch": "2.13"}' AS packages, '{}' AS config
FROM (SELECT unnest($systems) AS system), (SELECT unnest(['rnn', 'lstm']) AS architecture),
     (SELECT unnest([NULL, 5, 10, 20, 30, 46, 70, 100, 150, 200]) AS tau,
             if(tau IS NULL, 'clipping', 'sparse_forcing') AS regime,
             if(tau IS NULL, regime, format('{}(tau={})', regime, tau)) AS label),
     (SELECT unnest(range($seeds)) AS seed)
"""

CURVES = """
INSERT INTO curves
SELECT trial_id, epoch, 'loss', exp(-epoch / 80.0) + 0.01
FROM trials, (SELECT unnest(range(3, 301, 3)) AS epoch)
WHERE status <> 'failed' AND epoch < coalesce(diverged_epoch, 1000)
UNION ALL
SELECT trial_id, epoch, 'd_stsp', d_stsp * 300 / epoch FROM trials, (SELECT unnest([100, 200, 300]) AS epoch)
WHERE status = 'ok'
"""


def made(systems: list[str], seeds: int) -> duckdb.DuckDBPyConnection:
    """A results database in memory: of each system two architectures, clipping and nine τ."""
    connection = duckdb.connect(":memory:")
    connection.execute(SCHEMA)
    connection.execute(
        TRIALS.replace("BY NAME\nSELECT", "BY NAME\nSELECT * EXCLUDE (level, score) FROM (SELECT") + ")",
        {"systems": systems, "seeds": seeds},
    )
    connection.execute(CURVES)
    connection.execute("INSERT INTO study_trials SELECT 'big''s', trial_id FROM trials")
    connection.execute(
        "INSERT INTO studies BY NAME SELECT 'big''s' AS study, ? AS description, 'd' AS definition_id, "
        "'{}' AS declaration, "
        "'2026-01-01'::TIMESTAMP AS recorded_at",
        [EVIL],
    )
    connection.execute(
        "INSERT INTO systems BY NAME SELECT DISTINCT system, system_hash AS content_hash, 3 AS dimension, "
        "0.01 AS dt, 1.5 AS lambda_max, 0.01 AS lambda_max_se, [1.5, 0.0, -22.0] AS spectrum, "
        "46.2 AS tau_pred, 'equations' AS lambda_from FROM trials"
    )
    return connection


def trajectory(length: int = 2500, phase: float = 0.0) -> np.ndarray[Any, np.dtype[np.float64]]:
    t = np.linspace(0, 60, length) + phase
    return np.column_stack([np.sin(t), np.cos(1.3 * t), np.sin(0.4 * t) * np.cos(t)])


def attractors_of(comparison: Comparison) -> list[Attractor]:
    """Made-up runs for every context that is drawn."""
    return [
        Attractor(
            context.context_id, context.title, ("x", EVIL, "z"), f"Three of {EVIL}.",
            (
                Run("true", EVIL, trajectory()),
                Run("clipping", "seed 3", 3 * trajectory(phase=1)),
                Run("near τ_pred", "seed 5", trajectory(phase=2)),
                Run("tuned", "no parameters of trial 0123456789ab"),
            ),
        )
        for context in shown_contexts(comparison)
    ]  # fmt: skip

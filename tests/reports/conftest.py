"""A results database in memory, filled by hand with what the documented views would show."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import duckdb
import pytest

CEILING = 16.0
FLOOR = 0.05

SCHEMA = """
CREATE TABLE results (
    trial_id VARCHAR, cell_id VARCHAR, context_id VARCHAR, context VARCHAR, system VARCHAR,
    architecture VARCHAR, regime VARCHAR, tau INTEGER, regime_label VARCHAR, seed INTEGER, status VARCHAR,
    reason VARCHAR, d_stsp DOUBLE, d_h DOUBLE, psc DOUBLE, outside_share DOUBLE, d_stsp_published DOUBLE,
    d_h_published DOUBLE, psc_published DOUBLE, d_stsp_score DOUBLE, d_stsp_published_score DOUBLE,
    floor_d_stsp DOUBLE, ceiling_d_stsp DOUBLE, floor_d_stsp_published DOUBLE,
    ceiling_d_stsp_published DOUBLE, floor_d_h DOUBLE, floor_psc DOUBLE, floor_d_h_published DOUBLE,
    floor_psc_published DOUBLE, evaluation_steps BIGINT, tau_pred DOUBLE, lambda_max DOUBLE,
    lambda_max_se DOUBLE, dt DOUBLE, settings JSON, config JSON,
    code_fingerprint VARCHAR, lambda_from VARCHAR,
    dynamics VARCHAR, net_lambda_max DOUBLE, net_kaplan_yorke DOUBLE, kaplan_yorke DOUBLE,
    dynamics_evidence JSON, system_hash VARCHAR);
CREATE TABLE systems (content_hash VARCHAR, floors JSON, n_points BIGINT);
CREATE TABLE gradients (trial_id VARCHAR, epoch BIGINT, quantity VARCHAR, lag BIGINT, value DOUBLE);
CREATE TABLE study_trials (study VARCHAR, trial_id VARCHAR);
CREATE TABLE studies (study VARCHAR, declaration JSON, recorded_at TIMESTAMP);
CREATE TABLE pruned (
    context_id VARCHAR, regime_label VARCHAR, tau INTEGER, seed INTEGER, d_stsp_score DOUBLE,
    trial_id VARCHAR, cell_id VARCHAR);
"""


class Database:
    """Adds cells; `connection` is what a report is handed."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:")
        self.connection.execute(SCHEMA)

    def add(
        self,
        regime: str,
        scores: Mapping[int, float | str],
        *,
        tau: int | None = None,
        system: str = "lorenz63",
        architecture: str = "lstm",
        context: str = "",
        parameters: str = "",
        study: str = "demo",
        tau_pred: float | None = 26.4,
        code: str | None = None,
        settings: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """One cell: seed → D_stsp, or a status ('diverged', 'unbounded', 'failed')."""
        inside = ", ".join(filter(None, ["" if tau is None else f"tau={tau}", parameters]))
        label = f"{regime}({inside})" if inside else regime
        context_id = _hash(system, architecture, context)
        cell_id = _hash(context_id, label)
        rows: list[dict[str, Any]] = []
        for seed, value in scores.items():
            status = value if isinstance(value, str) else "ok"
            d_stsp = math.nan if isinstance(value, str) else value
            score = {"ok": d_stsp, "failed": None}.get(status, CEILING)
            row: dict[str, Any] = {
                "trial_id": _hash(cell_id, str(seed)),
                "cell_id": cell_id,
                "context_id": context_id,
                "context": context,
                "system": system,
                "architecture": architecture,
                "regime": regime,
                "tau": tau,
                "regime_label": label,
                "seed": seed,
                "status": status,
                "reason": "" if status == "ok" else "loss is not finite",
                "evaluation_steps": 100_000,
                "d_stsp": d_stsp,
                "d_h": 0.2,
                "psc": 0.9,
                "d_stsp_published": d_stsp,
                "d_stsp_score": score,
                "d_stsp_published_score": None if score is None else 2 * score,
                "floor_d_stsp": FLOOR,
                "ceiling_d_stsp": CEILING,
                "floor_d_stsp_published": FLOOR,
                "ceiling_d_stsp_published": 2 * CEILING,
                "tau_pred": tau_pred,
                "lambda_max": 0.906,
                "lambda_max_se": 0.002,
                "dt": 0.01,
                "settings": None if settings is None else json.dumps(settings),
                "config": None if config is None else json.dumps(config),
                "code_fingerprint": code,
                "system_hash": system,
            }
            rows.append(row)
        self._insert(f"results ({', '.join(rows[0])})", [tuple(row.values()) for row in rows])
        self._insert("study_trials", [(study, row["trial_id"]) for row in rows])

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        """All rows in one statement: one by one takes a second for a few hundred."""
        marks = ", ".join(["(" + ", ".join("?" * len(rows[0])) + ")"] * len(rows))
        self.connection.execute(
            f"INSERT INTO {table} VALUES {marks}", [value for row in rows for value in row]
        )


def _hash(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


@pytest.fixture
def database() -> Iterator[Database]:
    """An empty database with the views that reports rely on."""
    made = Database()
    yield made
    made.connection.close()


@pytest.fixture
def fill() -> Callable[[Database], None]:
    """Fills a database with two systems, three architectures, and a bit of everything that goes wrong."""
    return _fill


def _fill(database: Database) -> None:
    grid = (5, 10, 20, 30, 50, 100)
    # Fixed wiggles, not random numbers: the same on every platform.
    for system, tau_pred in (("lorenz63", 26.4), ("roessler", 60.0)):
        for order, architecture in enumerate(("lstm", "plrnn", "rnn")):
            for tau in grid:
                if architecture == "plrnn" and tau == 20:
                    continue
                centre = 0.07 * (order + 1) * math.exp(1.5 * abs(math.log(tau / tau_pred)))
                scores: dict[int, float | str] = {
                    seed: min(CEILING, centre * math.exp(0.5 * math.sin(7.1 * seed + tau + order)))
                    for seed in range(8)
                }
                if tau == 100:
                    scores.update({1: "diverged", 4: "unbounded"})
                database.add(
                    "sparse_forcing",
                    scores,
                    tau=tau,
                    system=system,
                    architecture=architecture,
                    tau_pred=tau_pred,
                )
            base: dict[int, float | str] = {seed: 6.0 + order + math.sin(3.3 * seed) for seed in range(8)}
            base[2] = "diverged"
            database.add("clipping", base, parameters="max_norm=1", system=system, architecture=architecture,
                         tau_pred=tau_pred)  # fmt: skip
            reset: dict[int, float | str] = {seed: 5.0 + order + math.cos(3.3 * seed) for seed in range(8)}
            database.add(
                "zero_reset", reset, tau=30, system=system, architecture=architecture, tau_pred=tau_pred
            )

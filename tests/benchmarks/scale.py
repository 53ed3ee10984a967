"""A million trials: how long ingest, planning, a report's query and SQL take.

    python tests/benchmarks/scale.py --trials 1000000

Writes a synthetic journal (plausible columns, six curve points a trial, files of 1,000 rows as after
`orch db compact`), of which 100,000 trials are those of a declared study, and times each command, three
times, from its start to its first output (the report: its verdict) and to its end; least and median.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from orchestrator import journal
from orchestrator.identity import canonical_json
from orchestrator.study import load

STUDY = """
grid = { system = ["lorenz63"], architecture = ["rnn", "plrnn"] }
regimes = { sparse_forcing = { tau = [%s] }, clipping = {} }
seeds = { count = 500 }
"""


def columns(configs: list, rng: np.random.Generator) -> dict:
    """Columns of trials; in `configs`: their ids, config, settings, architecture, regime, τ and seed."""
    n = len(configs)
    ids, cells, contexts, texts, settings, architectures, regimes, taus, seeds = zip(*configs, strict=True)
    score = np.exp(rng.normal(0, 1, n))
    status = np.where(rng.random(n) < 0.03, "diverged", "ok")
    labels = [f"{r}(tau={t})" if t else r for r, t in zip(regimes, taus, strict=True)]
    curve = [{"epoch": 500 * i, "quantity": "d_stsp", "value": 1.0 / i} for i in range(1, 7)]
    start = datetime(2026, 1, 1)
    return {
        "trial_id": ids, "cell_id": cells, "context_id": contexts, "context": [""] * n, "config": texts,
        "settings": settings,
        "system": ["lorenz63"] * n, "architecture": architectures, "regime": regimes, "regime_label": labels,
        "tau": taus, "seed": seeds, "latent_dim": [30] * n, "epochs": [3000] * n,
        "sequence_length": [200] * n, "batch_size": [32] * n, "batches_per_epoch": [10] * n,
        "learning_rate": [1e-3] * n, "evaluation_steps": [100_000] * n, "status": status,
        "d_stsp": [s if ok else None for s, ok in zip(score, status == "ok", strict=True)],
        "d_h": rng.random(n), "psc": rng.random(n),
        "floor_d_stsp": [0.053] * n, "ceiling_d_stsp": [16.3] * n,
        "floor_d_stsp_published": [0.057] * n, "ceiling_d_stsp_published": [15.8] * n,
        "system_hash": ["made-up"] * n,
        "stack_size": [5] * n, "device": ["cpu"] * n, "host": ["here"] * n,
        "finished_at": [start + timedelta(seconds=i) for i in range(n)],
        "train_seconds": 60 * rng.random(n) + 1, "evaluate_seconds": rng.random(n) + 1,
        "code_version": ["0"] * n, "code_fingerprint": ["a-b-c-d"] * n, "curves": [curve] * n,
    }  # fmt: skip


def write(results: Path, study: Path, *, trials: int, per_file: int) -> None:
    """The journal: the study's trials first, then strangers."""
    rng = np.random.default_rng(0)
    declared = load(study)
    configs = [
        (t.trial_id, t.cell_id, t.context_id, canonical_json(t.config), canonical_json(t.settings),
         t.architecture.name, t.regime.name, t.tau, t.seed)
        for t in declared.trials()
    ][:trials]  # fmt: skip
    some = configs[0][4]
    for i in range(trials - len(configs)):
        cell = f"{i // 20:064x}"
        settings = some.replace('"latent_dim":30', f'"latent_dim":{i // 400}')
        own = ("{}", settings, "lstm", "clipping", None, i % 20)
        configs.append((f"e{i:063x}", cell, f"{i // 400:064x}", *own))
    asked = {"study": declared.name, "trial_ids": declared.trial_ids(), "declaration": "{}"}
    journal.write(results / "journal", "studies", "big", [asked])
    system = {
        "system": "lorenz63",
        "content_hash": "made-up",
        "dt": 0.01,
        "lambda_max": 0.9,
        "tau_pred": 77.0,
    }
    journal.write(results / "journal", "systems", "lorenz63", [system])
    for at in range(0, trials, per_file):
        part = columns(configs[at : at + per_file], rng)
        table = pa.table({k: pa.array(v, journal.KINDS["trials"].field(k).type) for k, v in part.items()})
        journal.write_table(results / "journal", "trials", f"{at:08d}", table)


def timed(label: str, command: list[str], rounds: int = 3) -> None:
    first, whole = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            process.stdout.readline()
            first.append(time.perf_counter() - began)
            process.stdout.read()
        whole.append(time.perf_counter() - began)
        assert process.returncode == 0, command
    shown = (min(first), statistics.median(first), min(whole), statistics.median(whole))
    print(f"{label:50}" + "".join(f"{seconds:9.2f}" for seconds in shown), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--rows-per-file", type=int, default=1_000)
    options = parser.parse_args()
    orch = str(Path(sys.executable).with_name("orch"))
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        os.environ["ORCH_RESULTS"] = str(results)
        study = Path(folder) / "big.toml"
        study.write_text(STUDY % ", ".join(map(str, range(1, 100))))
        began = time.perf_counter()
        write(results, study, trials=options.trials, per_file=options.rows_per_file)
        print(f"{options.trials:,} trials in files of {options.rows_per_file}, written in "
              f"{time.perf_counter() - began:.0f} s\n\n"
              f"{'seconds: least and median':50}{'to first output':>18}{'to the end':>18}")  # fmt: skip
        time.sleep(3)  # until the journal's folder counts as settled
        timed("orch db rebuild (ingest)", [orch, "db", "rebuild"], rounds=1)
        timed("orch db info", [orch, "db", "info"])
        aggregate = "SELECT regime, count(*), avg(ln(d_stsp)) FROM trials WHERE status = 'ok' GROUP BY ALL"
        timed("orch sql, an aggregate over all rows", [orch, "sql", aggregate])
        timed("orch sql 'FROM cells LIMIT 5'", [orch, "sql", "FROM cells LIMIT 5"])
        timed("orch study plan, 100,000 trials", [orch, "study", "plan", str(study)])
        timed("orch report big, 100,000 trials", [orch, "report", "big"])


if __name__ == "__main__":
    main()

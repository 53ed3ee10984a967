"""Whether a results folder is sound: journal, database and kept parameters against each other."""

import contextlib
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from . import journal, weights
from .errors import OrchError
from .identity import digest
from .store import NoResultsError, Store, is_lock


def check(results: Path) -> list[str]:
    """What is wrong in a results folder, a line each; nothing is changed.

    Every journal file is read in full, every trial's id worked out again from its settings, and
    the database and the kept parameters are compared with the journal.

    Raises:
        NoResultsError: there is nothing to check.
    """
    store = Store(results)
    if store.is_empty() and not store.database.exists():
        raise NoResultsError(results)
    problems = []
    truth: dict[str, tuple[str, float | None]] = {}
    for kind in journal.KINDS:
        for path in journal.files(store.journal, kind):
            try:
                table = pq.read_table(path)
            except (OSError, pa.ArrowException) as error:
                problems.append(f"{path}: cannot be read: {str(error).splitlines()[0]}")
                continue
            if kind == "trials":
                problems += _check_rows(path, table, truth)
    problems += _check_database(store, truth)
    for trial_id, (status, _) in truth.items():
        path = weights.path_of(results, trial_id)
        if status != "failed" and path.exists():
            with contextlib.suppress(OrchError):
                weights.load(results, trial_id)
                continue
            problems.append(f"{path}: cannot be read")
    damaged = sorted((store.journal / "damaged").glob("*"))
    problems += [f"{path}: was set aside because it cannot be read" for path in damaged]
    return problems


def _check_rows(path: Path, table: pa.Table, truth: dict[str, tuple[str, float | None]]) -> list[str]:
    problems = []
    for row in table.select(["trial_id", "config", "status", "d_stsp"]).to_pylist():
        known = truth.get(row["trial_id"])
        if known is None or known[0] == "failed":
            truth[row["trial_id"]] = (row["status"], row["d_stsp"])
        if row["config"] is None or digest(json.loads(row["config"])) != row["trial_id"]:
            problems.append(f"{path}: trial {row['trial_id'][:12]} does not have the settings its id says")
    return problems


def _check_database(store: Store, truth: dict[str, tuple[str, float | None]]) -> list[str]:
    if not store.database.exists():
        return []
    try:
        with duckdb.connect(str(store.database), read_only=True) as connection:
            rows = connection.execute("SELECT trial_id, status, d_stsp FROM trials").fetchall()
    except duckdb.Error as error:
        if is_lock(error):
            return [f"{store.database}: held by another process, not checked"]
        return [f"{store.database}: cannot be read; `orch db rebuild` makes it again"]
    there = {trial_id: (status, value) for trial_id, status, value in rows}
    problems = []
    if len(there) < len(rows):
        problems.append(f"{store.database}: {len(rows) - len(there)} trials are there twice")
    lacking = len(set(truth) - set(there))
    if lacking:
        problems.append(
            f"{store.database}: lacks {lacking} trials of the journal; the next reader takes them in"
        )
    beyond = len(set(there) - set(truth))
    if beyond:
        problems.append(f"{store.database}: holds {beyond} trials that the journal has not")
    differing = [t for t in there if t in truth and there[t][0] != "failed" and there[t] != truth[t]]
    if differing:
        problems.append(f"{store.database}: {len(differing)} trials differ from the journal")
    return problems

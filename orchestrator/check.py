"""Whether a results folder is sound: journal, database and kept parameters against each other."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from . import journal, weights
from .catalogue import results_option
from .errors import OrchError
from .identity import digest
from .store import NoResultsError, Store, is_lock
from .wording import counted

HELD_SECONDS = 5.0
"""How long a database that another process holds is tried: a run that is under way lets go of it by then."""

Database: TypeAlias = tuple[list[tuple[Any, ...]], set[str]]
"""(trial id, status, D_stsp) of all its trials, and names of the journal files that it has taken in."""

Truth: TypeAlias = dict[str, dict[str, Any]]
"""Trial id → the row that counts."""


def check(results: Path, *, note: Callable[[str], None] = lambda text: None) -> list[str]:
    """What is wrong in a results folder, a line each; nothing is changed.

    Every journal file is read in full, every trial's id worked out again from its settings, and
    the database and the kept parameters are compared with the journal.

    Args:
        note: told what is no problem and good to know.

    Raises:
        NoResultsError: there is nothing to check.
    """
    store = Store(results)
    if store.is_empty() and not store.database.exists():
        raise NoResultsError(results)
    problems, database = [], None
    if store.database.exists():
        try:
            database = _read_database(store)  # before the journal: what comes meanwhile is still to come
        except duckdb.Error as error:
            held = "held by another process, not checked"
            said = held if is_lock(error) else f"cannot be read; `{_rebuild(store)}` makes it again"
            problems.append(f"{store.database}: {said}")
    truth: Truth = {}
    for kind in journal.KINDS:
        for path in journal.files(store.journal, kind):
            try:
                table = pq.read_table(path)
            except (OSError, pa.ArrowException) as error:
                problems.append(f"{path}: cannot be read: {str(error).splitlines()[0]}")
                continue
            if kind == "trials":
                problems += _check_rows(path, table, truth)
    if database is not None:
        problems += _compare(store, database, truth, note)
    for trial_id, row in truth.items():
        expected = row["parameters_digest"]
        # Rows of the first versions do not say whether a network was kept.
        if row["status"] not in _LACKS and (expected or weights.path_of(results, trial_id).exists()):
            try:
                weights.load(results, trial_id, expected=expected)
            except OrchError as error:
                problems.append(str(error))
    damaged = sorted((store.journal / "damaged").glob("*"))
    problems += [f"{path}: was set aside because it cannot be read" for path in damaged]
    return problems


def _check_rows(path: Path, table: pa.Table, truth: Truth) -> list[str]:
    lacking = {"trial_id", "config", "status", "d_stsp", "finished_at"} - set(table.column_names)
    if lacking:
        return [f"{path}: is no journal file: it lacks {', '.join(sorted(lacking))}"]
    problems = []
    names = ["trial_id", "config", "status", "d_stsp", "finished_at", "parameters_digest"]
    for row in table.select([name for name in names if name in table.column_names]).to_pylist():
        row.setdefault("parameters_digest", None)
        row["file"] = path.name
        known = truth.get(row["trial_id"])
        if known is None or _gives_way(known, row):
            truth[row["trial_id"]] = row
        if row["config"] is None or digest(json.loads(row["config"])) != row["trial_id"]:
            problems.append(f"{path}: trial {row['trial_id'][:12]} does not have the settings its id says")
    return problems


def _gives_way(known: dict[str, Any], row: dict[str, Any]) -> bool:
    """Whether a trial's row gives way to another, as in `ingest`: the first that was finished, or the
    last."""
    ended, other = known["finished_at"], row["finished_at"]
    lacks, would_lack = (_LACKS.get(status, 0) for status in (known["status"], row["status"]))
    if lacks != would_lack:
        return would_lack < lacks
    if lacks:
        return ended is None or other is None or bool(other > ended)
    return ended is not None and other is not None and bool(other < ended)


_LACKS = {"failed": 2, "pruned": 1}
"""As the macro of that name in the schema."""


def _read_database(store: Store) -> Database:
    """Raises duckdb.Error where it cannot be read, or another process holds it for HELD_SECONDS."""
    deadline = time.monotonic() + HELD_SECONDS
    while True:
        try:
            with duckdb.connect(str(store.database), read_only=True) as connection:
                rows = connection.execute("SELECT trial_id, status, d_stsp FROM trials").fetchall()
                files = connection.execute("SELECT file FROM ingested WHERE kind = 'trials'").fetchall()
            return rows, {name for (name,) in files}
        except duckdb.Error as error:
            if not is_lock(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _compare(store: Store, database: Database, truth: Truth, note: Callable[[str], None]) -> list[str]:
    rows, taken_in = database
    rebuild = _rebuild(store)
    there = {trial_id: (status, value) for trial_id, status, value in rows}
    problems = []
    if len(there) < len(rows):
        twice = counted(len(rows) - len(there), "trial")
        problems.append(f"{store.database}: has {twice} twice; `{rebuild}` makes it again")
    to_come = {trial_id for trial_id, row in truth.items() if row["file"] not in taken_in}
    if to_come:
        note(f"{store.database}: has not taken in {counted(len(to_come), 'trial')} of the journal yet")
    lacking = len(set(truth) - set(there) - to_come)
    if lacking:
        problems.append(
            f"{store.database}: lacks {counted(lacking, 'trial')} of the journal; `{rebuild}` makes it again"
        )
    beyond = len(set(there) - set(truth))
    if beyond:
        problems.append(
            f"{store.database}: holds {counted(beyond, 'trial')} that the journal has not; "
            f"`{rebuild}` writes them back into it"
        )
    differing = [t for t in there if t in truth and t not in to_come and not _same(there[t], truth[t])]
    if differing:
        differ = counted(len(differing), "trial")
        problems.append(
            f"{store.database}: has {differ} otherwise than the journal; `{rebuild}` makes it again"
        )
    return problems


def _rebuild(store: Store) -> str:
    return f"orch db rebuild{results_option(store.results)}"


def _same(found: tuple[str, float | None], row: dict[str, Any]) -> bool:
    status, value = found
    both_nan = (
        value is not None and row["d_stsp"] is not None and value != value and row["d_stsp"] != row["d_stsp"]
    )
    return status == row["status"] and (value == row["d_stsp"] or both_nan)

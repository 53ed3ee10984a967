"""Whether a results folder is sound: journal, database and kept parameters against each other.

The database is copied, a second one is made of the journal by what makes every database (`ingest`), and the
two are compared table by table.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from . import journal, weights
from .catalogue import results_option
from .errors import OrchError
from .identity import digest
from .ingest import LISTINGS, NESTED, insert, is_newer
from .schema import BOOKKEEPING, NewerVersionError, migrate, tables
from .store import NoResultsError, Store, is_lock
from .wording import counted

HELD_SECONDS = 5.0
"""How long a database that another process holds is tried: a run that is under way lets go of it by then."""

ROWS = {
    "trials": ("trial_id", "trial"),
    "studies": ("(study, definition_id)", "study's definition"),
    "study_trials": ("(study, trial_id)", "study's trial"),
    "systems": ("content_hash", "system"),
}
"""Table → what tells its rows apart, and what one is called."""

Files: TypeAlias = dict[str, list[str]]
"""Kind → journal files."""


def check(results: Path, *, note: Callable[[str], None] = lambda text: None) -> list[str]:
    """What is wrong in a results folder, a line each; nothing is changed.

    Every journal file is read in full, every trial's id worked out again from its settings, and
    the database and the kept parameters are compared with the journal.

    Args:
        note: told what is no problem and good to know.

    Raises:
        NoResultsError: there is nothing to check.
        OrchError: it cannot be done, as where there is no room for a copy of the database.
    """
    store = Store(results)
    if store.is_empty():
        raise NoResultsError(results)
    problems: list[str] = []
    for attempt in range(1, LISTINGS + 1):
        listed = [path for kind in journal.KINDS for path in journal.files(store.journal, kind)]
        noted: list[str] = []
        try:
            problems = _look(store, noted.append)
        except duckdb.Error as error:
            if attempt == LISTINGS or all(path.exists() for path in listed):
                raise OrchError(f"{results} cannot be checked: {str(error).splitlines()[0]}") from None
            continue
        if all(path.exists() for path in listed):  # and none was compacted away meanwhile
            break
    for text in noted:
        note(text)
    damaged = sorted((store.journal / "damaged").glob("*"))
    return [*problems, *(f"{path}: was set aside because it cannot be read" for path in damaged)]


def _look(store: Store, note: Callable[[str], None]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="orch-") as folder:
        # The database before the journal: what comes meanwhile is still to come.
        copy, problems = _copy(store, Path(folder))
        files, unsound = _files(store.journal, note)
        problems += unsound
        with duckdb.connect(str(Path(folder) / "journal.duckdb")) as connection:
            _migrate(connection)
            if copy is None:
                insert(connection, files)
            else:
                connection.execute("ATTACH ? AS held (READ_ONLY)", [str(copy)])
                problems += [f"{store.database}: {said}" for said in _compare(connection, files, store, note)]
            return [*problems, *_check_networks(connection, store.results)]


def _migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """In one transaction: each of several hundred statements would be written to disk by itself."""
    connection.begin()
    migrate(connection)
    connection.commit()


def _copy(store: Store, folder: Path) -> tuple[Path | None, list[str]]:
    """A copy of the database, its tables those of this version, or why there is none."""
    deadline = time.monotonic() + HELD_SECONDS
    while store.database.exists():
        try:
            with duckdb.connect(str(store.database), read_only=True) as connection:
                copy = store.copy(connection, folder)
            with duckdb.connect(str(copy)) as connection:
                _migrate(connection)
            return copy, []
        except NewerVersionError as error:
            return None, [f"{store.database}: {error}"]
        except duckdb.Error as error:
            if not is_lock(error):
                return None, [f"{store.database}: cannot be read; `{_rebuild(store)}` makes it again"]
            if time.monotonic() > deadline:
                return None, [f"{store.database}: held by another process, not checked"]
        time.sleep(0.1)
    return None, []


def _files(folder: Path, note: Callable[[str], None]) -> tuple[Files, list[str]]:
    """Journal files that can be read, and what is wrong with files and their rows."""
    files: Files = {}
    problems = []
    for kind, schema in journal.KINDS.items():
        files[kind] = []
        for path in journal.files(folder, kind):
            try:
                table = pq.read_table(path)
            except (OSError, pa.ArrowException) as error:
                problems.append(f"{path}: cannot be read: {str(error).splitlines()[0]}")
                continue
            if is_newer(table.schema.metadata):
                note(f"{path}: was written by a newer version of orch and is left out")
                continue
            lacking = _NEEDED[kind] - set(table.column_names)
            strange = set(table.column_names) - set(schema.names)
            if lacking or strange:
                said = (
                    f"lacks {', '.join(sorted(lacking))}" if lacking else f"has {', '.join(sorted(strange))}"
                )
                problems.append(f"{path}: is no journal file: it {said}")
                continue
            files[kind].append(str(path))
            if kind == "trials":
                problems += [f"{path}: {said}" for said in _check_ids(table)]
    return files, problems


_NEEDED = {
    "trials": {"trial_id", "config", "status", "d_stsp", "finished_at"},
    "studies": {"study", "definition_id", "trial_ids"},
    "systems": {"content_hash"},
}
"""Columns that files of any version have."""


def _check_ids(table: pa.Table) -> Iterator[str]:
    for row in table.select(["trial_id", "config"]).to_pylist():
        if row["config"] is None or digest(json.loads(row["config"])) != row["trial_id"]:
            yield f"trial {row['trial_id'][:12]} does not have the settings its id says"


def _compare(
    connection: duckdb.DuckDBPyConnection, files: Files, store: Store, note: Callable[[str], None]
) -> Iterator[str]:
    """What a database, attached as `held`, has otherwise than these files, which are inserted here."""
    again = f"`{_rebuild(store)}` makes it again"
    there = {
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'held' "
            "UNION SELECT view_name FROM duckdb_views() WHERE database_name = 'held'"
        ).fetchall()
    }
    lost = [name for name in (*tables(), *BOOKKEEPING) if name not in there]
    if lost:
        yield f"lacks {', '.join(lost)}; {again}"
        return
    taken = set(connection.execute("SELECT kind, file FROM held.ingested").fetchall())
    old = {
        kind: [path for path in paths if (kind, Path(path).name) in taken] for kind, paths in files.items()
    }
    insert(connection, old)
    lacks = dict.fromkeys(ROWS, 0)
    for table, (key, noun) in ROWS.items():
        twice = _count(connection, f"SELECT {key} FROM held.{table} GROUP BY ALL HAVING count(*) > 1")
        if twice:
            yield f"has {counted(twice, noun)} twice; {again}"
        lacks[table] = _count(connection, f"SELECT {key} FROM {table} EXCEPT SELECT {key} FROM held.{table}")
        if lacks[table]:
            yield f"lacks {counted(lacks[table], noun)} of the journal; {again}"
    for table in ("trials", *NESTED):
        differing = _differing(connection, table)
        if differing:
            of = "" if table == "trials" else f"{table} of "
            yield f"has {of}{counted(differing, 'trial')} otherwise than the journal; {again}"
    for table in ("studies", "systems"):
        differing = _unlike_all(connection, table, old[table])
        if differing:
            yield f"has {counted(differing, ROWS[table][1])} otherwise than the journal; {again}"
    insert(connection, {kind: sorted(set(paths) - set(old[kind])) for kind, paths in files.items()})
    for table, (key, noun) in ROWS.items():
        beyond = _count(connection, f"SELECT {key} FROM held.{table} EXCEPT SELECT {key} FROM {table}")
        if beyond:
            yield (
                f"holds {counted(beyond, noun)} that the journal has not; "
                f"`{_rebuild(store)}` writes them back into it"
            )
    absent = _count(connection, "SELECT trial_id FROM trials EXCEPT SELECT trial_id FROM held.trials")
    if to_come := absent - lacks["trials"]:
        note(f"{store.database}: has not taken in {counted(to_come, 'trial')} of the journal yet")


def _differing(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Trials that are here and in `held`, with other rows of a table."""
    names = [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    ours, theirs = (f"SELECT {', '.join(names)} FROM {of}" for of in (table, f"held.{table}"))
    return _count(
        connection,
        f"""
        SELECT DISTINCT trial_id
        FROM (({ours} EXCEPT ALL {theirs}) UNION ALL ({theirs} EXCEPT ALL {ours}))
        WHERE trial_id IN (SELECT trial_id FROM trials) AND trial_id IN (SELECT trial_id FROM held.trials)
        """,
    )


def _unlike_all(connection: duckdb.DuckDBPyConnection, table: str, files: list[str]) -> int:
    """Rows of `held` with a key of these files and none of their rows: of those with one key it has whichever
    came first.
    """
    if not files:
        return 0
    key, nested = ROWS[table][0], "EXCLUDE (trial_ids)" if table == "studies" else ""
    names = ", ".join(row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall())
    connection.execute(f"CREATE TEMP TABLE every AS FROM {table} LIMIT 0")
    connection.execute(
        f"INSERT INTO every BY NAME SELECT * {nested} FROM read_parquet(?, union_by_name = true)", [files]
    )
    found = _count(
        connection,
        f"SELECT {names} FROM held.{table} WHERE {key} IN (SELECT {key} FROM every) "
        f"EXCEPT SELECT {names} FROM every",
    )
    connection.execute("DROP TABLE every")
    return found


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found: int = connection.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0]
    return found


def _check_networks(connection: duckdb.DuckDBPyConnection, results: Path) -> Iterator[str]:
    for trial_id, expected in connection.execute(
        "SELECT trial_id, parameters_digest FROM trials WHERE lacks(status) = 0 ORDER BY trial_id"
    ).fetchall():
        # Rows of the first versions do not say whether a network was kept.
        if expected or weights.path_of(results, trial_id).exists():
            try:
                weights.load(results, trial_id, expected=expected)
            except OrchError as error:
                yield str(error)


def _rebuild(store: Store) -> str:
    return f"orch db rebuild{results_option(store.results)}"

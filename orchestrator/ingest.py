"""From the journal into a DuckDB database: what is new, in one transaction."""

import contextlib
import json
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from . import journal
from .schema import CLASSIFY_FAILURES, fill_settings, migrate

SETTLED_SECONDS = 60.0
"""A journal file that cannot be read and is younger may be on its way here: it is passed over, not moved."""

LISTINGS = 3
"""Times that the journal is listed, at the most, where files are compacted away meanwhile."""

NESTED = {"curves": ("epoch", "quantity", "value"), "gradients": ("epoch", "quantity", "lag", "value")}
"""Tables whose rows stand within those of the trials in the journal, with their columns."""


def ingest(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Bring a database up to date with a journal: migrate it, then insert what it lacks.

    Everything happens in one transaction: a kill at any moment leaves the database as it was.

    Returns:
        The number of journal files taken in.

    Raises:
        NewerVersionError: a newer version of this tool made the database.
        duckdb.Error: the database cannot be written.
    """
    connection.execute("SET TimeZone = 'UTC'")
    taken = 0
    for _ in range(LISTINGS):
        more, gone = _take_in_listed(connection, folder)
        taken += more
        if not gone:
            break
    return taken


def _take_in_listed(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[int, bool]:
    """The number of files taken in, and whether any was gone before: its rows are in another file by now."""
    seen = signature(folder)  # before the files are listed: what comes later shows as a change
    listed = {kind: journal.files(folder, kind) for kind in ("systems", "studies", "trials")}
    try:
        return _take_in(connection, listed, seen)
    except duckdb.Error:
        # One file that looks whole and is not would keep all others out: find it, at the price of reading
        # them all, and go on without.
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        readable = {kind: [path for path in paths if can_be_read(path)] for kind, paths in listed.items()}
        if readable == listed:
            raise
        taken, gone = _take_in(connection, readable, "")
        return taken, gone or not all(path.exists() for paths in listed.values() for path in paths)


def _take_in(
    connection: duckdb.DuckDBPyConnection, listed: dict[str, list[Path]], seen: str
) -> tuple[int, bool]:
    connection.execute("BEGIN")
    migrate(connection)
    known = set(connection.execute("SELECT kind, file FROM ingested").fetchall())
    taken, gone = 0, False
    for kind, paths in listed.items():
        arrived = [path for path in paths if (kind, path.name) not in known]
        new = [path for path in arrived if is_whole(path)]
        if len(new) < len(arrived):
            seen = ""  # what was passed over may be whole the next time, without a trace in the folder
            gone = gone or not all(path.exists() for path in arrived)
        if new:
            insert(connection, {kind: [str(path) for path in new]})
            names = [path.name for path in new]
            connection.execute("INSERT INTO ingested SELECT unnest(?), ?, now()", [names, kind])
            taken += len(new)
    connection.execute("DELETE FROM meta WHERE key = 'journal'")
    connection.execute("INSERT INTO meta VALUES ('journal', ?)", [seen])
    connection.execute("COMMIT")
    return taken, gone


def insert(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Sequence[str]]) -> None:
    """Insert the rows of journal files, by their kinds, that a database has not taken in.

    Raises:
        duckdb.Error: one of them cannot be read.
    """
    for kind, paths in files.items():
        if paths:
            _INSERT[kind](connection, paths)


def signature(folder: Path) -> str:
    """What tells cheaply whether files came or went: the times of the journal's folders.

    '' where a folder changed so lately that its clock might not show the next change.
    """
    times = {}
    for kind in journal.KINDS:
        with contextlib.suppress(FileNotFoundError):
            times[kind] = (folder / kind).stat().st_mtime_ns
    for changed in times.values():
        # File systems tick: the finer ones every few milliseconds, the coarser ones every second or two.
        tick = 2_000_000_000 if changed % 1_000_000_000 == 0 else 50_000_000
        if time.time_ns() - changed < tick:
            return ""
    return json.dumps(times)


def why_unreadable(path: Path) -> str | None:
    """Why a journal file cannot be read to its end; None where it can."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        return str(error).splitlines()[0]
    return None


def can_be_read(path: Path) -> bool:
    """Whether all of a journal file can be read; if not it is named and set aside."""
    why = why_unreadable(path)
    if why is not None and path.exists():  # and not compacted away since it was listed
        _set_aside(path, why)
    return why is None


def is_whole(path: Path) -> bool:
    """Whether a journal file, by its end, can be taken in; one that cannot is named and set aside."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path).metadata or {}
    except FileNotFoundError:
        return False  # compacted away since it was listed
    except (OSError, pa.ArrowException) as error:
        _set_aside(path, str(error).splitlines()[0])
        return False
    if is_newer(metadata):
        warnings.warn(
            f"journal file {path} was written by a newer version of orch and is left out", stacklevel=2
        )
        return False
    return True


def is_newer(metadata: Mapping[bytes, bytes] | None) -> bool:
    """Whether a newer version of this tool wrote a journal file, by what it says of itself."""
    return bool(json.loads((metadata or {}).get(b"orch_schema_version", b"1")) > journal.SCHEMA_VERSION)


def _set_aside(path: Path, why: str) -> None:
    message = f"journal file {path} cannot be read and is left out: {why}"
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > SETTLED_SECONDS:
            aside = path.parent.parent / "damaged" / f"{path.parent.name}-{path.name}"
            aside.parent.mkdir(exist_ok=True)
            os.replace(path, aside)
            message += f"; it is now {aside}"
    warnings.warn(message, stacklevel=2)


def _insert_trials(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    # One row a trial, whatever the order in which files come. Files of older versions lack some columns.
    connection.execute(
        """
        CREATE TEMP TABLE arriving AS
        WITH new AS (
            FROM read_parquet(?, union_by_name = true, filename = true)
            UNION ALL BY NAME SELECT NULL::BOOLEAN AS anew, NULL::VARCHAR AS settings WHERE false
        )
        SELECT * EXCLUDE (filename) FROM new
        WHERE NOT EXISTS (
            FROM trials AS old WHERE old.trial_id = new.trial_id
            AND rank_of(new.status, new.anew, new.finished_at)
                >= rank_of(old.status, old.anew, old.finished_at)
        )
        QUALIFY row_number() OVER (
            PARTITION BY trial_id ORDER BY rank_of(status, anew, finished_at), filename
        ) = 1
        """,
        [paths],
    )
    connection.execute("DELETE FROM trials WHERE trial_id IN (SELECT trial_id FROM arriving)")
    columns = {row[0] for row in connection.execute("DESCRIBE arriving").fetchall()}
    nested = sorted(columns & set(NESTED))  # files of older versions lack some
    connection.execute(f"INSERT INTO trials BY NAME SELECT * EXCLUDE ({', '.join(nested)}) FROM arriving")
    connection.execute(CLASSIFY_FAILURES)
    fill_settings(connection)
    for table in nested:
        points = ", ".join(f"point.{name}" for name in NESTED[table])
        connection.execute(f"DELETE FROM {table} WHERE trial_id IN (SELECT trial_id FROM arriving)")
        connection.execute(
            f"INSERT INTO {table} SELECT trial_id, {points} "
            f"FROM (SELECT trial_id, unnest({table}) AS point FROM arriving)"
        )
    connection.execute("DROP TABLE arriving")


def _insert_studies(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    connection.execute(
        """
        INSERT INTO studies BY NAME
        SELECT * EXCLUDE (trial_ids) FROM read_parquet(?, union_by_name = true)
        WHERE (study, definition_id) NOT IN (SELECT (study, definition_id) FROM studies)
        QUALIFY row_number() OVER (PARTITION BY study, definition_id ORDER BY recorded_at) = 1
        """,
        [paths],
    )
    connection.execute(
        """
        INSERT INTO study_trials
        SELECT DISTINCT study, unnest(trial_ids) AS trial_id FROM read_parquet(?, union_by_name = true)
        EXCEPT SELECT study, trial_id FROM study_trials
        """,
        [paths],
    )


def _insert_systems(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    connection.execute(
        """
        INSERT INTO systems BY NAME
        SELECT * FROM read_parquet(?, union_by_name = true)
        WHERE content_hash NOT IN (SELECT content_hash FROM systems)
        QUALIFY row_number() OVER (PARTITION BY content_hash ORDER BY recorded_at) = 1
        """,
        [paths],
    )


_INSERT = {"trials": _insert_trials, "studies": _insert_studies, "systems": _insert_systems}

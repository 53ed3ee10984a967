"""The results database: one DuckDB file, the queryable index of the journal.

DuckDB lets one process write or several read, never both, so nobody here holds the file open. A
writer opens, inserts in one transaction and closes; one that finds the file locked says so and tries
again later, for the journal has everything. A reader retries briefly and then answers from the
journal itself.
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files as package_files
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from . import journal
from .errors import OrchError

READ_PATIENCE_SECONDS = 3.0
"""How long a reader waits for a writer before it answers from the journal."""


class NoResultsError(OrchError):
    """The results folder holds nothing yet."""

    def __init__(self, results: Path) -> None:
        super().__init__(f"no results in {results}: `orch study run quickstart` makes some")


@dataclass(frozen=True)
class Source:
    """Where an answer came from and how fresh it is."""

    what: str
    """`database`, or `journal` when another process held the database open."""
    as_of: datetime

    def __str__(self) -> str:
        return f"{self.what}, as of {self.as_of.astimezone():%Y-%m-%d %H:%M:%S}"


class Store:
    """The results in one folder: `journal/` and `trials.duckdb`."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.journal = results / "journal"
        self.database = results / "trials.duckdb"

    def is_empty(self) -> bool:
        """Whether no trial was ever journalled here."""
        return not journal.files(self.journal, "trials")

    def ingest(self) -> int | None:
        """Bring the database up to date with the journal, in one short transaction.

        Returns:
            The number of journal files taken in, or None when another process holds the database
            (nothing is lost: the next ingest takes them).

        Raises:
            OrchError: the file exists and is not a DuckDB database that this version can open, or the
                folder cannot be written.
        """
        try:
            self.results.mkdir(parents=True, exist_ok=True)
            with duckdb.connect(str(self.database)) as connection:
                return _ingest(connection, self.journal)
        except OSError as error:
            raise OrchError(f"{self.results} cannot be written: {error.strerror}") from None
        except duckdb.Error as error:
            if _is_lock(error):
                return None
            raise self._unusable(error) from None

    @contextmanager
    def reading(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Source]]:
        """A read-only connection on everything in the journal, and where it comes from.

        Raises:
            NoResultsError: there is nothing to read.
            OrchError: the database cannot be opened for another reason than a writer's lock.
        """
        if not self.database.exists() and self.is_empty():
            raise NoResultsError(self.results)
        connection, source = self._open()
        try:
            yield connection, source
        finally:
            connection.close()

    def _open(self) -> tuple[duckdb.DuckDBPyConnection, Source]:
        deadline = time.monotonic() + READ_PATIENCE_SECONDS
        while True:
            # What a crash or a lock kept out of the database comes in before it is read.
            if not self.database.exists() or self._behind():
                self.ingest()
            try:
                connection = duckdb.connect(str(self.database), read_only=True)
            except duckdb.Error as error:
                if not _is_lock(error):
                    raise self._unusable(error) from None
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                connection = duckdb.connect(":memory:")
                _ingest(connection, self.journal)
                return connection, Source("journal", datetime.now(UTC))
            modified = datetime.fromtimestamp(self.database.stat().st_mtime, UTC)
            return connection, Source("database", modified)

    def _behind(self) -> bool:
        """Whether the journal has files that the database lacks; False while it is locked."""
        try:
            with duckdb.connect(str(self.database), read_only=True) as connection:
                known = set(connection.execute("SELECT kind, file FROM ingested").fetchall())
        except duckdb.CatalogException:
            return True  # a database without our tables, as a shell leaves that only opened it
        except duckdb.Error as error:
            if _is_lock(error):
                return False
            raise self._unusable(error) from None
        there = {(kind, path.name) for kind in journal.KINDS for path in journal.files(self.journal, kind)}
        return bool(there - known)

    def _unusable(self, error: Exception) -> OrchError:
        return OrchError(
            f"{self.database} cannot be used: {_first_line(error)}\n"
            "Move it away: it is made again from the journal."
        )

    def finished(self, trial_ids: list[str]) -> dict[str, str]:
        """Status of those trials that have a row: trial id → ok, diverged, unbounded or failed."""
        if self.is_empty():
            return {}
        with self.reading() as (connection, _):
            rows = connection.execute(
                "SELECT trial_id, status FROM trials WHERE trial_id IN (SELECT unnest(?))", [trial_ids]
            ).fetchall()
        return dict(rows)


def lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    """Take from a connection everything but reading what is already there: files, network, settings."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _ingest(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("BEGIN")
    connection.execute(package_files("orchestrator").joinpath("schema.sql").read_text())
    if connection.execute("SELECT count(*) FROM meta").fetchall() == [(0,)]:
        connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(journal.SCHEMA_VERSION)])
    known = set(connection.execute("SELECT kind, file FROM ingested").fetchall())
    taken = 0
    for kind in ("systems", "studies", "trials"):
        arrived = [path for path in journal.files(folder, kind) if (kind, path.name) not in known]
        new = [path for path in arrived if _is_whole(path)]
        if new:
            _INSERT[kind](connection, [str(path) for path in new])
            connection.executemany(
                "INSERT INTO ingested VALUES (?, ?, now())", [(path.name, kind) for path in new]
            )
            taken += len(new)
    connection.execute("COMMIT")
    return taken


def _is_whole(path: Path) -> bool:
    """Whether a journal file can be read; one that cannot is named and passed over, never deleted."""
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        warnings.warn(
            f"journal file {path} cannot be read and is left out: {_first_line(error)}", stacklevel=2
        )
        return False
    return True


def _insert_trials(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
    # A trial has one row. Where two runs finished the same one the first stays; a failed one gives
    # way to one that did not fail, or failed later.
    connection.execute(
        """
        CREATE TEMP TABLE arriving AS
        SELECT * FROM read_parquet(?, union_by_name = true) AS new
        WHERE NOT EXISTS (
            FROM trials AS old WHERE old.trial_id = new.trial_id
            AND old.status <> 'failed'
        )
        QUALIFY row_number() OVER (
            PARTITION BY trial_id
            ORDER BY status = 'failed', CASE WHEN status = 'failed' THEN -epoch_us(finished_at)
                                             ELSE epoch_us(finished_at) END
        ) = 1
        """,
        [paths],
    )
    connection.execute("DELETE FROM trials WHERE trial_id IN (SELECT trial_id FROM arriving)")
    connection.execute("DELETE FROM curves WHERE trial_id IN (SELECT trial_id FROM arriving)")
    connection.execute("INSERT INTO trials BY NAME SELECT * EXCLUDE (curves) FROM arriving")
    connection.execute(
        """
        INSERT INTO curves
        SELECT trial_id, point.epoch, point.quantity, point.value
        FROM (SELECT trial_id, unnest(curves) AS point FROM arriving)
        """
    )
    connection.execute("DROP TABLE arriving")


def _insert_studies(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
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


def _insert_systems(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
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


def _is_lock(error: duckdb.Error) -> bool:
    return "Could not set lock on file" in str(error)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]

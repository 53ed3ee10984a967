"""The results database: one DuckDB file, the queryable index of the journal.

DuckDB lets one process write or several read, never both, so nobody here holds the file open. A
writer opens, inserts in one transaction and closes; one that finds the file locked says so and tries
again later, for the journal has everything. A reader retries briefly and then answers from the
journal itself.
"""

import os
import random
import shlex
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from . import journal
from .catalogue import results_option
from .durations import QUERY, Durations, Past
from .errors import OrchError
from .ingest import ingest, signature
from .schema import NewerVersionError, version_of

READ_PATIENCE_SECONDS = 2.0
"""How long a reader waits for a writer before it answers from the journal."""

HELD = "the database is held by another process"


def first_run(results: Path, study: str = "quickstart") -> str:
    """The command that makes the first results in a folder."""
    return f"orch study run {shlex.quote(study)}{results_option(results)}"


class NoResultsError(OrchError):
    """The results folder holds nothing yet."""

    def __init__(self, results: Path, study: str = "quickstart") -> None:
        super().__init__(f"no results in {results}: `{first_run(results, study)}` makes some")


@dataclass(frozen=True)
class Source:
    """Where an answer came from and how fresh it is."""

    what: str
    """`database`, or `journal` when the database could not be read."""
    as_of: datetime
    why: str = ""
    """Why not the database, where it was the journal."""

    def __str__(self) -> str:
        return f"{self.what}, as of {self.as_of.astimezone():%Y-%m-%d %H:%M:%S}"


class Finished(NamedTuple):
    """What is known of a trial that has a row."""

    status: str
    """ok, diverged, unbounded, pruned or failed."""
    failure: str | None = None
    """Of a failed one: bug, out_of_memory or worker_lost."""
    fingerprint: str | None = None
    """Of the code that made the row; None where it was not recorded."""


class Store:
    """The results in one folder: `journal/` and `trials.duckdb`."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.journal = results / "journal"
        self.database = results / "trials.duckdb"

    def is_empty(self) -> bool:
        """Whether there is nothing here: no trial in the journal, and no database, which may have what a
        journal had that was lost.
        """
        return not self.database.exists() and not journal.files(self.journal, "trials")

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
            self._see_that_it_exists()
            with duckdb.connect(str(self.database)) as connection:
                return ingest(connection, self.journal)
        except OSError as error:
            raise OrchError(f"{self.results} cannot be written: {error.strerror}") from None
        except duckdb.Error as error:
            if is_lock(error):
                return None
            raise self._unusable(error) from None

    def _see_that_it_exists(self) -> None:
        """An empty database comes under its name whole, where files can have two names: DuckDB takes one that
        another process is just making for damaged.
        """
        if self.database.exists():
            return
        made = self.database.with_name(f".{self.database.name}.{uuid.uuid4().hex}.tmp")
        with suppress(OSError, duckdb.Error):  # whoever opens it next says what is wrong
            duckdb.connect(str(made)).close()
            os.link(made, self.database)
        with suppress(OSError):
            made.unlink(missing_ok=True)

    @contextmanager
    def reading(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Source]]:
        """A read-only connection on everything in the journal, and where it comes from.

        Raises:
            NoResultsError: there is nothing to read.
            NewerVersionError: a newer version of this tool made the database.
            OrchError: a query came upon a part of the file that is damaged.
        """
        if self.is_empty():
            raise NoResultsError(self.results)
        connection, source = self._open()
        try:
            yield connection, source
        except duckdb.Error as error:
            if is_damage(error):
                raise self._unusable(error) from None
            raise
        finally:
            connection.close()

    @contextmanager
    def copied(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Source]]:
        """As `reading`, from a copy of the file: writers wait no longer than it takes to copy it.

        Raises:
            NoResultsError, NewerVersionError, OrchError: as `reading`.
        """
        with ExitStack() as stack:
            connection, source = stack.enter_context(self.reading())
            if source.what != "database":  # in memory already
                yield connection, source
                return
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orch-")))
            connection = duckdb.connect(str(self.copy(connection, folder)), read_only=True)
            stack.callback(connection.close)
            yield connection, source

    def copy(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> Path:
        """Copy the database, which this connection keeps from writers and which is let go of then.

        Raises:
            OrchError: it cannot be written there.
        """
        try:
            # The database last: once a process closes a file, it has let go of its own lock on it, too.
            for path in (self.database.with_name(self.database.name + ".wal"), self.database):
                if path.exists():
                    shutil.copyfile(path, folder / path.name)
        except OSError as error:
            raise OrchError(f"{self.database} cannot be copied to {folder}: {error.strerror}") from None
        finally:
            connection.close()
        return folder / self.database.name

    def _open(self) -> tuple[duckdb.DuckDBPyConnection, Source]:
        deadline = time.monotonic() + READ_PATIENCE_SECONDS
        while True:
            try:
                # What a crash or a lock kept out of the database comes in before it is read. Who holds the
                # file for reading alone keeps ingest out as well, and would hide what it lacks.
                behind = not self.database.exists() or self._behind()
                if behind and self.ingest() is None:
                    if time.monotonic() < deadline:
                        time.sleep(random.uniform(0.02, 0.1))
                        continue
                    return self._from_journal(HELD)
                connection = duckdb.connect(str(self.database), read_only=True)
            except NewerVersionError:
                raise
            except (OrchError, duckdb.Error) as error:
                if isinstance(error, duckdb.Error) and is_lock(error):
                    if time.monotonic() < deadline:
                        time.sleep(random.uniform(0.02, 0.1))
                        continue
                    return self._from_journal(HELD)
                return self._from_journal(
                    str(error if isinstance(error, OrchError) else self._unusable(error))
                )
            modified = datetime.fromtimestamp(self.database.stat().st_mtime, UTC)
            return connection, Source("database", modified)

    def _from_journal(self, why: str) -> tuple[duckdb.DuckDBPyConnection, Source]:
        """A database in memory, made from the journal as it is now."""
        for attempt in range(3):
            connection = duckdb.connect(":memory:")
            try:
                ingest(connection, self.journal)
            except duckdb.IOException:  # files were compacted away since they were listed
                connection.close()
                if attempt == 2:
                    raise
            else:
                break
        return connection, Source("journal", datetime.now(UTC), why)

    def _behind(self) -> bool:
        """Whether the journal has what the database lacks, or its tables are old.

        Raises:
            duckdb.Error: another process holds the database: what it lacks is not known, and may be what was
                read from the journal a moment ago.
        """
        try:
            with duckdb.connect(str(self.database), read_only=True) as connection:
                if version_of(connection) != journal.SCHEMA_VERSION:
                    return True
                seen = connection.execute("SELECT value FROM meta WHERE key = 'journal'").fetchone()
                now = signature(self.journal)
                if seen and now and seen[0] == now:
                    return False
                known = set(connection.execute("SELECT kind, file FROM ingested").fetchall())
        except duckdb.Error as error:
            if is_lock(error):
                raise
            raise self._unusable(error) from None
        there = {(kind, path.name) for kind in journal.KINDS for path in journal.files(self.journal, kind)}
        return bool(there - known)

    def _unusable(self, error: Exception) -> OrchError:
        if "ermission denied" in str(error) or "ead-only file system" in str(error):
            return OrchError(f"{self.database} cannot be written: {_first_line(error)}")
        return OrchError(
            f"{self.database} cannot be used: {_first_line(error)}; "
            f"`orch db rebuild{results_option(self.results)}` makes it again from the journal"
        )

    def known(self, cell_ids: list[str]) -> tuple[dict[str, Finished], Durations]:
        """What is known of the trials of these cells that have a row, by trial id; what past ones took."""
        if self.is_empty():
            return {}, Durations([])
        with self.reading() as (connection, _):
            rows = connection.execute(
                """
                SELECT trial_id, status, failure, code_fingerprint
                FROM trials WHERE cell_id IN (SELECT unnest(?))
                """,
                [cell_ids],
            ).fetchall()
            past = connection.execute(QUERY).fetchall()
        finished = {row[0]: Finished._make(row[1:]) for row in rows}
        return finished, Durations(Past(*row) for row in past)

    def finished(self, trial_ids: list[str]) -> dict[str, float]:
        """Those of these trials that have a row, did not fail and were trained to the end, and when they
        were finished, in seconds since 1970."""
        if self.is_empty():
            return {}
        with self.reading() as (connection, _):
            rows = connection.execute(
                "SELECT trial_id, coalesce(epoch_us(finished_at), 0) / 1e6 FROM trials "
                "WHERE lacks(status) = 0 AND trial_id IN (SELECT unnest(?))",
                [trial_ids],
            ).fetchall()
        return dict(rows)


def lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    """Take from a connection everything but reading what is already there: files, network, settings."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def is_lock(error: duckdb.Error) -> bool:
    """Whether an error says that another process, or a notebook in this one, holds the database."""
    text = str(error)
    return "Could not set lock on file" in text or "different configuration than existing" in text


def is_damage(error: duckdb.Error) -> bool:
    """Whether an error says that the file is not what was written."""
    return "Corrupt database file" in str(error) or isinstance(error, duckdb.FatalException)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]

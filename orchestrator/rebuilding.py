"""Making the results database again from the journal, and giving back to that what the old one alone has."""

import contextlib
import os
import uuid
import warnings
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from . import journal
from .errors import OrchError
from .ingest import ingest, why_unreadable
from .store import NoResultsError, Store, is_lock

ALONE = {
    "trials": """
        SELECT t.*,
            (SELECT list({'epoch': epoch, 'quantity': quantity, 'value': value} ORDER BY epoch, quantity)
             FROM old.curves AS c WHERE c.trial_id = t.trial_id) AS curves,
            (SELECT list({'epoch': epoch, 'quantity': quantity, 'lag': lag, 'value': value}
                         ORDER BY epoch, quantity, lag)
             FROM old.gradients AS g WHERE g.trial_id = t.trial_id) AS gradients
        FROM old.trials AS t WHERE trial_id NOT IN (SELECT trial_id FROM trials)
        AND trial_id NOT IN (SELECT unnest($left_out))
    """,
    "studies": """
        SELECT s.*, (SELECT list(trial_id) FROM old.study_trials AS t WHERE t.study = s.study) AS trial_ids
        FROM old.studies AS s
        WHERE (study, definition_id) NOT IN (SELECT (study, definition_id) FROM studies)
           OR study IN (SELECT study FROM (FROM old.study_trials EXCEPT FROM study_trials))
    """,
    "systems": "FROM old.systems WHERE content_hash NOT IN (SELECT content_hash FROM systems)",
}
"""Kind of journal file → what the old database has of it and the new one, made from the journal, has not."""


def rebuild(results: Path) -> int:
    """Make the database again from the journal; one that cannot be opened is set aside, never deleted.

    What the old one alone has, as a file of the journal was lost or damaged, is written back into that.

    Returns:
        The number of trials in it.

    Raises:
        NoResultsError: there is neither a journal nor a database.
        OrchError: another process holds the database, or the folder cannot be written.
    """
    store = Store(results)
    if not any(journal.files(store.journal, kind) for kind in journal.KINDS):
        if store.is_empty():
            raise NoResultsError(results)
        try:
            duckdb.connect(str(store.database), read_only=True).close()
        except duckdb.Error as error:
            why = _held(store) if is_lock(error) else None
            raise why or OrchError(
                f"{store.database} cannot be read, and there is no journal to make it again from"
            ) from None
    made = results / f".trials.duckdb.{uuid.uuid4().hex}.tmp"
    try:
        with duckdb.connect(str(made)) as connection:
            ingest(connection, store.journal)
            if _take_back(connection, store):
                ingest(connection, store.journal)
            count: int = connection.execute("SELECT count(*) FROM trials").fetchall()[0][0]
        _make_way(store)
        os.replace(made, store.database)
    except (OSError, duckdb.Error) as error:
        raise OrchError(f"{results} cannot be written: {error}") from None
    finally:
        for left in (made, made.with_name(made.name + ".wal")):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
    return count


def _take_back(connection: duckdb.DuckDBPyConnection, store: Store) -> bool:
    """Journal what the old database alone has, if it can be read; whether there was anything."""
    if not store.database.exists():
        return False
    try:
        held = store.ingest() is None
        if not held:
            connection.execute("ATTACH ? AS old (READ_ONLY)", [str(store.database)])
    except (OrchError, duckdb.Error):
        return False
    if held:
        raise _held(store)
    taken = {name for (name,) in connection.execute("SELECT file FROM ingested").fetchall()}
    left_out = [path for path in journal.files(store.journal, "trials") if path.name not in taken]
    # A newer version wrote them: their trials are not lost.
    newer = [pq.read_table(path, columns=["trial_id"]) for path in left_out if why_unreadable(path) is None]
    ids = [trial_id for table in newer for trial_id in table["trial_id"].to_pylist()]
    found = False
    for kind, query in ALONE.items():
        given = {"left_out": ids} if "$left_out" in query else {}
        try:
            table = connection.sql(query, params=given).to_arrow_table()
        except duckdb.CatalogException as error:
            said = str(error).splitlines()[0]
            warnings.warn(
                f"{store.database} is not whole, {kind} of it are not looked at: {said}", stacklevel=2
            )
            continue
        if len(table):
            found = True
            path = journal.write_table(store.journal, kind, f"taken-back-{uuid.uuid4().hex[:16]}", table)
            warnings.warn(
                f"{kind} that the database alone had, {len(table)}, are in the journal again: {path}",
                stacklevel=2,
            )
    connection.execute("DETACH old")
    return found


def _held(store: Store) -> OrchError:
    return OrchError(f"{store.database} is held by another process: close it first")


def _make_way(store: Store) -> None:
    """See that nobody holds the old database and that no log of it is left to be replayed into the new."""
    if not store.database.exists():
        return
    try:
        duckdb.connect(str(store.database)).close()
    except duckdb.Error as error:
        if is_lock(error):
            raise _held(store) from None
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        for old in (store.database, store.database.with_name(store.database.name + ".wal")):
            if old.exists():
                os.replace(old, old.with_name(f"{old.name}.damaged-{stamp}"))

"""Care for a results folder: what is in it, compacting, merging, exporting."""

import contextlib
import hashlib
import os
import shutil
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from . import durable, journal, weights
from .errors import OrchError, UsageError, did_you_mean
from .ingest import can_be_read, is_whole, why_unreadable
from .rebuilding import rebuild
from .schema import migrate, tables, version_of
from .store import NoResultsError, Store
from .systems import cache

ABANDONED_SECONDS = 3600.0
"""A temporary file that is older has no writer any more."""

COMPACT_ROWS = 50_000
"""Rows of a compacted journal file."""


def info(results: Path) -> dict[str, Any]:
    """What a results folder holds.

    Raises:
        NoResultsError: nothing.
        OrchError: the database lacks a table.
    """
    try:
        return _info(Store(results))
    except duckdb.CatalogException as error:
        raise OrchError(
            f"{results} cannot be looked at: {str(error).splitlines()[0]} `orch db check` says more"
        ) from None


def _info(store: Store) -> dict[str, Any]:
    results = store.results
    with store.reading() as (connection, source):
        statuses = connection.execute("SELECT status, count(*) FROM trials GROUP BY 1 ORDER BY 1").fetchall()
        numbers = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in ("trials", "curves", "study_trials", "systems")
        }
        studies = connection.execute("SELECT count(DISTINCT study) FROM studies").fetchall()[0][0]
        codes = connection.execute(
            "SELECT count(DISTINCT split_part(code_fingerprint, '-', 1)) FROM trials"
        ).fetchall()[0][0]
        version = version_of(connection)
    files = [path for kind in journal.KINDS for path in journal.files(store.journal, kind)]
    kept = list((results / "models").rglob("*.safetensors"))
    return {
        "results": str(results),
        "answered from": str(source),
        "schema version": version,
        "database MiB": _mebibytes([store.database] if store.database.exists() else []),
        "journal files": len(files),
        "journal MiB": _mebibytes(files),
        **{f"trials {status}": count for status, count in statuses},
        **numbers,
        "studies": studies,
        "versions of the shared code": codes,
        "models": len(kept),
        "models MiB": _mebibytes(kept),
        "checkpoints": len(list((results / "checkpoints").glob("*.safetensors"))),
        "damaged journal files": len(list((store.journal / "damaged").glob("*"))),
    }


def columns(results: Path, table: str | None = None) -> list[dict[str, str]]:
    """What the columns of all tables and views are, or of one, as the database says it.

    Where there are no results yet, as an empty database does.

    Raises:
        UsageError: there is no such table.
    """
    named = tables()
    if table is not None and table not in named:
        raise UsageError(f"there is no table '{table}'{did_you_mean(table, named)}")
    query = """
        SELECT table_name, column_name, data_type, comment FROM duckdb_columns()
        WHERE NOT internal ORDER BY column_index
    """
    try:
        with Store(results).reading() as (connection, _):
            rows = connection.execute(query).fetchall()
    except NoResultsError:
        with duckdb.connect() as connection:
            migrate(connection)
            rows = connection.execute(query).fetchall()
    keys = ("table", "column", "type", "description")
    wanted = named if table is None else (table,)
    return [dict(zip(keys, row, strict=True)) for name in wanted for row in rows if row[0] == name]


def _mebibytes(paths: list[Path]) -> float:
    return round(sum(path.stat().st_size for path in paths) / 2**20, 2)


def compact(results: Path) -> tuple[int, int]:
    """Join the journal's many files of trials into few, and make the database again; old temporary files go.

    Old files are removed only when the new one is on disk: a kill in between leaves both, and a trial
    that is there twice counts once.

    Returns:
        Journal files of trials before and after.

    Raises:
        NoResultsError: there is no journal.
        OrchError: another process holds the database, or the folder cannot be written.
    """
    store = Store(results)
    old = journal.files(store.journal, "trials")
    if not old:
        raise NoResultsError(results)
    # What cannot be read stays, and what a newer version wrote, whose columns would be lost here.
    try:
        for group in _groups([path for path in old if is_whole(path) and can_be_read(path)]):
            if len(group) > 1:
                tables = [pq.read_table(path) for path in group]
                names = hashlib.sha256("/".join(path.name for path in group).encode()).hexdigest()[:16]
                whole = pa.concat_tables(tables, promote_options="permissive")
                journal.write_table(store.journal, "trials", f"compacted-{names}", whole)
                for path in group:
                    path.unlink(missing_ok=True)
        _remove_temporary(results)
    except OSError as error:
        raise OrchError(f"{results} cannot be written: {error.strerror}") from None
    rebuild(results)
    return len(old), len(journal.files(store.journal, "trials"))


def _remove_temporary(results: Path) -> None:
    """What a kill in the middle of writing left, long ago enough to be nobody's any more."""
    for path in results.rglob(".*.tmp"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()


def _groups(paths: list[Path]) -> Iterator[list[Path]]:
    group: list[Path] = []
    rows = 0
    for path in paths:
        count = pq.read_metadata(path).num_rows
        if group and rows + count > COMPACT_ROWS:
            yield group
            group, rows = [], 0
        group.append(path)
        rows += count
    if group:
        yield group


def merge(results: Path, other: Path) -> dict[str, int]:
    """Take in another folder's journal, networks, and the data that these were trained on; it is only read.

    Returns:
        How many journal files, models and datasets are new here, and trials before and after.

    Raises:
        UsageError: `other` is no results folder, or this one.
        OrchError: the folder cannot be written.
    """
    if other.resolve() == results.resolve():
        raise UsageError(f"{other} is the results folder itself")
    theirs = {kind: journal.files(other / "journal", kind) for kind in journal.KINDS}
    if not theirs["trials"]:
        raise UsageError(f"{other} holds no journal of trials: a results folder was expected")
    store = Store(results)
    before = 0 if store.is_empty() else _trials(store)
    new_files = new_models = new_data = 0
    try:
        for kind, paths in theirs.items():
            for path in paths:
                if _is_sound(path):
                    new_files += _take(path, store.journal / kind / path.name)
        store.ingest()
        for path in sorted((other / "models").rglob("*.safetensors")):
            new_models += _take_model(path, results)
        for path in sorted((other / "systems").glob("*.npz")):
            target = results / "systems" / path.name
            if not cache.is_whole(target) and cache.is_whole(path):
                durable.write(target, path.read_bytes())
                new_data += 1
    except OSError as error:
        raise OrchError(f"merging {other}: {error.strerror}") from None
    return {
        "files": new_files, "models": new_models, "data": new_data, "before": before, "after": _trials(store),
    }  # fmt: skip


def _is_sound(path: Path) -> bool:
    """Whether a journal file of another folder can be read; one that cannot is left where it is."""
    why = why_unreadable(path)
    if why is not None:
        warnings.warn(f"{path} cannot be read and is not taken: {why}", stacklevel=2)
    return why is None


def _take_model(source: Path, results: Path) -> int:
    """Take a network that is missing here; another one of a trial comes beside the one that is there."""
    trial, digest = weights.trial_of(source), weights.digest_of(source)
    if digest is None:  # it cannot be read, and stands for itself where there is nothing else
        target = weights.path_of(results, trial).with_name(source.name)
        kept = target.exists()
    else:
        target = weights.path_for(results, trial, digest)
        kept = target.exists() and weights.digest_of(target) == digest
    if kept:
        return 0
    durable.write(target, source.read_bytes())
    return 1


def _take(source: Path, target: Path) -> int:
    content = source.read_bytes()
    if target.exists():
        if target.read_bytes() == content:
            return 0
        target = target.with_stem(f"{target.stem}-{hashlib.sha256(content).hexdigest()[:8]}")
        if target.exists():
            return 0
    durable.write(target, content)
    return 1


def _trials(store: Store) -> int:
    with store.reading() as (connection, _):
        count: int = connection.execute("SELECT count(*) FROM trials").fetchall()[0][0]
        return count


def export(results: Path, folder: Path, *, form: str) -> list[Path]:
    """Write every table and view that `orch sql` answers from as a file.

    Args:
        form: 'parquet' or 'csv'.

    Raises:
        UsageError: a file to be written is there already.
        OrchError: the folder cannot be written.
    """
    targets = {table: folder / f"{table}.{form}" for table in tables()}
    there = [path for path in targets.values() if path.exists()]
    if there:
        raise UsageError(f"{there[0]} exists already")
    temporary = folder / f".export-{uuid.uuid4().hex}"
    try:
        with Store(results).reading() as (connection, _):
            temporary.mkdir(parents=True)
            for table, target in targets.items():
                path = str(temporary / target.name).replace("'", "''")
                connection.execute(f"COPY (FROM {table}) TO '{path}' (FORMAT {form})")
        for target in targets.values():
            os.replace(temporary / target.name, target)
    except OSError as error:
        raise OrchError(f"{folder} cannot be written: {error.strerror}") from None
    except duckdb.IOException as error:
        raise OrchError(f"{folder} cannot be written: {str(error).splitlines()[0]}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return list(targets.values())

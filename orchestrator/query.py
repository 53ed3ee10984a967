"""Any question in SQL to the results: it may read, and nothing else."""

import math
import re
import threading
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from .errors import OrchError, UsageError
from .store import Source, Store, is_damage, lock_down

READING = ("SELECT", "RELATION", "PRAGMA", "CALL")
"""Types of statements that only read; DESCRIBE, SHOW, SUMMARIZE and WITH are SELECTs to DuckDB."""

EXPLAIN = re.compile(r"\s*explain\b(\s+analyze\b|\s*\(\s*analyze\s*\))?", re.IGNORECASE)
"""EXPLAIN ANALYZE runs what it explains, and DuckDB calls both EXPLAIN: what follows is looked at as well."""


@dataclass(frozen=True)
class Limits:
    """What a question may take, where whoever asks cannot press Ctrl-C or shares the machine with a study."""

    seconds: float = 20.0
    rows: int = 1000
    memory: str = "1GiB"
    """Of DuckDB's own accounting, which leaves out single values: `serving.workers` bounds the process."""
    threads: int = 1


@dataclass(frozen=True)
class Rows:
    """The answer to a question."""

    columns: list[str]
    rows: list[list[Any]]
    """Plain values: no NaN, no decimals."""
    source: Source
    is_cut: bool = False
    """Whether there are more rows than the limit."""


def ask(results: Path, text: str, *, limits: Limits | None = None) -> Rows:
    """Answer one statement from the results folder; the database is closed again when this returns.

    With limits it is answered from a copy: whoever asks may take the time that they leave, and a study's
    results enter the database meanwhile.

    Raises:
        UsageError: it is no single statement that reads.
        OrchError: DuckDB cannot answer it, or not within the limits.
    """
    if not text.strip():
        raise UsageError('an empty query; try: orch sql "select * from cells"')
    store = Store(results)
    with store.reading() if limits is None else store.copied() as (connection, source):
        if limits is not None:
            connection.execute(f"SET memory_limit = '{limits.memory}'; SET threads = {limits.threads}")
            # What does not fit into memory is not to fill the disk that a study writes to.
            connection.execute("SET max_temp_directory_size = '0KiB'")
        lock_down(connection)
        timer = threading.Timer(limits.seconds, connection.interrupt) if limits is not None else None
        try:
            _check(connection, text)
            if timer is not None:
                timer.start()
            # A WITH may hold a DELETE. The file is open for reading only; a copy of the journal in memory
            # would take it, and lose it.
            connection.execute("BEGIN TRANSACTION READ ONLY")
            cursor = connection.execute(text)
            columns = [item[0] for item in cursor.description or []]
            rows = cursor.fetchall() if limits is None else cursor.fetchmany(limits.rows + 1)
        except duckdb.InterruptException:
            if limits is None:
                raise
            raise OrchError(f"sql: stopped after {limits.seconds:g} s") from None
        except duckdb.Error as error:
            if is_damage(error):
                raise
            raise OrchError(f"sql: {error}") from None
        except (OverflowError, TypeError, UnicodeError) as error:  # values that Python has none for
            raise OrchError(f"sql: {error}") from None
        finally:
            if timer is not None:
                timer.cancel()
    kept = rows if limits is None else rows[: limits.rows]
    return Rows(columns, [[_plain(value) for value in row] for row in kept], source, len(kept) < len(rows))


def _check(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Refuse what does more than read: COPY, ATTACH, SET …, several statements, or an EXPLAIN of such."""
    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise UsageError("one statement at a time" if statements else "there is no statement in it")
    kind = statements[0].type.name
    if kind == "EXPLAIN":
        begin = EXPLAIN.match(text)
        inner = connection.extract_statements(text[begin.end() :]) if begin else []
        if [statement.type.name for statement in inner] != ["SELECT"]:
            raise UsageError("SQL here reads and nothing else: EXPLAIN is for a SELECT")
    elif kind not in READING:
        raise UsageError(f"SQL here reads and nothing else: {kind} is not for it")


def _plain(value: Any) -> Any:
    """A value for people and for JSON: no NaN, no decimal type, lists likewise."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value

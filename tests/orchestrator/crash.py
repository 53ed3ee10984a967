"""Run by test_kills: journals two stacks and takes them into the database, and dies at the n-th step.

    python crash.py RESULTS N

A step is a call that changes something outside the process, or that another process could see between:
opening, syncing and renaming a file, and every statement sent to DuckDB. The process kills itself just
before the n-th one; when it makes it to the end it prints how many there were.
"""

import os
import signal
import sys
from pathlib import Path

import duckdb

from orchestrator import durable, journal
from orchestrator.store import Store

results, fatal = Path(sys.argv[1]), int(sys.argv[2])
steps = 0


def step() -> None:
    global steps
    steps += 1
    if steps == fatal:
        os.kill(os.getpid(), signal.SIGKILL)


def stepping(function):
    def call(*arguments, **keywords):
        step()
        return function(*arguments, **keywords)

    return call


class Connection:
    """A DuckDB connection that steps."""

    def __init__(self, connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str):
        return (
            stepping(getattr(self._connection, name))
            if name == "execute"
            else getattr(self._connection, name)
        )

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        step()
        self._connection.close()


connect = duckdb.connect
duckdb.connect = lambda *arguments, **keywords: Connection(stepping(connect)(*arguments, **keywords))
for name in ("open", "fsync", "replace"):
    setattr(durable.os, name, stepping(getattr(os, name)))

curves = [{"epoch": 1, "quantity": "loss", "value": 0.5}]
for name in ("a", "b"):
    rows = [
        {"trial_id": f"{name}{i}", "status": "ok", "settings": "{}", "d_stsp": 0.1 * i, "curves": curves}
        for i in (1, 2, 3)
    ]
    journal.write(results / "journal", "trials", name, rows)
    step()
    Store(results).ingest()
print(steps)

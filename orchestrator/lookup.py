"""One trial among all: found by its id, set beside another."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from . import journal
from .errors import OrchError, UsageError

SHORTEST = 4
"""Characters of an id that must be given at least."""

PROVENANCE = (
    "code_fingerprint", "code_version", "code_commit", "code_changes", "packages", "device", "host",
    "threads", "stack_size", "system_hash", "measure_definitions",
)  # fmt: skip


HISTORY = (
    "finished_at", "status", "failure", "d_stsp", "anew", "resumed", "device", "host", "code_version",
    "code_commit", "code_fingerprint", "parameters_digest",
)  # fmt: skip
"""What tells the rows of one trial apart."""


def find(connection: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, Any]:
    """The row of the trial whose id begins like this.

    Raises:
        UsageError: none does, or more than one.
    """
    if len(trial_id) < SHORTEST:
        raise UsageError(
            f"'{trial_id}' is too short: expected the first {SHORTEST} or more digits of a trial_id"
        )
    cursor = connection.execute("SELECT * FROM results WHERE starts_with(trial_id, ?) LIMIT 2", [trial_id])
    columns = [item[0] for item in cursor.description or []]
    found = cursor.fetchall()
    if not found:
        raise UsageError(
            f"no trial's id begins with '{trial_id}'; "
            'orch sql "SELECT trial_id, regime_label, seed FROM trials" lists them'
        )
    if len(found) > 1:
        raise UsageError(f"more than one trial's id begins with '{trial_id}': give more digits")
    return dict(zip(columns, found[0], strict=True))


def history(connection: duckdb.DuckDBPyConnection, results: Path, trial_id: str) -> list[dict[str, Any]]:
    """Every row that the journal has of a trial, the one that counts first (`rank_of` in the schema).

    Where it has none, that of the database.

    Raises:
        OrchError: a file of the journal cannot be read.
    """
    files = [str(path) for path in journal.files(results / "journal", "trials")]
    columns = ", ".join(f'"{name}"' for name in HISTORY)
    found: list[tuple[Any, ...]] = []
    if files:
        try:
            found = connection.execute(
                f"""
                SELECT {columns}
                FROM (FROM read_parquet(?, union_by_name = true)
                      UNION ALL BY NAME FROM trials WHERE false)
                WHERE trial_id = ? ORDER BY rank_of(status, anew, finished_at)
                """,
                [files, trial_id],
            ).fetchall()
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            raise OrchError(f"the journal cannot be read: {why}; `orch db check` says more") from None
    if not found:
        found = connection.execute(f"SELECT {columns} FROM trials WHERE trial_id = ?", [trial_id]).fetchall()
    rows = [dict(zip(HISTORY, values, strict=True)) for values in found]
    return [{"counts": place == 0, **row} for place, row in enumerate(rows)]


def settings(row: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a trial by its dotted name, defaults included.

    Of a trial with settings that this version does not know, those that were recorded.
    """
    from pydantic import ValidationError

    from .identity import recorded_settings, trial_from_config

    config = json.loads(row["config"])
    try:
        trial = trial_from_config(config)
    except (KeyError, ValidationError):
        return dict(_flat(config))
    of_system = json.loads(recorded_settings(row["config"])).get("system", {})
    system = {**of_system, **config["system"]}  # a variant by its own name, and by what it is
    return dict(_flat({**config, **trial.in_full, "system": system}))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """In what two trials differ: (what it is part of, field, of one, of the other).

    `identity` fields make them two trials; `provenance` fields say how their numbers came about.
    """
    a, b = settings(one), settings(other)
    names = [*a, *(name for name in b if name not in a)]
    found = [("identity", name, a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)]
    found += [
        ("provenance", name, one.get(name), other.get(name))
        for name in PROVENANCE
        if one.get(name) != other.get(name)
    ]
    return found

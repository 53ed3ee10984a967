"""One trial among all: found by its id, set beside another."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from .errors import UsageError

SHORTEST = 4
"""Characters of an id that must be given at least."""

PROVENANCE = (
    "code_fingerprint", "code_version", "code_commit", "code_changes", "packages", "device", "host",
    "threads", "stack_size", "system_hash", "measure_definitions",
)  # fmt: skip


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


def settings(row: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a trial by its dotted name, defaults included.

    Of a trial with settings that this version does not know, those that were recorded.
    """
    from pydantic import ValidationError

    from .identity import trial_from_config

    config = json.loads(row["config"])
    try:
        trial = trial_from_config(config)
    except (KeyError, ValidationError):
        return dict(_flat(config))
    return dict(
        _flat(
            {
                **config,
                "architecture": {"name": trial.architecture.name, **trial.architecture.model_dump()},
                "regime": {"name": trial.regime.name, **trial.regime.model_dump()},
                "training": trial.training.model_dump(),
                "evaluation": trial.evaluation.model_dump(),
            }
        )
    )


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

"""Whether something in a results folder has changed, from the times of folders and small files alone."""

import time
from pathlib import Path

from .. import journal
from ..running import is_fresh

Times = tuple[object, ...]

COARSE_SECONDS = 2.0
"""The longest tick of a file system's clock."""


def results_changed(results: Path) -> Times:
    """Differs when files have come to the journal, or gone from it."""
    return tuple(_time(results / "journal" / kind) for kind in journal.KINDS)


def progress_changed(results: Path) -> Times:
    """Differs when a run has told how far it is, or tells no longer, or anything came or went."""
    told = sorted((results / ".running").glob("*.json"))
    folders = (results / "checkpoints", results / ".running")
    return (
        *results_changed(results),
        *map(_time, folders),
        *((_time(path), is_fresh(path)) for path in told),
    )


def _time(path: Path) -> object:
    """Where a clock ticks by whole seconds it may show no second change: what is settled is another time."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return 0
    settled = changed % 1_000_000_000 or time.time() - changed / 1e9 > COARSE_SECONDS
    return changed, bool(settled)

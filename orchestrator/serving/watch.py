"""Whether something in a results folder has changed, from the times of folders and small files alone."""

from pathlib import Path

from .. import journal

Times = tuple[int, ...]


def results_changed(results: Path) -> Times:
    """Differs when files have come to the journal, or gone from it."""
    return tuple(_time(results / "journal" / kind) for kind in journal.KINDS)


def progress_changed(results: Path) -> Times:
    """Differs when a run has told how far it is, or anything came or went."""
    told = sorted((results / ".running").glob("*.json"))
    folders = (results / "checkpoints", results / ".running")
    return (*results_changed(results), *map(_time, [*folders, *told]))


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0

"""A study against a results folder: all that goes into its plan, read from where it is."""

from collections.abc import Sequence
from pathlib import Path

from .begun import begun
from .catalogue import find
from .memory import recall, recall_cells, stopped
from .plan import Plan, make_plan
from .provenance import fingerprint
from .retrying import NOTHING, Retry
from .store import Store
from .study import Study, load


def plan_study(name: str, results: Path, *, overrides: Sequence[str] = (), retry: Retry = NOTHING) -> Plan:
    """The plan of a study, by its name or the path of its file. Nothing is run or written.

    Args:
        overrides: `key.path=value`, as `--set` takes them.
        retry: what has a row and is to be run again.

    Raises:
        StudyError: there is no such study, or it is not valid.
        OrchError: the results cannot be read.
    """
    return plan_of(load(find(name), overrides), results, retry=retry)


def plan_of(study: Study, results: Path, *, retry: Retry = NOTHING) -> Plan:
    """The plan of a study that was read already.

    Raises:
        OrchError: the results cannot be read.
    """
    cells, searches = list(study.cells()), list(study.searches())
    store = Store(results)
    finished, durations = store.known([cell.cell_id for cell in cells])
    under_way = begun(results)
    knowledge = recall(store, study.name, searches, retry=retry)
    seen, outdated = recall_cells(store, cells, retry=retry) if study.goal is not None else ({}, {})
    anything = finished or under_way or any(known.seen for known in knowledge)
    first = [*cells, *(search.first for search in searches)] if anything else []
    return make_plan(
        study,
        finished,
        retry=retry,
        fingerprints={cell.cell_id: fingerprint(cell) for cell in first} or None,
        durations=durations,
        begun=under_way,
        knowledge=knowledge,
        stopped=[stopped(store, *known) for known in zip(searches, knowledge, strict=True)],
        seen=seen,
        outdated=outdated,
    )

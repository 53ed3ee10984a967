"""Runs that share a results folder divide between them what is to be done: one of them trains a trial.

    .running/claims/<trial id>    names the run that has the trial; made where there is none, or not at all

A claim is worth what its run is: of one that was killed it is void as soon as that is seen (`running.lives`).
Where two runs have a trial all the same, as on machines whose clocks are apart by more than STALE_SECONDS,
one of them was in vain and that is all: both come to one result.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import replace

import duckdb

from . import begun
from .errors import OrchError
from .knowledge import Knowledge, Seen
from .memory import read_seen, recall
from .provenance import fingerprint
from .retrying import NOTHING, Retry
from .running import is_fresh, lives, others
from .search import Search
from .stacking import Stack, Taken
from .store import Store


class Share:
    """A run's part in what is done in a folder."""

    def __init__(self, store: Store, run: str, *, since: float, retry: Retry = NOTHING) -> None:
        """
        Args:
            run: its name, under which it tells how far it is.
            since: when it was planned, in seconds since 1970: what failed later is not tried again, unless
                its worker was lost, which says nothing of the trial.
            retry: what has a row and is run again all the same.
        """
        self._store, self._run, self._since = store, run, since
        self._retry = Retry(stale=retry.stale)
        """What failed since is not tried again, though what failed before is."""
        self._claims = store.results / ".running" / "claims"
        self._mine: set[str] = set()
        self.met = False
        """Whether another run was seen in this folder: what it has ended is to be asked for."""

    def look(self) -> None:
        """See whether another run has come; called every few seconds, as one may be gone by the next."""
        self.met = self.met or bool(others(self._store.results, self._run))

    def take(self, stack: Stack) -> Taken:
        """Claim the trials of a stack: those that no other run has, or, where they are to be run together,
        all or none."""
        claimed: set[str] = set()
        for trial_id in stack.trial_ids:
            if self._claim(trial_id):
                claimed.add(trial_id)
                continue
            self.met = True
            if not stack.apart:
                self.give_back(claimed)
                return Taken({}, frozenset(stack.trial_ids))
        self._mine.update(claimed)
        self.look()
        # A worker journals what it has ended, and then it is given back: it can be seen by now.
        found = self._ended(stack.of(claimed)) if self.met and claimed else {}
        self.give_back(found)
        return Taken(found, frozenset(stack.trial_ids) - claimed)

    def begun(self, stack: Stack) -> Stack | None:
        """A part of a stack that another run has begun, and left with a checkpoint; None if there is none."""
        if not self.met:
            return None
        trials = {trial.trial_id: trial for trial in stack.trials}
        parts = (
            part.trial_ids for part in begun.begun(self._store.results) if trials.keys() >= {*part.trial_ids}
        )
        ids = next(parts, None)
        return replace(stack, trials=[trials[one] for one in ids], apart=False) if ids else None

    def give_back(self, trial_ids: Iterable[str]) -> None:
        """Claim these no longer."""
        for trial_id in trial_ids:
            self._mine.discard(trial_id)
            with contextlib.suppress(OSError):
                if self._owner(trial_id) == self._run:
                    (self._claims / trial_id).unlink()

    def close(self) -> None:
        """Claim nothing any more, and remove what killed runs have left."""
        self.give_back(list(self._mine))
        with contextlib.suppress(OSError):
            for path in list(self._claims.iterdir()):
                if self._is_void(path.name):
                    path.unlink(missing_ok=True)
            self._claims.rmdir()

    def _claim(self, trial_id: str) -> bool:
        """Whether it is this run's now; so it is where claims cannot be written, as nothing else can be."""
        path = self._claims / trial_id
        for _ in range(3):
            try:
                self._claims.mkdir(parents=True, exist_ok=True)
                with path.open("x") as file:
                    file.write(self._run)
                return True
            except FileNotFoundError:
                continue  # another run, the last to go, removed the folder
            except FileExistsError:
                if not self._is_void(trial_id):
                    return False
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            except OSError:
                return True
        return False

    def _is_void(self, trial_id: str) -> bool:
        owner = self._owner(trial_id)
        if not owner:  # gone, or not written yet
            return not is_fresh(self._claims / trial_id)
        return (owner == self._run and trial_id not in self._mine) or not lives(self._store.results, owner)

    def _owner(self, trial_id: str) -> str:
        try:
            return (self._claims / trial_id).read_text()
        except OSError:
            return ""

    def recall(self, study: str, search: Search) -> Knowledge | None:
        """What is known of a search by now, with what others have asked for; None if none was seen."""
        if not self.met:
            return None
        with contextlib.suppress(OrchError, duckdb.Error):  # then this run goes by what it knows
            (known,) = recall(self._store, study, [search], retry=self._retry)
            ended = {place: seen for place, seen in known.seen.items() if self._counts(seen, searched=True)}
            return Knowledge(ended, known.pending)
        return None

    def _ended(self, stack: Stack) -> dict[str, Seen]:
        cells = {trial.cell_id for trial in stack.trials}
        seen: dict[tuple[str, int], Seen] = {}
        # The journal has what cannot be read now: it is run again.
        with contextlib.suppress(OrchError, duckdb.Error):
            if not self._store.is_empty():
                with self._store.reading() as (connection, _):
                    seen = {(cell, trial.seed): trial for cell, trial in read_seen(connection, list(cells))}
        return {
            trial.trial_id: known
            for trial in stack.trials
            if (known := seen.get((trial.cell_id, trial.seed)))
            and self._counts(known, searched=stack.searched)
            and not self._retry.is_outdated(known.fingerprint, fingerprint(trial))
        }

    def _counts(self, known: Seen, *, searched: bool) -> bool:
        """Whether a trial is not to be run again; as in a plan, but for what failed since."""
        if known.status == "pruned":
            return searched
        return known.status != "failed" or known.at > self._since

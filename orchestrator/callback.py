"""What the driver does while Ray Tune runs stacks: progress, ingest, rows for lost workers, the brake."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray
from ray.tune import Callback, Stopper

from . import begun, durable, journal, provenance
from .agenda import Agenda
from .cluster import Placement
from .errors import OrchError
from .identity import Trial, trial_from_config
from .progress import Progress, described
from .sharing import Share
from .stacking import CPU_STACK
from .store import Store

INGEST_SECONDS = 3.0
"""How often finished stacks are taken into the database while a study runs."""

EQUAL_FAILURES = 3
"""So many stacks in a row that fail with the same error stop a study: the next would fail too. Not where all
of them may be parts of one that was cut: of one cell, with no more trials than a stack has."""


LOW_MEMORY = "running low on memory"
"""What Ray says when it kills a worker to save its machine."""

PROBE_BYTES = 1_000_000
"""About what a stack writes: its checkpoint, its networks, its rows."""

LOOK_SECONDS = 2.0
"""How often it is looked whether Ray is still there, and whether another run has come."""


class RayLostError(OrchError):
    """The processes of Ray that everything hangs on were killed."""


class Brake(Stopper):
    """Stops a study after EQUAL_FAILURES equal failures in a row."""

    def __init__(self, *, largest: int) -> None:
        """
        Args:
            largest: trials that may be parts of one stack, which was cut.
        """
        self.reason: str | None = None
        self._largest = largest
        self._error: str | None = None
        self._failed: list[Sequence[Trial]] = []
        """Stacks that have ended with it since another end was seen."""

    def note(self, error: str | None, members: Sequence[Trial]) -> None:
        """Take in how a stack ended: the last line of its traceback, or None."""
        if error is None or error != self._error:
            self._failed.clear()
        self._error = error
        if error is not None:
            self._failed.append(members)
        cells = {members[0].cell_id for members in self._failed}
        more_than_one = len(cells) > 1 or sum(map(len, self._failed)) > self._largest
        if len(self._failed) >= EQUAL_FAILURES and more_than_one:
            self.reason = f"{EQUAL_FAILURES} stacks in a row failed with the same error: {error}"

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.reason is not None


class StackCallback(Callback):
    """Follows stacks through Ray Tune; whatever is raised in here stops the study."""

    def __init__(
        self,
        *,
        results: Path,
        progress: Progress,
        store: Store,
        agenda: Agenda,
        share: Share,
        placement: Placement,
        anew: bool,
    ) -> None:
        """
        Args:
            placement: of each stack.
            anew: whether stacks are run to replace what other code has made.
        """
        self.results, self.placement, self.anew = results, placement, anew
        self.progress = progress
        self.store = store
        self.brake = Brake(largest=max(agenda.largest, CPU_STACK))
        self.agenda = agenda
        self.share = share
        self._pending = self._counts_anew = False
        self._last_ingest = self._last_look = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore; a Tuner here is always fresh, so nothing is kept."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        members = _members(trial)
        epoch = begun.epoch_of(self.results, [member.trial_id for member in members])
        self.progress.running(trial.trial_id, members, epoch=epoch)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if "epoch" in result:
            self.progress.epoch(trial.trial_id, result["epoch"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        statuses = trial.last_result.get("statuses")
        if statuses is None:
            return  # stopped by the brake, not finished
        self._pending = self._counts_anew = True
        error = trial.last_result.get("error")
        if error and self.anew:  # no row tells it where there is an earlier result, which stays
            self.progress.note(f"failed: {described(_members(trial))}: {error}")
        self.brake.note(error, _members(trial))
        self.progress.finished(trial.trial_id, statuses)
        _slim(trial)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        members = _members(trial)
        self.progress.waiting(trial.trial_id)
        error = _last_error(trial)
        what = described(members)
        if self._cannot_write():
            return
        if LOW_MEMORY in error:
            try:
                parts = begun.mark_too_large(self.results, [member.trial_id for member in members])
                self.progress.note(f"out of memory, tried again in {parts} parts: {what}")
            except OSError as problem:
                self.progress.note(f"out of memory, which could not be noted down: {problem}")
        else:
            said = error.strip().splitlines()[-1:]
            why = f" ({said[0].strip()[:100]})" if said else ""
            self.progress.note(f"worker lost, started again: {what}{why}")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._pending = self._counts_anew = True
        members = _members(trial)
        error = _last_error(trial)
        if self._cannot_write():
            return
        self._journal_lost(members, "out_of_memory" if LOW_MEMORY in error else "worker_lost", error)
        said = error.strip().splitlines()[-1] if error.strip() else "worker lost"
        self.brake.note(said, members)
        self.progress.finished(trial.trial_id, {"failed": len(members)})

    def _cannot_write(self) -> bool:
        """Whether the results folder takes nothing more; the study is stopped then, as nothing could be kept.

        Tried, not read from the worker's error: on a full disk Tune cannot write that down either.
        """
        probe = self.results / "checkpoints" / "probe"
        try:
            durable.write(probe, bytes(PROBE_BYTES))
            probe.unlink()
        except OSError as error:
            self.brake.reason = f"{self.results} cannot be written: {error.strerror}"
            return True
        return False

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if self._counts_anew:  # a search may have come to its end, or ask for more
            self._counts_anew = False
            self.progress.expect(self.progress.done + self.agenda.left)
        self._tick()
        if time.monotonic() - self._last_look >= LOOK_SECONDS:
            self._last_look = time.monotonic()
            self.share.look()
            self._counts_anew = self.share.met  # others may have ended some
            # Tune would wait for ever for a node that is gone; an exception is what ends it.
            if not any(node["Alive"] for node in ray.nodes()):  # type: ignore[no-untyped-call]
                raise RayLostError("Ray's own process was lost; the same command goes on from here")
        if self._pending and time.monotonic() - self._last_ingest >= INGEST_SECONDS:
            self._last_ingest = time.monotonic()
            try:
                self._pending = self.store.ingest() is None
            except (OrchError, OSError) as error:
                self.progress.note(f"{error}; the journal has everything")

    def wait(self) -> None:
        """There is nothing to do but what other runs have."""
        self.progress.expect(self.progress.done + self.agenda.left)
        self._tick()

    def _tick(self) -> None:
        self.progress.tick(theirs=self.agenda.by_others.total(), waits=self.agenda.waits)

    def _journal_lost(self, members: list[Trial], failure: str, reason: str) -> None:
        """A row for each trial of a stack whose worker was lost for good."""
        from .rows import failed_row

        now = datetime.now(UTC)
        name = begun.stack_id([member.trial_id for member in members])
        common = {
            **provenance.collect(),
            "stack_id": name,
            "stack_size": len(members),
            "finished_at": now,
        }
        rows = [
            {
                **failed_row(trial, failure, reason),
                **common,
                "code_fingerprint": provenance.fingerprint(trial),
            }
            for trial in members
        ]
        try:
            journal.write(self.results / "journal", "trials", f"{now:%Y%m%dT%H%M%S%f}-{name}", rows)
        except OSError as error:
            self.progress.note(f"the loss of a worker could not be journalled: {error}")


def _slim(trial: Any) -> None:
    """Let go of what was said of a stack that is over.

    Tune keeps every trial, what it was given and what it said last, to its end and several times over: of ten
    thousand stacks a gigabyte.
    """
    told = trial.run_metadata
    told.last_result = {k: v for k, v in trial.last_result.items() if k not in ("rows", "config")}
    told.metric_analysis, told.metric_n_steps = {}, {}
    told.invalidate_cache()
    trial.config, trial.evaluated_params = {"stack": ""}, {}
    trial.invalidate_json_state()


def _members(trial: Any) -> list[Trial]:
    return [trial_from_config(item) for item in json.loads(trial.config["stack"])["trials"]]


def _last_error(trial: Any) -> str:
    """What Tune wrote down of a trial's last failure.

    Where the driver writes it: `trial.get_error()` looks where it is copied to in the end, and finds
    nothing, or that of the failure before.
    """
    try:
        text = Path(trial.error_file).read_text(errors="replace") if trial.error_file else ""
    except OSError:
        return ""
    return text.rpartition("Failure # ")[2]

"""What the driver does while Ray Tune runs stacks: progress, ingest, rows for lost workers."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ray.tune import Callback

from . import journal, provenance
from .errors import OrchError
from .identity import Trial, digest, trial_from_config
from .progress import Progress
from .store import Store

INGEST_SECONDS = 3.0
"""How often finished stacks are taken into the database while a study runs."""


class StackCallback(Callback):
    """Follows stacks through Ray Tune; nothing in here may raise, or Tune would stop the study."""

    def __init__(self, *, results: Path, progress: Progress, store: Store) -> None:
        self.results = results
        self.progress = progress
        self.store = store
        self.ended = 0
        """Stacks that finished or were given up."""
        self._pending = False
        self._last_ingest = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore; a Tuner here is always fresh, so nothing is kept."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        members = _members(trial)
        self.progress.running(trial.trial_id, members[0], size=len(members))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if "epoch" in result:
            self.progress.epoch(trial.trial_id, result["epoch"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.ended += 1
        self._pending = True
        self.progress.finished(trial.trial_id, trial.last_result.get("statuses", {}))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.ended += 1
        self._pending = True
        members = _members(trial)
        self._journal_lost(members, str(trial.get_error() or "no reason given"))
        self.progress.finished(trial.trial_id, {"failed": len(members)})

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.progress.tick()
        if self._pending and time.monotonic() - self._last_ingest >= INGEST_SECONDS:
            self._last_ingest = time.monotonic()
            try:
                self._pending = self.store.ingest() is None
            except (OrchError, OSError) as error:
                self.progress.note(f"{error}; the journal has everything")

    def _journal_lost(self, members: list[Trial], reason: str) -> None:
        """A row for each trial of a stack whose worker was lost for good."""
        from .trial import failed_row

        now = datetime.now(UTC)
        stack_id = digest([trial.trial_id for trial in members])[:16]
        common = {
            **provenance.collect(),
            "stack_id": stack_id,
            "stack_size": len(members),
            "finished_at": now,
        }
        rows = [{**failed_row(trial, f"worker lost: {reason}"), **common} for trial in members]
        try:
            journal.write(self.results / "journal", "trials", f"{now:%Y%m%dT%H%M%S%f}-{stack_id}", rows)
        except OSError as error:
            self.progress.note(f"the loss of a worker could not be journalled: {error}")


def _members(trial: Any) -> list[Trial]:
    return [trial_from_config(item) for item in json.loads(trial.config["stack"])["trials"]]

"""What a run does again although it has a row: trials that failed, or that other code made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Retry:
    """What is run again on request."""

    failed: bool = False
    """Trials that failed."""
    stale: bool = False
    """Trials that were made by code that said something else than it says now."""

    def is_open(self, status: str, failure: str | None) -> bool:
        """Whether a trial of this status counts as never run. One whose worker was lost always does, for that
        says nothing about the trial."""
        return status == "failed" and (self.failed or failure == "worker_lost")

    def is_outdated(self, fingerprint: str | None, now: str | None) -> bool:
        """Whether a row is to give way to one of the code as it is now.

        Args:
            fingerprint: of the code that made it.
            now: of the code as it is now, where that is known.
        """
        return self.stale and now is not None and fingerprint != now

    @property
    def options(self) -> str:
        """As they are given to a command."""
        return " --retry-failed" * self.failed + " --retry-stale" * self.stale


NOTHING = Retry()

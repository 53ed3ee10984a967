"""What a plan says of a cell or of a search: what there is, what is to be run, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from .identity import Trial
from .knowledge import Evaluation, Knowledge
from .search import Search


@dataclass(frozen=True)
class Started:
    """A stack of a cell that was begun: the next run goes on from its checkpoint."""

    seeds: tuple[int, ...]
    """Of the cell."""
    epoch: int
    device: str
    stack: str
    """Its name; on a GPU it may hold trials of other cells too."""


@dataclass(frozen=True)
class Cell:
    """One cell of a plan."""

    first: Trial
    seeds: tuple[int, ...]
    missing: tuple[int, ...]
    """Seeds to run."""
    counts: Mapping[str, int]
    """Trials with a row by status."""
    stale: int = 0
    """Trials with a row made by code that said something else than it says now; run again on request."""
    again: frozenset[int] = frozenset()
    """Seeds among `missing` that have a row and failed."""
    outdated: frozenset[int] = frozenset()
    """Seeds among `missing` that have a row, which other code made."""
    started: tuple[Started, ...] = ()
    """Stacks among `missing` that were begun; no two share a seed."""
    seconds: float | None = None
    """Expected time of all that is to run, on one slot; None where it cannot be told."""

    @property
    def reason(self) -> str:
        """Why there is something to run, or why not."""
        begun = {seed for stack in self.started for seed in stack.seeds}
        new = len(set(self.missing) - self.again - self.outdated - begun)
        parts = []
        if self.started:
            epochs = sorted({stack.epoch for stack in self.started})
            upto = f" to {epochs[-1]}" if len(epochs) > 1 else ""
            parts.append(f"{len(begun)} begun, at epoch {epochs[0]}{upto} of {self.first.training.epochs}")
        if new:
            everything = new == len(self.seeds)
            parts.append("never run" if everything else f"{new} of {len(self.seeds)} seeds missing")
        if self.again - begun:
            parts.append(f"{len(self.again - begun)} failed, to be tried again")
        if self.outdated - begun:
            parts.append(f"{len(self.outdated - begun)} made by other code, to be run again")
        if not self.missing:
            parts.append("finished")
        if self.failed:
            parts.append(f"{self.failed} failed (--retry-failed runs them again)")
        if self.stale > len(self.outdated):
            parts.append(f"{self.stale} made by other code (--retry-stale runs them again)")
        return ", ".join(parts)

    @property
    def failed(self) -> int:
        """Trials that failed and are not run again."""
        return self.counts.get("failed", 0) - len(self.again)

    @property
    def done(self) -> int:
        """Seeds with a row, whatever became of them."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class PlannedSearch:
    """One search for τ of a plan."""

    search: Search
    knowledge: Knowledge
    stopped: str | None = None
    """Why it proposes nothing more before its budget is out, where it does not."""
    stale: int = 0
    """Known trials that were made by code that said something else than it says now."""
    seconds: float | None = None
    """Expected time of all that it may run, on one slot; None where it cannot be told."""

    @cached_property
    def evaluations(self) -> list[Evaluation]:
        """What is known already."""
        return self.knowledge.evaluations(self.search.settings.seeds_per_trial)

    @property
    def done(self) -> int:
        """Trials that are known."""
        return len(self.knowledge.seen)

    @property
    def missing(self) -> int:
        """Trials that it may run, if it uses up its budget."""
        pending = len(self.knowledge.pending)
        return pending if self.stopped else pending + self.search.to_propose(self.knowledge)

    @property
    def reason(self) -> str:
        """What it has, and what it may still do."""
        settings = self.search.settings
        known = self.knowledge.count(settings.seeds_per_trial)
        if self.stopped:
            said = f"stopped after {known} evaluations: {self.stopped}"
        elif not self.missing:
            said = f"finished: {known} evaluations are known, {settings.trials} were asked for"
        else:
            said = f"at most {settings.trials} evaluations of {settings.seeds_per_trial} seeds"
            said += f", {known} known or begun" if known else ""
        again = self.knowledge.outdated
        if again:
            return f"{said}, {again} trials made by other code, to be run again as they are asked for"
        by_other_code = f", {self.stale} trials made by other code (--retry-stale runs them again)"
        return said + (by_other_code if self.stale else "")

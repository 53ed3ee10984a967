"""How far a run is: a live display on a terminal, plain lines elsewhere, always on stderr."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .begun import stack_id
from .identity import Trial
from .wording import counted

LINE_SECONDS = 15.0
"""How often a plain log says something when no stack has finished."""

WAITING = "waiting for a worker"


@dataclass
class _Running:
    members: Sequence[Trial]
    epoch: int = 0
    first: int = 0
    """Where it went on from, which a checkpoint had done."""

    @property
    def label(self) -> str:
        first = self.members[0]
        return f"{first.system} · {first.architecture.name} · {described(self.members)}"

    @cached_property
    def by_cell(self) -> dict[str, list[int]]:
        """cell id → seeds"""
        found: dict[str, list[int]] = {}
        for member in self.members:
            found.setdefault(member.cell_id, []).append(member.seed)
        return found

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def epochs(self) -> int:
        return self.members[0].training.epochs

    @property
    def begun_at(self) -> float:
        """Trials of which so much a checkpoint had done."""
        return self.size * self.first / self.epochs

    @property
    def done(self) -> float:
        """Trials of which so much is done."""
        return self.size * min(self.epoch / self.epochs, 1.0)

    @cached_property
    def name(self) -> str:
        return stack_id([member.trial_id for member in self.members])


def described(members: Sequence[Trial]) -> str:
    """'clipping, 5 seeds' or '11 regimes, 55 networks'."""
    cells = len({member.cell_id for member in members})
    if cells == 1:
        return f"{members[0].regime_label}, {counted(len(members), 'seed')}"
    return f"{cells} regimes, {counted(len(members), 'network')}"


class Progress:
    """Counts trials and epochs of a run and shows them."""

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self.console = console or Console(stderr=True)
        self.quiet = quiet
        self.statuses: Counter[str] = Counter()
        self._total = self._waits = 0
        self._running: dict[str, _Running] = {}
        self._live: Live | None = None
        self._since = self._last_line = time.monotonic()
        self._heard: tuple[float, float] | None = None
        """When something was first heard of, and what had been done: workers take seconds to start."""
        self._ended = 0.0
        """Trials that were trained here, in stacks that have ended."""
        self._theirs = 0
        """Trials that other runs have ended meanwhile."""

    def note(self, text: str) -> None:
        """One line about what happens now."""
        if not self.quiet:
            self.console.print(Text(text, style="dim"))

    def start(self, *, total: int, slots: int) -> None:
        """Begin to count `total` trials."""
        self._total = total
        self._since = self._last_line = time.monotonic()
        self.note(f"{counted(total, 'trial')}, {counted(slots, 'stack')} at a time")
        if self.console.is_terminal and not self.quiet:
            self._live = Live(
                get_renderable=self._render, console=self.console, refresh_per_second=2, transient=True
            )
            self._live.start()

    def expect(self, total: int) -> None:
        """So many trials it will be in all, as it looks now."""
        self._total = total

    def stop(self) -> None:
        """End the display."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def running(self, stack: str, members: Sequence[Trial], *, epoch: int = 0) -> None:
        """A stack was placed (again).

        Args:
            epoch: that it goes on from.
        """
        self._running[stack] = _Running(members, epoch, epoch)

    def waiting(self, stack: str) -> None:
        """A stack lost its worker and waits to be placed again."""
        self._running.pop(stack, None)

    def epoch(self, stack: str, epoch: int) -> None:
        """A stack has done so many epochs."""
        running = self._running.get(stack)
        if running is not None:
            running.first = min(running.first, epoch)  # a checkpoint of other code is not gone on from
            running.epoch = epoch
            self._hear()

    def finished(self, stack: str, statuses: dict[str, int]) -> None:
        """A stack ended, its trials in these statuses."""
        self.statuses.update(statuses)
        running = self._running.pop(stack, None)
        if running is None:
            return
        self._ended += running.size - running.begun_at
        self._hear()
        if self._live is None:
            self._line(f"{running.label}: {_counts(Counter(statuses))}")

    def _hear(self) -> None:
        if self._heard is None:
            self._heard = time.monotonic(), self._worked + self._theirs

    def tick(self, *, theirs: int, waits: int) -> None:
        """Called often; a plain log speaks up now and then.

        Args:
            theirs: trials that other runs have ended meanwhile.
            waits: trials that another run has, where there is nothing else to do.
        """
        begins_to_wait = bool(waits) and not self._waits
        self._theirs, self._waits = theirs, waits
        if self._live is None and (begins_to_wait or time.monotonic() - self._last_line >= LINE_SECONDS):
            at = "; ".join(f"{r.label} epoch {r.epoch}/{r.epochs}" for r in self._running.values())
            self._line(at or self._waiting)

    @property
    def _waiting(self) -> str:
        """What for, where nothing is running."""
        return f"waiting for {counted(self._waits, 'trial')} of another run" if self._waits else WAITING

    @property
    def done(self) -> int:
        """Trials that have ended, here or in another run."""
        return sum(self.statuses.values()) + self._theirs

    def state(self) -> dict[str, Any]:
        """Plain data, for whoever looks on, from any thread: `running.Run` says what is what."""
        stacks = [
            {
                "cell_id": cell_id,
                "seeds": seeds,
                "epoch": stack.epoch,
                "stack": stack.name,
            }
            for stack in list(self._running.values())
            for cell_id, seeds in stack.by_cell.items()
        ]
        left = self._seconds_left()
        return {"total": self._total, "done": self.done, "seconds_left": left, "stacks": stacks}

    def _line(self, text: str) -> None:
        self._last_line = time.monotonic()
        if not self.quiet:
            clock = time.strftime("%H:%M:%S")
            self.console.print(
                f"{clock} {self.done}/{self._total} {self._eta()} | {text}", highlight=False, soft_wrap=True
            )

    @property
    def _under_way(self) -> float:
        """Trials of which so much is done, in stacks that run."""
        return sum(running.done for running in list(self._running.values()))

    @property
    def _worked(self) -> float:
        """Trials that were trained here: without what checkpoints had done, and what other runs do."""
        before = sum(running.begun_at for running in list(self._running.values()))
        return self._ended + self._under_way - before

    def _share(self) -> float:
        return min((self.done + self._under_way) / self._total, 1.0) if self._total else 0.0

    def _seconds_left(self) -> float | None:
        """At the pace since something was first heard of, of all runs that have a part in it."""
        if self._heard is None:
            return None
        since, before = self._heard
        more, left = self._worked + self._theirs - before, self._total - self.done - self._under_way
        return (time.monotonic() - since) * left / more if more > 0.005 * self._total else None

    def _eta(self) -> str:
        left = self._seconds_left()
        return "ETA --" if left is None else f"ETA {_duration(left)}"

    def _render(self) -> RenderableType:
        head = Table.grid(padding=(0, 2))
        elapsed = _duration(time.monotonic() - self._since)
        bar = ProgressBar(total=1.0, completed=self._share(), width=30)
        head.add_row(bar, f"{self.done}/{self._total} trials", elapsed, self._eta(), _counts(self.statuses))
        stacks = Table.grid(padding=(0, 2))
        for running in list(self._running.values())[:8]:
            share = ProgressBar(total=running.epochs, completed=running.epoch, width=12)
            stacks.add_row(share, f"{running.epoch}/{running.epochs}", Text(running.label))
        if len(self._running) > 8:
            stacks.add_row("", "", f"… and {len(self._running) - 8} more stacks")
        if self._waits and not self._running:
            stacks.add_row("", "", self._waiting)
        return Group(head, stacks)


def _counts(statuses: Counter[str]) -> str:
    """`5 done, 1 diverged`: done counts every trial with a result, blown-up ones included."""
    done = sum(count for status, count in statuses.items() if status != "failed")
    parts = [f"{done} done"]
    parts += [
        f"{statuses[name]} {name}" for name in ("diverged", "unbounded", "pruned", "failed") if statuses[name]
    ]
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"

"""Runs that are under way, as their drivers tell: a small file each in `.running/`, for whoever looks on.

What is begun stands in `checkpoints/`, what is finished in `journal/`; what a run has of that which is to be
done is its own for as long as its file is fresh (`sharing`).
"""

import contextlib
import json
import os
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import durable

TELL_SECONDS = 1.0
"""How often a driver tells how far it is."""

NOTHING: Mapping[str, Any] = {"total": 0, "done": 0, "seconds_left": None, "stacks": []}
"""What a run tells that has nothing to tell."""

STALE_SECONDS = 30.0
"""A file that is older is of a driver that was killed: a driver writes one even when nothing moves."""


@dataclass(frozen=True)
class RunningStack:
    """A cell's trials in a stack that a worker is training."""

    cell_id: str
    seeds: tuple[int, ...]
    epoch: int
    """As it was last heard of; 0 before the first word."""
    stack: str = ""
    """Its name. It may hold trials of other cells too."""


@dataclass(frozen=True)
class Run:
    """A run that is under way."""

    study: str
    definition_id: str
    """Of the study as this run was started with it."""
    host: str
    pid: int
    processes: str
    """Of which processes it is one: two machines may have one name, and containers their own numbers."""
    started_at: datetime
    total: int
    """Trials, as it looks now."""
    done: int
    seconds_left: float | None
    """None while nothing can be said."""
    stacks: tuple[RunningStack, ...]
    code: Mapping[str, str] = field(default_factory=dict)
    """What its code says, as `provenance.code_of` has it; nothing, of earlier versions."""


class Beacon:
    """What a driver tells, again and again once it is `lit`."""

    def __init__(
        self, results: Path, study: str, definition_id: str, *, code: Mapping[str, str] | None = None
    ) -> None:
        # Machines may share a name, and processes in containers a number.
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.path = _path(results, self.name)
        self._about: dict[str, Any] = {
            "study": study,
            "definition_id": definition_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "processes": _processes(),
            "started_at": datetime.now(UTC).isoformat(),
            "code": dict(code or {}),
        }
        self._state: Callable[[], Mapping[str, Any]] = lambda: NOTHING
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def tell(self, state: Callable[[], Mapping[str, Any]]) -> None:
        """Write how far it is: what `state` says, now and from now on."""
        self._state = state
        self._write()

    def light(self) -> None:
        """Tell every TELL_SECONDS, whatever the driver is at: it may prepare data, or wait for Ray."""
        self._thread.start()

    def _go_on(self) -> None:
        while not self._over.wait(TELL_SECONDS):
            try:
                self._write()
            except Exception as error:  # a bug: the run lives all the same
                traceback.print_exception(error)
                self._state = lambda: NOTHING

    def _write(self) -> None:
        """A disk that takes nothing is another's to report."""
        with contextlib.suppress(OSError):
            durable.write(self.path, json.dumps({**self._about, **self._state()}).encode(), sync=False)

    def put_out(self) -> None:
        """The run has ended."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
            self.path.parent.rmdir()


@contextlib.contextmanager
def beacon(
    results: Path,
    study: str,
    definition_id: str,
    state: Callable[[], Mapping[str, Any]],
    *,
    code: Mapping[str, str] | None = None,
) -> Iterator[Beacon]:
    """A beacon for as long as a run takes; those that killed runs left are removed.

    Args:
        state: what it says at first.
        code: what the code says that it is run by (`provenance.code_of`).
    """
    lit = Beacon(results, study, definition_id, code=code)
    for path in (results / ".running").glob("*.json"):
        with contextlib.suppress(OSError):
            if not is_fresh(path):
                path.unlink(missing_ok=True)
    lit.tell(state)
    lit.light()
    try:
        yield lit
    finally:
        lit.put_out()


def runs(results: Path) -> list[Run]:
    """The runs that are under way in this folder, whichever machine they are on, the oldest first."""
    told = (_read(path) for path in (results / ".running").glob("*.json"))
    return sorted((run for run in told if run is not None), key=lambda run: run.started_at)


def others(results: Path, name: str) -> list[str]:
    """The names of all runs but this one that are under way in this folder."""
    return [
        path.stem for path in (results / ".running").glob("*.json") if path.stem != name and is_fresh(path)
    ]


def lives(results: Path, name: str) -> bool:
    """Whether the run of this name is under way, as far as can be seen from here."""
    run = _read(_path(results, name))
    return run is not None and _lives(run)


def _path(results: Path, name: str) -> Path:
    return results / ".running" / f"{name}.json"


def _read(path: Path) -> Run | None:
    """What a run tells; None where it does no longer."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        if is_fresh(path):
            return _run(json.loads(path.read_bytes()))
    return None


def beside(results: Path, study: str) -> Run | None:
    """Another run of this study that is under way in this folder; of a driver on this machine that was killed
    a moment ago there is none."""
    return next((run for run in runs(results) if run.study == study and _lives(run)), None)


def _processes() -> str:
    """What two processes have in common that know each other by number; '' where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return "" if os.name != "posix" else socket.gethostname()


def _lives(run: Run) -> bool:
    if not run.processes or run.processes != _processes():
        return True  # as far as can be seen from here
    return is_process(run.pid)


def is_process(pid: int) -> bool:
    """Whether there is a process of this number here, this user's or another's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def is_fresh(path: Path) -> bool:
    """Whether whoever writes this file still does."""
    try:
        return time.time() - path.stat().st_mtime < STALE_SECONDS
    except OSError:  # gone
        return False


def _run(said: dict[str, Any]) -> Run:
    stacks: Sequence[dict[str, Any]] = said.pop("stacks")
    said["started_at"] = datetime.fromisoformat(said["started_at"])
    return Run(
        **said,
        stacks=tuple(
            RunningStack(s["cell_id"], tuple(s["seeds"]), int(s["epoch"]), str(s.get("stack", "")))
            for s in stacks
        ),
    )

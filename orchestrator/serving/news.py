"""What has changed in a results folder, told to every page that looks on.

One look serves all pages. What takes long to answer is seldom news: a study that runs on this machine shall
not pay for being looked at.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

from .watch import Times

LOOK_SECONDS = 1.0
"""How often it is looked whether something has changed."""

SHARE = 0.05
"""Of the time that one kind of answer may take."""

ALIVE_SECONDS = 15.0
"""How often a connection without news is written to: that is how a page that has gone is found out."""


class News:
    """By name, how often something has changed since the server began.

    Args:
        looks: name → a function of the folder that differs when something has changed.
        is_over: whether the server ends, and with it every stream.
    """

    def __init__(
        self, results: Path, looks: Mapping[str, Callable[[Path], Times]], *, is_over: Callable[[], bool]
    ) -> None:
        self.results = results
        self.is_over = is_over
        self.editions = dict.fromkeys(looks, 1)
        self._looks = dict(looks)
        self._seen = {name: look(results) for name, look in looks.items()}
        self._told_at = dict.fromkeys(looks, -float("inf"))
        self._seconds = dict.fromkeys(looks, 0.0)
        self._warm: set[str] = set()

    def look(self) -> None:
        """Look whether something has changed, and is to be told by now."""
        now = time.monotonic()
        for name, changed in self._looks.items():
            if now - self._told_at[name] < self._seconds[name] / SHARE:
                continue
            there = changed(self.results)
            if there != self._seen[name]:
                self._seen[name], self._told_at[name] = there, now
                self.editions[name] += 1

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """How long the answer to this news takes; the first one, which starts a process, does not count."""
        began = time.monotonic()
        yield
        if name in self._warm:
            self._seconds[name] = time.monotonic() - began
        self._warm.add(name)

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events by the names of what is new, all of them at first.

        Ends when the server does; when the page has gone, at the next write.
        """
        told: dict[str, int] = {}
        written = time.monotonic()
        while not self.is_over():
            new = [name for name, edition in self.editions.items() if told.get(name) != edition]
            told = dict(self.editions)
            if new or time.monotonic() - written >= ALIVE_SECONDS:
                written = time.monotonic()
                yield "".join(f"event: {name}\ndata: {told[name]}\n\n" for name in new) or ": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)

    async def keep_looking(self) -> None:
        """Look until the server ends."""
        while not self.is_over():
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_SECONDS)

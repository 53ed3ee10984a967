"""Processes that answer: what one of them takes, memory or time, the server and the others do not feel."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

from .answering import Plain

LOST = "the process that was to answer has died: was there not enough memory?"

TOO_LONG = "it took too long and was ended"


class Workers:
    """So many processes for one kind of question; they are started when first asked and again when lost.

    Args:
        seconds: an answer that takes longer is given up, and its process ended.
    """

    def __init__(self, count: int, *, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._pool: ProcessPoolExecutor | None = None
        self._spawning = _Spawning()
        self._turns = asyncio.Semaphore(count)

    async def answer(self, answering: Callable[..., Plain], *args: Any) -> Plain:
        """What a function of `answering` returns; {problem} where its process dies, or is ended for taking
        too long.
        """
        async with self._turns:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(self._count, self._spawning, initializer=_prepare)
            pool = self._pool
            try:
                loop = asyncio.get_running_loop()
                return await asyncio.wait_for(loop.run_in_executor(pool, answering, *args), self._seconds)
            except (BrokenProcessPool, TimeoutError) as error:
                if self._pool is pool:
                    self.stop()
                return {"problem": LOST if isinstance(error, BrokenProcessPool) else TOO_LONG}

    def stop(self) -> None:
        """End the processes, whatever they are at: they only read, and nobody waits for them any more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        for process in self._spawning.started:
            process.terminate()
        self._spawning.started.clear()


class _Spawning(SpawnContext):
    """Keeps what it has started, which a pool does not tell."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]
        """As a pool asks for it."""
        process = SpawnProcess(*args, **kwargs)
        self.started = [*(one for one in self.started if one.is_alive()), process]
        return process


def _prepare() -> None:
    """Ctrl-C in the terminal reaches these processes too: it ends them, without a word."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:  # one that was killed has ended nothing
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: Any) -> None:
    with contextlib.suppress(OSError, ValueError):
        parent.join()
    os._exit(0)

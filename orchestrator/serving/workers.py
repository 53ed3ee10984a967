"""Processes that answer: what one of them takes, memory or time, the server and the others do not feel.

They are nice, have one thread each, and end when they have not been asked for a while.
"""

import asyncio
import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

from .answering import Plain

LOST = "the process that was to answer has ended, for lack of memory or because the server does"
TOO_LONG = "it took too long and was ended"

START_SECONDS = 300.0
"""The longest that a process may take to start."""

IDLE_SECONDS = 300.0
"""A process that was not asked for so long gives its memory back."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Worker:
    """A process for one kind of question; it is started when first asked and again when lost.

    Args:
        seconds: an answer that takes longer is given up, and the process ended.
        memory: bytes that it may come to hold, where the system can see to it.
    """

    def __init__(self, *, seconds: float, memory: int | None = None) -> None:
        self._seconds = seconds
        self._memory = memory
        self._pool: ProcessPoolExecutor | None = None
        self._context = _Spawning()
        self._turn = asyncio.Lock()
        self._asked_at = 0.0

    async def answer(self, answering: Callable[..., Plain], *args: Any) -> Plain:
        """What a function returns; {problem} where its process dies, is ended, or has a bug."""
        async with self._turn:
            self._asked_at = time.monotonic()
            try:
                if self._pool is None:
                    try:
                        await asyncio.wait_for(self._start(answering.__module__), START_SECONDS)
                    except BaseException:  # whoever asked may have gone: half-started it is no use
                        self.stop()
                        raise
                answered = asyncio.get_running_loop().run_in_executor(self._pool, answering, *args)
                return await asyncio.wait_for(answered, self._seconds)
            except BrokenProcessPool:
                self.stop()
                return {"problem": LOST}
            except TimeoutError:
                self.stop()
                return {"problem": TOO_LONG}
            except Exception as error:  # a bug: for whoever watches the terminal, and the page goes on
                traceback.print_exception(error, file=sys.stderr)
                return {"problem": f"this is a bug of orch: {type(error).__name__}: {error}"}
            finally:
                self._asked_at = time.monotonic()

    def _start(self, module: str) -> asyncio.Future[None]:
        """Start the process and have it import what it is to answer with: beside a study that takes long, and
        is no part of an answer."""
        settings = (self._memory,)
        self._pool = ProcessPoolExecutor(1, self._context, initializer=_prepare, initargs=settings)
        with _uninterrupted():  # it hears of Ctrl-C from the server alone
            return asyncio.get_running_loop().run_in_executor(self._pool, _import, module)

    def rest(self) -> None:
        """End the process if it was not asked for long."""
        if not self._turn.locked() and time.monotonic() - self._asked_at > IDLE_SECONDS:
            self.stop()

    def stop(self) -> None:
        """End the process, whatever it is at: nobody waits for it any more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        for process in self._context.started:
            with contextlib.suppress(AttributeError, OSError, ValueError):  # that could not be started
                process.terminate()
        self._context.started.clear()


class _Spawning(SpawnContext):
    """Keeps what it has started, which a pool does not tell."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]
        """As a pool asks for it."""
        process = SpawnProcess(*args, **kwargs)
        self.started.append(process)
        return process


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """A process started in here ignores Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _import(module: str) -> None:
    importlib.import_module(module)


def _prepare(memory: int | None) -> None:
    """Make this process one that does not disturb, and ends with its server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Before anything that counts is imported: idle threads of a busy machine spin.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)
    if memory is not None:
        with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    parent = multiprocessing.parent_process()
    if parent is not None:  # one that was killed has ended nothing
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: Any) -> None:
    with contextlib.suppress(OSError, ValueError):
        parent.join()
    os._exit(0)

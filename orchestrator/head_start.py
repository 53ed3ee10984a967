"""Data of systems, made in processes of their own while the driver starts Ray.

A head start and no more: what fails there, or cannot be started, the driver does itself, and tells.
"""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from . import systems
from .cluster import cpus


@contextlib.contextmanager
def head_start(names: Iterable[str], cache: Path) -> Iterator[Callable[[], object]]:
    """Begin with the data that the cache lacks of these systems, on as many cores as there are.

    Raises:
        DataError: a recording cannot be read, which is known before anything is begun.

    Yields:
        What waits until all is there that comes so; what is lacking then must be made by whoever needs it.
    """
    from .systems.dataset import cache_path

    lacking = [name for name in names if not cache_path(systems.get(name), cache).exists()]
    for system in map(systems.get, lacking):
        if isinstance(system, systems.Recorded):
            try:
                system.read()
            except OSError as error:
                raise systems.DataError(f"{system.name} cannot be read: {error}") from None
    orders = [{"system": name, "cache": str(cache), "own": systems.held({name})} for name in lacking]
    here = Path.cwd()  # it is another for a moment while Ray starts
    running: list[subprocess.Popen[bytes]] = []
    over = threading.Event()

    def make(order: bytes) -> None:
        with contextlib.suppress(OSError):
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],  # -P: nothing is imported from the user's folder
                cwd=here, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            running.append(process)
            if over.is_set():
                process.terminate()
            process.communicate(order)

    with ThreadPoolExecutor(cpus(), thread_name_prefix="head-start") as pool:
        begun = [pool.submit(make, json.dumps(order).encode()) for order in orders]
        try:
            yield lambda: wait(begun)
        finally:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running):
                process.terminate()


def _make() -> None:
    from .systems.dataset import load

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leaving nothing half-written
    order = json.load(sys.stdin)
    systems.hold_as(order["own"])
    load(order["system"], cache=Path(order["cache"]))


if __name__ == "__main__":
    _make()

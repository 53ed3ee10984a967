"""An agenda on Ray Tune: one Tune trial per stack, placed on cores and GPUs.

Ray is the placement engine and nothing else; a Tuner is always fresh and its state is thrown away.
"""

import contextlib
import os
import shutil
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import systems
from .agenda import Agenda
from .identity import canonical_json
from .running import is_process
from .stacking import Stack

if TYPE_CHECKING:
    from .callback import StackCallback

RETRIES = 5
"""How often a stack whose worker was lost is started again: enough to cut one of twenty to single ones."""


def fit(agenda: Agenda, callback: "StackCallback") -> bool:
    """Run what an agenda has to hand out, until there is nothing or it is stopped; whether by the user."""
    from ray import tune

    from .searcher import StackSearcher
    from .systems.raw import data_folder
    from .worker import train_stack

    results, placement = callback.results, callback.placement

    def payload(stack: Stack) -> str:
        return canonical_json(
            {
                "trials": [trial.config for trial in stack.trials],
                "rival": stack.rival.as_dict() if stack.rival else None,
                "results": str(results),
                "data": str(data_folder()),
                "own": systems.held({trial.system for trial in stack.trials}),
                "threads": placement.threads,
                "gpus": placement.gpus_per_trial,
                "anew": callback.anew,
            }
        )

    resources = {"cpu": placement.cpus_per_trial or 1.0, "gpu": placement.gpus_per_trial or 0.0}
    state = results / ".ray"
    _remove_leftovers(state)
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    tuner = tune.Tuner(
        tune.with_resources(train_stack, resources),
        tune_config=tune.TuneConfig(
            search_alg=StackSearcher(agenda, payload), num_samples=-1, reuse_actors=True
        ),
        run_config=tune.RunConfig(
            name=name,
            storage_path=str(state),
            verbose=0,
            callbacks=[callback],
            stop=callback.brake,
            failure_config=tune.FailureConfig(max_failures=RETRIES),
        ),
    )
    try:
        with sigterm_as_interrupt():
            before = signal.getsignal(signal.SIGINT)
            tuner.fit()
            # Tune hears of the first one itself, and puts back what it found.
            in_main = threading.current_thread() is threading.main_thread()
            return in_main and signal.getsignal(signal.SIGINT) is before
    finally:
        shutil.rmtree(state / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            state.rmdir()


def _remove_leftovers(state: Path) -> None:
    """Remove what Tune wrote for drivers of this machine that were killed."""
    for folder in state.glob(f"{socket.gethostname()}-*-*"):
        pid = folder.name.split("-")[-2]
        if pid.isdigit() and not is_process(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does (Tune stops its loop on SIGINT and cleans up)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: Any) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, end)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)

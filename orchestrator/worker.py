"""What runs in a worker: how its process is set up, and Ray Tune's trainable, which trains one stack."""

import json
import os
import time
from pathlib import Path
from typing import Any

from . import begun, provenance, systems
from .identity import trial_from_config
from .pruning import Rival

REPORT_SECONDS = 1.0
"""How often a worker says how far it is: more often would cost Tune more than it tells."""


def prepare(*, threads: int, gpus: float = 0.0) -> str:
    """Set up this process for training stacks; returns the device to use.

    One torch thread per core that was assigned: a stack's operations are too small to share out.

    Raises:
        RuntimeError: a GPU was assigned and this torch cannot use one.
    """
    import torch

    provenance.collect()  # now, so that it tells of the code that runs and not of a later edit
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")  # whatever the environment says of shorter products
    # Libraries keep so much for every stream: by default four times as much on some GPUs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:2:16:8")
    if gpus > 0 and not torch.cuda.is_available():
        raise RuntimeError("a GPU was assigned, but this installation of torch has no CUDA")
    if 0 < gpus < 1:
        torch.cuda.set_per_process_memory_fraction(gpus)  # its share, so that others have theirs
    return "cuda" if gpus > 0 else "cpu"


def _leave_if_broken() -> None:
    """End this process where an earlier stack's error has cost it its GPU for good: another is started."""
    import torch

    try:
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.synchronize()
    except RuntimeError:
        os._exit(1)


def train_stack(config: dict[str, Any]) -> None:
    """Ray Tune's trainable: one stack, in a worker that is used again for the next one."""
    from ray import tune

    from .trial import run_parts, run_stack

    stack = json.loads(config["stack"])
    os.environ["ORCH_DATA"] = stack["data"]  # a worker's working directory is not the user's
    systems.hold_as(stack["own"])  # as they were when the study was planned
    _leave_if_broken()
    device = prepare(threads=stack["threads"], gpus=stack["gpus"])
    rival = Rival.from_dict(stack["rival"]) if stack["rival"] else None
    trials = [trial_from_config(item) for item in stack["trials"]]
    last = time.monotonic()

    def report(epoch: int) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_SECONDS:
            last = time.monotonic()
            tune.report({"epoch": epoch})

    results = Path(stack["results"])
    ids = [trial.trial_id for trial in trials]
    parts = begun.parts(results, ids)
    how: dict[str, Any] = {"device": device, "progress": report, "rival": rival, "anew": stack["anew"]}
    if parts > 1:
        outcome = run_parts(trials, parts, results=results, **how)
    else:
        outcome = run_stack(trials, results=results, **how)
    if "pruned" not in outcome.statuses:
        begun.forget(results, ids)
    rows = json.dumps(outcome.rows, allow_nan=True)
    last_report = {"epoch": trials[0].training.epochs, "statuses": outcome.statuses, "rows": rows}
    tune.report(last_report | ({"error": outcome.error} if outcome.error else {}))

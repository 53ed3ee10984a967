"""Ray as a place to run: started or joined, what it has, and how many stacks fit."""

import contextlib
import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import OrchError, UsageError


@dataclass(frozen=True)
class Placement:
    """Where stacks run."""

    cpus_per_trial: float | None = None
    """None: one, or beside GPUs an even share of the cores, which measure what GPUs train."""
    gpus_per_trial: float | None = None
    """None: a SHARE where there are GPUs that torch can use, else none."""
    address: str | None = None
    """Address of an existing Ray cluster; None for one embedded in this process."""

    @property
    def threads(self) -> int:
        """Of each stack."""
        return max(1, int(self.cpus_per_trial or 1))


@contextlib.contextmanager
def cluster(placement: Placement) -> Iterator[dict[str, float]]:
    """A running Ray and its resources; one that was running before is used and left running."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # no usage ping
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"  # five files a trial that nobody reads
    os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # the new output prints a table whatever the verbosity
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if placement.address is not None:
        _check_reachable(placement.address)
        if (Path.home() / ".ray" / "auth_token").exists():
            # `ray start` protects a cluster by this token; a client must be told to show it.
            os.environ.setdefault("RAY_AUTH_MODE", "token")
    import ray

    if ray.is_initialized():
        yield _resources()
        return
    settings: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False}
    if placement.address is None:
        # "local": a RAY_ADDRESS in the environment is for those who ask for it by --address.
        settings |= {"address": "local", "num_cpus": cpus(), "object_store_memory": 200 * 2**20}
    else:
        settings = {"address": placement.address, "log_to_driver": False}
    with tempfile.TemporaryDirectory(prefix="orch-") as nothing, _own_token(placement):
        try:
            # Ray puts the working directory on its workers' import path, where a user's folder could
            # shadow a package. Started from an empty folder it finds nothing there to import.
            with contextlib.chdir(nothing):
                ray.init(logging_level=logging.ERROR, configure_logging=True, **settings)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            where = f"the Ray cluster at {placement.address}" if placement.address else "Ray"
            raise OrchError(f"{where} cannot be reached or started: {str(error).splitlines()[0]}") from error
        except SystemExit:  # while it starts SIGTERM is Ray's to answer, and this is what it says
            raise KeyboardInterrupt from None
        for name in ("ray.tune", "ray.train", "ray._private", "ray"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            yield _resources()
        finally:
            ray.shutdown()


@contextlib.contextmanager
def _own_token(placement: Placement) -> Iterator[None]:
    """A token for a cluster of this process alone: else Ray writes one into the home folder, which not every
    container has.
    """
    known = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    if placement.address is not None or known:
        yield
        return
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        yield
    finally:
        os.environ.pop("RAY_AUTH_TOKEN", None)


def _resources() -> dict[str, float]:
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources


def check_here(placement: Placement) -> None:
    """Whether what is asked for is on this machine, before Ray, which takes seconds, is started.

    Raises:
        UsageError: it is not.
    """
    if placement.address is not None:
        return
    gpus = 0.0
    if placement.gpus_per_trial:
        import torch

        gpus = torch.cuda.device_count()
    slots_of({"CPU": cpus(), "GPU": gpus}, placement)


def _check_reachable(address: str) -> None:
    """Try a cluster's port before Ray does, which would try a wrong one for many minutes.

    Raises:
        UsageError: nothing listens there. Addresses without a port, such as `auto`, are left to Ray.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise UsageError(f"--address {address}: no Ray cluster answers there ({error})") from None


def cpus() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


SHARE = 0.33
"""Of a GPU for each stack, where nothing is asked for: one alone leaves it waiting while it is measured."""


def settled(resources: dict[str, float], placement: Placement) -> Placement:
    """What is placed where nothing was asked for, in these resources."""
    gpus = _gpus_of(resources, placement)
    cpus = placement.cpus_per_trial
    if cpus is None:
        at_once = _at_once(resources.get("GPU", 0.0), gpus) if gpus else 0
        # A cluster's cores may be on machines that have no GPU.
        share = at_once and placement.address is None
        cpus = max(1.0, resources.get("CPU", 1.0) // at_once) if share else 1.0
    return replace(placement, cpus_per_trial=cpus, gpus_per_trial=gpus)


def _gpus_of(resources: dict[str, float], placement: Placement) -> float:
    if placement.gpus_per_trial is not None:
        return placement.gpus_per_trial
    if resources.get("GPU", 0) < 1:
        return 0.0
    if placement.address is None:
        import torch

        return SHARE if torch.cuda.is_available() else 0.0
    return SHARE


def _at_once(there: float, wanted: float) -> int:
    """How many fit; several share one where they want less than one."""
    return int(there // wanted if wanted >= 1 else there // 1 * (1 // wanted))


def slots_of(resources: dict[str, float], placement: Placement) -> int:
    """Stacks that can run at once.

    Raises:
        UsageError: not even one.
    """
    slots = float("inf")
    for what, wanted in (("CPU", placement.cpus_per_trial), ("GPU", placement.gpus_per_trial)):
        if wanted:
            there = resources.get(what, 0.0)
            if there < wanted:
                option = f"--{what.lower()}s-per-trial {wanted:g}"
                raise UsageError(f"{option}: there are {there:g} {what}s")
            slots = min(slots, _at_once(there, wanted))
    return int(slots) if slots != float("inf") else 1

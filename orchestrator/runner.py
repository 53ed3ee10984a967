"""Running a plan on Ray Tune: one Tune trial per stack, placed on cores and GPUs.

Ray is the placement engine and nothing else. What is to be run is a set difference over identities
(`plan`), what was run is in the journal; a Tuner is always fresh and its state is thrown away.
"""

import contextlib
import functools
import os
import shutil
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import begun, systems
from .agenda import Agenda, GridSource, Source, Stack
from .cluster import Placement, cluster, settled, slots_of
from .errors import OrchError
from .identity import Trial, canonical_json
from .memory import prior_of
from .plan import Plan
from .prior import Prior
from .progress import Progress
from .recording import record_study, record_systems, trials_of
from .running import beacon
from .search import Search
from .search_source import SearchSource
from .sharing import Share
from .stacking import stack_limit
from .store import Store

if TYPE_CHECKING:
    from .callback import StackCallback

WAIT_SECONDS = 1.0
"""How often it is looked whether other runs have let go of what they had. Tune would look too, but for ten
minutes at a time, and hear of nothing else meanwhile."""

RETRIES = 3
"""How often a stack whose worker was lost is started again: enough to cut one of five to single networks."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    statuses: dict[str, int]
    """Trials by status, of this run."""
    interrupted: bool
    by_others: dict[str, int] = field(default_factory=dict)
    """Trials that were to be run and that other runs in the folder have ended meanwhile, by status."""
    stopped_because: str | None = None
    """Why the study was stopped before its end, if not by the user."""


def run(plan: Plan, *, results: Path, placement: Placement, progress: Progress) -> Outcome:
    """Run what a plan lacks, journal it, and keep the database up to date meanwhile.

    Returns when everything has a row, or after Ctrl-C (SIGINT) or SIGTERM, with what finished kept.

    Raises:
        UsageError: the resources asked for are not there.
        OrchError: the results folder cannot be written, or Ray cannot be started.
    """
    store, since = Store(results), time.time()
    if not plan.missing and not plan.further:
        _record(plan, results, store, progress)
        begun.sweep(results, store.finished)
        return Outcome({}, interrupted=False)
    before: dict[str, Any] = {"total": plan.missing, "done": 0, "seconds_left": None, "stacks": []}
    with (
        beacon(results, plan.study.name, plan.study.definition_id, lambda: before) as lit,
        contextlib.closing(Share(store, lit.name, since=since)) as shared,
    ):
        shared.look()
        priors = _record(plan, results, store, progress)
        _say_without_compiler(progress)
        progress.note("starting Ray")
        with cluster(placement) as resources:
            from .callback import StackCallback

            placement = settled(resources, placement)
            slots = slots_of(resources, placement)
            gpu = bool(placement.gpus_per_trial)
            sources = _sources(plan, priors, store, progress, share=shared, slots=slots, gpu=gpu)
            agenda = Agenda(sources, slots=slots, share=shared)
            progress.start(total=agenda.left, epochs=plan.study.training.epochs, slots=slots)
            lit.tell(progress.state)
            callback = StackCallback(
                results=results, progress=progress, store=store, agenda=agenda, share=shared
            )
            try:
                interrupted = _go_through(agenda, callback, results=results, placement=placement)
            finally:
                progress.stop()
    _ingest_patiently(store, progress)
    begun.sweep(results, store.finished)
    why = callback.brake.reason
    return Outcome(
        dict(progress.statuses),
        interrupted=interrupted and why is None,
        by_others=dict(agenda.by_others),
        stopped_because=why,
    )


def _record(plan: Plan, results: Path, store: Store, progress: Progress) -> list[Prior | None]:
    """Prepare and journal what a study is about; the priors of its searches, None where nothing is left to
    search."""
    try:
        if plan.missing or plan.further:
            progress.note("preparing " + ", ".join(plan.study.systems))
            record_systems(plan, results)
        priors = [
            _prior(planned.search, store, progress) if planned.missing else None for planned in plan.searches
        ]
        record_study(plan.study, trials_of(plan), results)
    except OSError as error:
        raise OrchError(f"{results} cannot be written: {error.strerror}") from None
    store.ingest()
    return priors


def _say_without_compiler(progress: Progress) -> None:
    """Tensor operations alone give the same and take several times as long: to be known."""
    from .compiler import NoCompilerError, compiler

    try:
        compiler()
    except NoCompilerError as error:
        progress.note(
            f"{error}; training and evaluation take about four times as long without one (CC names one)"
        )


def _prior(search: Search, store: Store, progress: Progress) -> Prior:
    """The prior of a search; told where other systems have moved it.

    Raises:
        OrchError: nothing predicts τ.
    """
    prior, others = prior_of(search, store)
    first = search.first
    if prior.centre is not None and not prior.low <= prior.centre <= prior.high:
        progress.note(
            f"{first.system} · {first.architecture.name}: τ is expected at {prior.centre:.3g}, outside of "
            f"{prior.low} to {prior.high}, where it is searched"
        )
    if others:
        told = ", ".join(f"{ratio:.2g} on {system}" for system, ratio in others.items())
        progress.note(
            f"{first.system} · {first.architecture.name}: best τ/τ_pred {told}; "
            f"the search is centred at {prior.spread(0)}"
        )
    return prior


def _sources(
    plan: Plan,
    priors: Sequence[Prior | None],
    store: Store,
    progress: Progress,
    *,
    share: Share,
    slots: int,
    gpu: bool,
) -> list[Source]:
    """All that a plan wants run; `priors` are those of its searches, None where nothing is left to search."""

    def asked(trials: Sequence[Trial]) -> None:
        try:
            record_study(plan.study, [trial.trial_id for trial in trials], store.results)
        except OSError as error:  # what is found there next time is counted in then
            progress.note(f"trials could not be noted down as the study's: {error.strerror}")

    hooks: dict[str, Any] = {"limit": stack_limit(gpu=gpu), "note": progress.note, "asked": asked}
    sources: list[Source] = [GridSource(plan.stacks(slots=slots, gpu=gpu))]
    for planned, prior in zip(plan.searches, priors, strict=True):
        if prior is not None:
            news = functools.partial(share.recall, plan.study.name, planned.search)
            sources.append(SearchSource(planned.search, prior, planned.knowledge, news=news, **hooks))
    precision = plan.precision(**hooks)
    return [*sources, *([precision] if precision else [])]


def _go_through(agenda: Agenda, callback: "StackCallback", *, results: Path, placement: Placement) -> bool:
    """Run an agenda to its end, or until it is stopped; whether by the user."""
    try:
        with _sigterm_as_interrupt():
            while True:
                if agenda.wake() and _fit(agenda, callback, results=results, placement=placement):
                    return True
                if callback.brake.reason or not agenda.waits:
                    return not agenda.over
                callback.wait()
                time.sleep(WAIT_SECONDS)
    except KeyboardInterrupt:
        return True


def _fit(agenda: Agenda, callback: "StackCallback", *, results: Path, placement: Placement) -> bool:
    """Run what an agenda has to hand out, until there is nothing or it is stopped; whether by the user."""
    from ray import tune

    from .searcher import StackSearcher
    from .systems.raw import data_folder
    from .worker import train_stack

    def payload(stack: Stack) -> str:
        return canonical_json(
            {
                "trials": [trial.config for trial in stack.trials],
                "rival": stack.rival.as_dict() if stack.rival else None,
                "results": str(results),
                "data": str(data_folder()),
                "own": systems.held({trial.system for trial in stack.trials}),
                "threads": max(1, int(placement.cpus_per_trial or 1)),
                "gpus": placement.gpus_per_trial,
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
        with _sigterm_as_interrupt():
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
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # someone else's
    return True


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
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


def _ingest_patiently(store: Store, progress: Progress, *, seconds: float = 10.0) -> None:
    """Bring the database up to date at the end; a foreign reader may hold it for a while."""
    deadline = time.monotonic() + seconds
    while store.ingest() is None:
        if time.monotonic() > deadline:
            progress.note(
                f"{store.database} is held open by another process; the results are safe in {store.journal} "
                "and enter the database with the next run"
            )
            return
        time.sleep(0.2)

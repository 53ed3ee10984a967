"""Running a plan: what is prepared and noted down before, and what is waited for, until everything has a row.

What is to be run is a set difference over identities (`plan`), what was run is in the journal.
"""

import contextlib
import functools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import begun, provenance, tuning
from .agenda import Agenda, GridSource, Source
from .cluster import Placement, check_here, cluster, settled, slots_of
from .errors import OrchError
from .head_start import head_start
from .identity import Trial
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
        DataError: the data of a system cannot be had.
        OrchError: nothing predicts a τ that is searched, the results folder cannot be written, or Ray cannot
            be started.
    """
    store, since = Store(results), time.time()
    if not plan.missing and not plan.further:
        try:
            _record_study(plan, store)
            begun.sweep(results, store.finished)
        except OrchError as error:  # there is nothing to lose, and still something to report
            progress.note(str(error))
        return Outcome({}, interrupted=False)
    check_here(placement)
    before: dict[str, Any] = {"total": plan.missing, "done": 0, "seconds_left": None, "stacks": []}
    with (
        tuning.sigterm_as_interrupt(),
        beacon(
            results,
            plan.study.name,
            plan.study.definition_id,
            lambda: before,
            code=provenance.code_of(plan.study.representatives()),
        ) as lit,
        contextlib.closing(Share(store, lit.name, since=since, retry=plan.retry)) as shared,
    ):
        shared.look()
        compiled = _has_compiler(progress)
        progress.note(f"preparing {', '.join(plan.study.systems)} and starting Ray")
        with contextlib.ExitStack() as until_then:
            prepared = until_then.enter_context(head_start(plan.study.systems, results / "systems"))
            _record_study(plan, store)  # what cannot be written, or is not there, is told at once
            resources = until_then.enter_context(cluster(placement))
            until_then.enter_context(tuning.sigterm_as_interrupt())  # Ray has put its own in place
            from .callback import StackCallback

            gpus_asked, placement = placement.gpus_per_trial, settled(resources, placement)
            if placement.gpus_per_trial == 0 and resources.get("GPU", 0) >= 1 and gpus_asked is None:
                progress.note("there is a GPU, but this torch cannot use it: all runs on the CPU")
            slots = slots_of(resources, placement)
            prepared()
            with _writing(store):
                record_systems(plan, results)
            sources = _sources(
                plan, store, progress, share=shared, slots=slots, placement=placement, compiled=compiled
            )
            agenda = Agenda(sources, slots=slots, share=shared)
            progress.start(total=agenda.left, slots=slots)
            lit.tell(progress.state)
            callback = StackCallback(
                results=results,
                progress=progress,
                store=store,
                agenda=agenda,
                share=shared,
                placement=placement,
                anew=plan.retry.stale,
            )
            try:
                interrupted = _go_through(agenda, callback)
            finally:
                progress.stop()
    _ingest_patiently(store, progress)
    begun.sweep(results, store.finished)
    return Outcome(
        dict(progress.statuses),
        interrupted=interrupted,
        by_others=dict(agenda.by_others),
        stopped_because=callback.brake.reason,
    )


def _record_study(plan: Plan, store: Store) -> None:
    with _writing(store):
        record_study(plan.study, trials_of(plan), store.results)


@contextlib.contextmanager
def _writing(store: Store) -> Iterator[None]:
    """Something is journalled, and then taken into the database.

    Raises:
        OrchError: the results folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise OrchError(f"{store.results} cannot be written: {error.strerror}") from None
    store.ingest()


def _has_compiler(progress: Progress) -> bool:
    """Whether there is one; said where not, as tensor operations alone take several times as long."""
    from .compiler import why_no_compiler

    why = why_no_compiler()
    if why:
        progress.note(
            f"{why}; training and evaluation take about four times as long without one (CC names one)"
        )
    return why is None


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
    store: Store,
    progress: Progress,
    *,
    share: Share,
    slots: int,
    placement: Placement,
    compiled: bool,
) -> list[Source]:
    """All that a plan wants run.

    Raises:
        OrchError: nothing predicts τ for one of its searches.
    """

    def asked(trials: Sequence[Trial]) -> None:
        try:
            record_study(plan.study, [trial.trial_id for trial in trials], store.results)
        except OSError as error:  # what is found there next time is counted in then
            progress.note(f"trials could not be noted down as the study's: {error.strerror}")

    gpu = bool(placement.gpus_per_trial)
    hooks: dict[str, Any] = {"limit": stack_limit(gpu=gpu), "note": progress.note, "asked": asked}
    stacks = plan.stacks(slots=slots, gpu=gpu, threads=placement.threads, compiled=compiled)
    sources: list[Source] = [GridSource(stacks)]
    for planned in plan.searches:
        if planned.missing:
            prior = _prior(planned.search, store, progress)
            news = functools.partial(share.recall, plan.study.name, planned.search)
            own: dict[str, Any] = {"news": news, "whole": plan.retry.stale}
            sources.append(SearchSource(planned.search, prior, planned.knowledge, **own, **hooks))
    precision = plan.precision(**hooks)
    return [*sources, *([precision] if precision else [])]


def _go_through(agenda: Agenda, callback: "StackCallback") -> bool:
    """Run an agenda to its end, or until it is stopped; whether by the user."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            if agenda.wake() and tuning.fit(agenda, callback):
                break
            if callback.brake.reason or not agenda.waits:
                break
            callback.wait()
            time.sleep(WAIT_SECONDS)
    return not agenda.over and callback.brake.reason is None


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

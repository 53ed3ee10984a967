"""Runs that share a results folder: each trial is trained by one of them, whoever is killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from orchestrator import begun, catalogue, journal, running
from orchestrator.agenda import Agenda, GridSource
from orchestrator.identity import Trial
from orchestrator.knowledge import Knowledge, Proposal, Seen
from orchestrator.memory import recall
from orchestrator.recording import record_study
from orchestrator.retrying import NOTHING, Retry
from orchestrator.search_source import SearchSource
from orchestrator.sharing import Share
from orchestrator.stacking import Stack, Taken
from orchestrator.store import Store
from orchestrator.study import load

SEARCHED = 'regimes={sparse_forcing={tau={search="lyapunov", trials=7, seeds_per_trial=2}}}'
STATE = {"total": 1, "done": 0, "seconds_left": None, "stacks": []}


class Runs:
    """Runs in one folder, all in this process, each with an agenda of its own."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.journalled = 0
        with running.beacon(results, "mine", "d", lambda: STATE) as lit:
            self._told = json.loads(lit.path.read_bytes())

    def alive(self, name: str, *, pid: int = os.getpid()) -> Path:
        path = self.results / ".running" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(self._told | {"pid": pid}))
        return path

    def share(self, name: str, *, retry: Retry = NOTHING) -> Share:
        self.alive(name)
        return Share(Store(self.results), name, since=time.time() - 60, retry=retry)

    def side_by_side(self, *sources: list[Any]) -> tuple[list[Agenda], list[str]]:
        """Run after run is handed a stack, all these end, and so on to the end; what was handed out."""
        shares = [self.share(f"{place}") for place in range(len(sources))]
        agendas = [Agenda(own, slots=2, share=part) for own, part in zip(sources, shares, strict=True)]
        handed: list[str] = []
        for turn in range(100):
            for part in shares:
                part.look()
            out = [(agenda, stack) for agenda in agendas if (stack := agenda.next(f"{turn}")) is not None]
            for agenda, stack in out:
                self.journal(stack.trials)
                handed += [trial.trial_id for trial in stack.trials]
                agenda.ended(f"{turn}", [Seen(t.tau or 0, t.seed, 1.5, "ok") for t in stack.trials])
            if all(agenda.over for agenda in agendas):
                break
        return agendas, handed

    def checkpoint(self, trial_ids: list[str]) -> None:
        said = {"trial_ids": json.dumps(trial_ids), "epoch": "3", "code_fingerprint": "", "device": "cpu"}
        path = begun.checkpoint_path(self.results, trial_ids)
        path.parent.mkdir(exist_ok=True)
        save_file({"state": np.zeros(1)}, path, metadata=said)

    def journal(self, trials: list[Trial], status: str = "ok", *, ago: float = 0.0) -> None:
        now = datetime.fromtimestamp(time.time() - ago, UTC)
        rows = [
            {"trial_id": t.trial_id, "cell_id": t.cell_id, "seed": t.seed, "tau": t.tau, "status": status,
             "failure": "bug" if status == "failed" else None, "d_stsp": 1.5, "finished_at": now}
            for t in trials
        ]  # fmt: skip
        self.journalled += 1
        journal.write(self.results / "journal", "trials", f"{self.journalled}", rows)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


GRID = ("seeds.count=4", "regimes.sparse_forcing.tau=[5, 10, 20]")


def a_grid(*overrides: str, apart: bool = False) -> list[Stack]:
    study = load(catalogue.find("lorenz_smoke"), overrides or GRID)
    return [Stack([cell.with_seed(s) for s in study.seeds], apart=apart) for cell in study.cells()]


@pytest.mark.parametrize("apart", [False, True])
def test_each_trial_of_a_grid_is_handed_out_once(runs: Runs, apart: bool) -> None:
    """Two runs in step, which cut their stacks otherwise; each takes what the other has ended for ended."""
    stacks = a_grid(apart=apart)
    halves = [
        half for stack in stacks for half in (stack.of(stack.trial_ids[:2]), stack.of(stack.trial_ids[2:]))
    ]
    agendas, handed = runs.side_by_side([GridSource(stacks)], [GridSource(halves)])
    assert sorted(handed) == sorted(trial.trial_id for stack in stacks for trial in stack.trials)
    assert len(handed) == sum(agenda.by_others.total() for agenda in agendas)
    assert not list((runs.results / ".running" / "claims").iterdir())


def test_a_stack_that_another_run_has_waits_until_that_run_is_gone(runs: Runs) -> None:
    [first, *_] = stacks = a_grid()[:1]
    theirs = runs.share("other")
    assert theirs.take(first) == Taken()
    ours = Agenda([GridSource(stacks)], slots=2, share=runs.share("one"))
    assert ours.next("a") is None and ours.waits == ours.left == 4 and not ours.over
    path = runs.alive("other", pid=2**22 + 1)  # no process has this number
    assert ours.nothing_comes and ours.wake() and not ours.nothing_comes
    handed = ours.next("b")
    assert handed == first and ours.waits == 0
    # The one that was taken for dead comes back: what is ours now it does not take away.
    theirs.give_back([trial.trial_id for trial in first.trials])
    path.unlink()
    third = Agenda([GridSource(stacks)], slots=2, share=runs.share("third"))
    assert third.next("c") is None
    runs.journal(first.trials[:3])
    ours.ended("b", [])  # its worker was lost, of which one trial has no row
    handed = third.next("c")
    assert handed is not None and handed.trials == first.trials[3:] and third.by_others == {"ok": 3}


def test_what_another_run_has_left_of_a_stack_is_taken_and_what_it_had_begun_stays_together(
    runs: Runs,
) -> None:
    [stack, *_] = a_grid(apart=True)
    part, rest = stack.of(stack.trial_ids[:3]), stack.of(stack.trial_ids[3:])
    theirs = runs.share("other")
    assert theirs.take(part) == Taken()
    ours = Agenda([GridSource([stack])], slots=4, share=runs.share("one"))
    first = ours.next("a")
    assert first == rest and ours.left == 4 and ours.next("b") is None
    runs.alive("other", pid=2**22 + 1)  # no process has this number
    runs.checkpoint(part.trial_ids[:2])
    second, third = ours.next("b"), ours.next("c")
    assert second is not None and second.trials == part.trials[:2]  # four slots, and yet they stay together
    assert third is not None and third.trials == part.trials[2:]
    for name in "abc":
        ours.ended(name, [])
    assert ours.over and not list((runs.results / ".running" / "claims").iterdir())


def test_a_search_hears_of_a_stack_whose_later_seeds_another_run_has_ended(runs: Runs) -> None:
    [search] = load(catalogue.find("lorenz_smoke"), [SEARCHED]).searches()
    asked_for = Knowledge({}, {(46, 0), (46, 1)})
    source = SearchSource(search, search.prior(46.05), asked_for, limit=5)
    first, second = search.trials(Proposal(46, (0, 1)))
    runs.alive("other")
    runs.journal([second])
    agenda = Agenda([source], slots=1, share=runs.share("one"))
    handed = agenda.next("a")
    assert handed is not None and handed.trials == [first]
    agenda.ended("a", [Seen(46, 0, 1.5, "ok")])
    assert source.knowledge.seen.keys() == {(46, 0), (46, 1)} and not source.knowledge.pending


@pytest.mark.parametrize(
    ("status", "ago", "searched", "stale", "counts"),
    [
        ("ok", 1e6, False, False, True),
        ("ok", 0, False, True, False),  # made by other code
        ("diverged", 1e6, False, False, True),
        ("failed", 0, False, False, True),
        ("failed", 1e6, False, False, False),  # the plan had it run again
        ("pruned", 0, True, False, True),
        ("pruned", 0, False, False, False),
    ],
)
def test_what_another_run_has_ended_counts_as_in_a_plan(
    runs: Runs, status: str, ago: float, searched: bool, stale: bool, counts: bool
) -> None:
    trials = a_grid()[0].trials
    runs.journal(trials, status, ago=ago)
    ours = runs.share("one", retry=Retry(stale=stale))
    stack = Stack(trials, searched=searched)
    assert ours.take(stack) == Taken()  # alone, nobody asks
    ours.give_back([trial.trial_id for trial in trials])
    runs.alive("other")
    ours.look()
    found = ours.take(stack).known
    assert bool(found) == counts and (not counts or len(found) == 4)
    ours.close()
    assert not (runs.results / ".running" / "claims").exists()


def test_searches_divide_their_budget(runs: Runs) -> None:
    """What one has asked for the others wait for, and ask for something else; what one ended, all know."""
    study = load(catalogue.find("lorenz_smoke"), [SEARCHED])
    [search] = study.searches()
    store = Store(runs.results)

    def asked(trials: Sequence[Trial]) -> None:
        record_study(study, [trial.trial_id for trial in trials], runs.results)

    def source() -> SearchSource:
        def news() -> Knowledge:
            return recall(store, study.name, [search])[0]

        return SearchSource(search, search.prior(46.05), Knowledge(), limit=5, asked=asked, news=news)

    _, handed = runs.side_by_side([source()], [source()], [source()])
    assert len(handed) == len(set(handed)) == 14  # seven evaluations of two


def test_an_interrupt_while_a_stack_is_claimed_loses_it_not(runs: Runs, monkeypatch: Any) -> None:
    [first, *_] = stacks = a_grid()[:1]
    share = runs.share("one")
    agenda = Agenda([GridSource(stacks)], slots=1, share=share)

    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(share, "take", interrupted)
        agenda.next("a")
    assert not agenda.over and agenda.left == 4
    handed = agenda.next("b")
    assert handed == first


@pytest.mark.slow
def test_two_commands_at_once_train_each_trial_once(orch: Any) -> None:
    """With real Ray, one stack at a time each; the one that is through first waits for the other."""
    more = ["--cpus-per-trial", "2", "--set", "seeds.count=6", "--set", "training.epochs=60"]
    processes = [orch.start("study", "run", "lorenz_smoke", *more) for _ in range(2)]
    try:
        said = [process.communicate(timeout=240) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], said
    files = journal.files(orch.results / "journal", "trials")
    ids = [trial_id for path in files for trial_id in pq.read_table(path)["trial_id"].to_pylist()]
    assert len(ids) == len(set(ids)) == 18
    assert all("Verdict" in out and "run by another run" in err for out, err in said)


@pytest.mark.slow
def test_a_run_that_waits_for_another_says_so_hears_ctrl_c_and_ends_with_it(orch: Any) -> None:
    runs = Runs(orch.results)
    trials = [
        t for cell in a_grid("seeds.count=2", "regimes.sparse_forcing.tau=[10, 30]") for t in cell.trials
    ]
    share = runs.share("other")
    share.take(Stack(trials))
    process = orch.start("study", "run", "lorenz_smoke")
    try:
        for waiting in (True, False):
            said = ""
            while "waiting for 6 trials of another run" not in said:
                runs.alive("other")
                said = process.stderr.readline()
                assert said
            if waiting:
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=20)
                assert process.returncode == 130 and "interrupted: 6 trials are still to be run" in err
                process = orch.start("study", "run", "lorenz_smoke")
        runs.journal(trials[:4])
        runs.journal(trials[4:], "failed")
        share.close()
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1 and "6 trials were run by another run" in err and "2 trials failed" in err

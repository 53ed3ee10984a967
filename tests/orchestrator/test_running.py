"""What a run tells of itself."""

from __future__ import annotations

import io
import json
import subprocess
import time
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator import catalogue, planning, provenance, running
from orchestrator.cli import study_run
from orchestrator.progress import Progress
from orchestrator.study import load

STATE = {"total": 1, "done": 0, "seconds_left": None, "stacks": []}


def test_another_run_is_seen_while_its_driver_lives(tmp_path: Path) -> None:
    assert running.beside(tmp_path, "mine") is None
    lit = running.Beacon(tmp_path, "mine", "d")  # one that tells when it is told to
    lit.tell(lambda: STATE)
    found = running.beside(tmp_path, "mine")
    assert found is not None and found.study == "mine"
    assert running.beside(tmp_path, "other") is None
    told = json.loads(lit.path.read_bytes())
    killed = subprocess.Popen(["true"])
    killed.wait()
    lit.path.write_text(json.dumps(told | {"pid": killed.pid}))
    assert running.beside(tmp_path, "mine") is None
    lit.path.write_text(json.dumps(told | {"pid": killed.pid, "processes": "elsewhere"}))
    assert running.beside(tmp_path, "mine") is not None
    lit.put_out()


def test_another_run_of_other_code_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = planning.plan_study("lorenz_smoke", tmp_path)
    ours = provenance.code_of(plan.study.representatives())
    assert {"shared", "lorenz63", "plrnn", "clipping", "sparse_forcing"} <= ours.keys()
    for code, told in (({}, False), (ours, False), ({**ours, "plrnn": "changed", "lstm": "else"}, True)):
        lit = running.Beacon(tmp_path, "lorenz_smoke", "d", code=code)
        lit.tell(lambda: STATE)
        study_run._say_beside(plan, tmp_path)
        err = capsys.readouterr().err
        assert "is being run here already" in err
        assert ("its code is not this one's (plrnn), and reports do not pool the two" in err) == told
        lit.put_out()


def test_the_time_left_is_at_the_pace_of_all_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what a checkpoint had done nor the start of workers counts."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = Progress(quiet=True)
    [members, others, *_] = [
        [cell.with_seed(seed) for seed in (0, 1)]
        for cell in load(catalogue.find("lorenz_smoke"), ["training.epochs=100"]).cells()
    ]
    progress.start(total=6, slots=2)
    progress.running("a", members, epoch=50)  # it goes on from there
    progress.running("b", others)
    now = 1010.0
    progress.epoch("b", 1)
    assert progress.state()["seconds_left"] is None
    now = 1020.0
    progress.epoch("a", 70)
    progress.epoch("b", 21)
    # In ten seconds 2 · 0.2 + 2 · 0.2 trials; 6 − 2 · 0.7 − 2 · 0.21 are left.
    assert progress.state()["seconds_left"] == pytest.approx(10 / 0.8 * 4.18)
    now = 1035.0
    progress.finished("a", {"ok": 2})
    assert progress.state()["seconds_left"] == pytest.approx(25 / 1.4 * (6 - 2 - 0.42))
    progress.tick(theirs=1, waits=0)  # another run in this folder has ended one meanwhile
    assert progress.state()["done"] == 3
    assert progress.state()["seconds_left"] == pytest.approx(25 / 2.4 * (5 - 2 - 0.42))


def test_a_run_says_at_once_that_it_waits_and_then_now_and_then() -> None:
    said = io.StringIO()
    progress = Progress(Console(file=said, width=80))
    for _ in range(3):
        progress.tick(theirs=0, waits=4)
    assert said.getvalue().count("waiting for 4 trials of another run") == 1


def test_the_time_left_of_stacks_that_end_sooner_than_they_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are heard of once, at their end, with their last epoch."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = Progress(quiet=True)
    [cell, *_] = load(catalogue.find("lorenz_smoke"), ["training.epochs=60"]).cells()
    progress.start(total=100, slots=1)
    now = 20.0  # the start of a worker
    for _ in range(21):
        progress.running("a", [cell])
        now += 0.5
        progress.epoch("a", 60)
        progress.finished("a", {"ok": 1})
    assert progress.state()["seconds_left"] == pytest.approx(0.5 * 79)

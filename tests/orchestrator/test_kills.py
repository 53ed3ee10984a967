"""Kill anything at any moment: nothing finished is lost or doubled, the rest runs as if nothing had been."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.store import NoResultsError, Store

STUDY = """
grid = { system = ["lorenz63"], architecture = ["rnn", "plrnn"] }
regimes = { sparse_forcing = { tau = [10, 30] }, clipping = {} }
seeds = { count = 60 }
training = { epochs = 40, batches_per_epoch = 5, sequence_length = 40 }
evaluation = { steps = 5000, checkpoints = 3 }
"""


PATTERNS = {"worker": r"ray::ImplicitFunc", "raylet": r"raylet/raylet "}
WEIGHTS = {"driver": 3, "worker": 5, "raylet": 2}
KILLS = 60


@pytest.mark.parametrize("stride", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_between_any_two_steps_of_write_rename_and_ingest(tmp_path, stride):
    crash = [sys.executable, str(Path(__file__).with_name("crash.py"))]
    whole = subprocess.run([*crash, str(tmp_path / "whole"), "0"], capture_output=True, text=True, check=True)
    steps = int(whole.stdout)
    assert steps > 30
    points = "SELECT trial_id, value FROM trials JOIN curves USING (trial_id) ORDER BY 1"
    with Store(tmp_path / "whole").reading() as (connection, _):
        undisturbed = connection.execute(points).fetchall()
    assert len(undisturbed) == 6
    # Two at a time: starting Python takes most of it.
    for first in range(1, steps + 1, 2 * stride):
        running = {
            n: subprocess.Popen([*crash, str(tmp_path / str(n)), str(n)], stdout=subprocess.DEVNULL)
            for n in (first, first + stride) if n <= steps
        }  # fmt: skip
        for n, process in running.items():
            assert process.wait(timeout=60) == -signal.SIGKILL, n
            store = Store(tmp_path / str(n))
            with contextlib.suppress(NoResultsError), store.reading() as (connection, _):
                found = connection.execute(points).fetchall()
                assert found in (undisturbed[:3], undisturbed, []), n
            subprocess.run([*crash, str(tmp_path / str(n)), "0"], capture_output=True, check=True)
            with store.reading() as (connection, _):
                assert connection.execute(points).fetchall() == undisturbed, n


def children(parent: int, pattern: str) -> list[int]:
    """Processes below `parent` whose command line matches."""
    listing = subprocess.run(["ps", "-ewwo", "pid,ppid,args"], capture_output=True, text=True).stdout
    table = [line.split(None, 2) for line in listing.splitlines()[1:]]
    below, grown = {parent}, True
    while grown:
        more = {int(pid) for pid, ppid, _ in table if int(ppid) in below}
        grown = not more <= below
        below |= more
    return [int(pid) for pid, _, args in table if int(pid) in below and re.search(pattern, args)]


def stacks_done(results: Path) -> int:
    return len(list((results / "journal" / "trials").glob("*.parquet")))


def let_it_run(process: subprocess.Popen, results: Path, draw: random.Random) -> None:
    """Until a stack more is done, or for a moment of any length; so that the kills leave some progress."""
    before, deadline = stacks_done(results), time.monotonic() + 60
    if draw.random() < 0.8:
        while process.poll() is None and stacks_done(results) == before and time.monotonic() < deadline:
            time.sleep(0.02)
    time.sleep(draw.uniform(0.0, 0.5))  # about as long as a stack takes


@pytest.mark.slow
def test_fifty_kills_leave_the_same_rows_as_an_undisturbed_run(orch, smoke, capsys):
    calm = orch.directory / "calm"
    (orch.directory / "kills.toml").write_text(STUDY)
    for results in (calm, orch.results):
        shutil.copytree(smoke.results / "systems", results / "systems")
    orch("study", "run", "kills.toml", "--results", str(calm))
    undisturbed = orch.measures(calm)
    assert len(undisturbed) == 360

    draw = random.Random(0)
    kills: Counter[str] = Counter()
    finished: list[int] = []
    process = None
    while process is None or process.returncode != 0:
        process = orch.start("study", "run", "kills.toml")
        try:
            while process.poll() is None and kills.total() < KILLS:
                let_it_run(process, orch.results, draw)
                there = {"driver": [process.pid]}
                there |= {what: children(process.pid, pattern) for what, pattern in PATTERNS.items()}
                target = draw.choices(list(WEIGHTS), [WEIGHTS[w] * bool(there[w]) for w in WEIGHTS])[0]
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(draw.choice(there[target]), signal.SIGKILL)
                        kills[target] += 1
            process.communicate(timeout=600)
        finally:
            process.kill()
        with contextlib.suppress(NoResultsError):
            finished.append(len(orch.measures()))
        with capsys.disabled():
            print(f"{kills.total()} kills {dict(kills)}, rows: {finished[-1:]}", flush=True)
        assert len(finished) < 2 * KILLS, "no end to it"
    assert finished == sorted(finished)
    assert kills.total() >= 50
    assert orch.measures() == undisturbed
    assert not list((orch.results / "checkpoints").glob("*.safetensors"))

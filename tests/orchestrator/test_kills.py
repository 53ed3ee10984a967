"""Kill anything at any moment: nothing finished is lost or doubled, the rest runs as if nothing had been."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.store import NoResultsError, Store

MEASURES = """
    SELECT trial_id, status, stack_size, final_loss, d_stsp, d_h, psc, outside_share,
           d_stsp_published, d_h_published, psc_published, list_sort(list((epoch, quantity, value)))
    FROM trials JOIN curves USING (trial_id) GROUP BY ALL ORDER BY trial_id
"""

STUDY = """
grid = { system = ["lorenz63"], architecture = ["rnn", "plrnn"] }
regimes = { sparse_forcing = { tau = [10, 30] }, clipping = {} }
seeds = { count = 60 }
training = { epochs = 40, batches_per_epoch = 5, sequence_length = 40 }
evaluation = { steps = 5000, checkpoints = 3 }
"""


PATTERNS = {"worker": r"ray::", "raylet": r"raylet/raylet "}


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.slow)])
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
    listing = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
    table = [line.split(None, 2) for line in listing.splitlines()[1:]]
    below, grown = {parent}, True
    while grown:
        more = {int(pid) for pid, ppid, _ in table if int(ppid) in below}
        grown = not more <= below
        below |= more
    return [int(pid) for pid, _, args in table if int(pid) in below and re.search(pattern, args)]


def measures(results: Path) -> list[tuple]:
    with Store(results).reading() as (connection, _):
        return connection.execute(MEASURES).fetchall()


@pytest.mark.slow
def test_fifty_kills_leave_the_same_rows_as_an_undisturbed_run(orch, smoke, capsys):
    (orch.directory / "kills.toml").write_text(STUDY)
    (orch.results / "systems").mkdir(parents=True)
    for file in (smoke.results / "systems").iterdir():
        (orch.results / "systems" / file.name).write_bytes(file.read_bytes())
    calm = orch.directory / "calm"
    (calm / "systems").mkdir(parents=True)
    for file in (orch.results / "systems").iterdir():
        (calm / "systems" / file.name).write_bytes(file.read_bytes())
    orch("study", "run", "kills.toml", "--results", str(calm))
    undisturbed = measures(calm)
    assert len(undisturbed) == 360

    draw = random.Random(0)
    kills: Counter[str] = Counter()
    starts = 0
    finished: list[int] = []
    while True:
        process = orch.start("study", "run", "kills.toml")
        starts += 1
        try:
            while process.poll() is None:
                line = process.stderr.readline()
                if "stacks at a time" in line:
                    break
            while process.poll() is None:
                time.sleep(draw.uniform(1.0, 6.0))
                target = draw.choices(["driver", "worker", "raylet"], weights=[3, 6, 1])[0]
                pids = [process.pid] if target == "driver" else children(process.pid, PATTERNS[target])
                if pids and process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(draw.choice(pids), signal.SIGKILL)
                        kills[target] += 1
                if sum(kills.values()) >= 60:
                    break
            process.communicate(timeout=600)
        finally:
            process.kill()
        try:
            finished.append(len(measures(orch.results)))
        except NoResultsError:
            finished.append(0)
        if process.returncode == 0:
            break
        assert starts < 120, "no end to it"
    disturbed = measures(orch.results)
    with capsys.disabled():
        print(
            f"\n{sum(kills.values())} kills {dict(kills)}, {starts} starts, finished after each: {finished}"
        )
    assert finished == sorted(finished)
    assert sum(kills.values()) >= 50
    assert disturbed == undisturbed
    assert not list((orch.results / "journal").rglob("*.tmp"))
    assert not list((orch.results / "checkpoints").glob("*.safetensors"))

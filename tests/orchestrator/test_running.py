"""Runs of the same study side by side."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from orchestrator import running

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
    lit.path.write_text(json.dumps(told | {"pid": killed.pid, "host": "elsewhere"}))
    assert running.beside(tmp_path, "mine") is not None
    lit.put_out()

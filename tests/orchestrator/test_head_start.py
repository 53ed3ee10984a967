"""Data that are made while Ray starts are those that would be made without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from orchestrator import adding, systems
from orchestrator.head_start import head_start
from orchestrator.systems import registry
from orchestrator.systems.dataset import load, peek


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A series of one's own in ./data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORCH_DATA", raising=False)
    monkeypatch.setattr(registry, "_HELD", {})
    x = [0.3]
    for _ in range(2999):
        x.append(3.9 * x[-1] * (1 - x[-1]))
    np.save("logistic.npy", np.array(x))
    adding.add("mine", Path("logistic.npy"), dt=1.0)
    systems.hold(["mine"])
    return "mine"


def test_what_is_lacking_is_made_in_processes_of_their_own(
    mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "systems"
    with head_start([mine], cache) as prepared:
        monkeypatch.chdir("/")  # as for a moment while Ray starts
        prepared()
        found = peek(mine, cache=cache)
    monkeypatch.chdir(tmp_path)
    assert found is not None
    made = load(mine, cache=None)
    assert found.row() == made.row() and np.array_equal(found.train, made.train)
    (file,) = cache.glob("*.npz")
    before = file.stat().st_mtime_ns
    with head_start([mine], cache) as prepared:
        prepared()
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("python", ["false", "no such program"])
def test_what_fails_there_is_left_to_whoever_needs_it(
    mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    monkeypatch.setattr("sys.executable", python)
    cache = tmp_path / "systems"
    with head_start([mine], cache) as prepared:
        prepared()
    assert peek(mine, cache=cache) is None
    assert load(mine, cache=cache).n_points > 2000


def test_a_recording_that_is_not_there_is_told_at_once(mine: str, tmp_path: Path) -> None:
    Path("data/mine.parquet").unlink()
    with (
        pytest.raises(systems.MissingDataError, match="is not there; `orch system add`"),
        head_start([mine, "lorenz96_20"], tmp_path / "systems"),
    ):
        pytest.fail("it was begun")


def test_whoever_is_interrupted_waits_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), head_start(["lorenz96_20", "mackey_glass"], tmp_path / "systems"):
        raise KeyboardInterrupt
    assert not (tmp_path / "systems").exists()

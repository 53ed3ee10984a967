"""Datasets: standardisation, identity and a cache that survives damage and company."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from orchestrator.systems import Flow, System, UnknownSystemError, get, substance
from orchestrator.systems import dataset as module
from orchestrator.systems.dataset import Dataset, cache_path, load
from orchestrator.systems.exponents import ExponentSettings
from orchestrator.systems.hashing import content_hash, trajectory_hash
from orchestrator.systems.preparation import runs


def assert_equal(a: Dataset, b: Dataset) -> None:
    for name in ("train", "test", "mean", "sd"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
    assert a.row() == b.row()
    assert a.spectrum == b.spectrum


def test_global_standardisation_has_the_published_mean_and_sd(published: Dataset) -> None:
    assert published.train.shape == published.test.shape == (100_000, 3)
    assert published.train.mean() == pytest.approx(0.0, abs=1e-9)
    assert published.train.std() == pytest.approx(1.0)
    # Of the released file; means of independent trajectories of this length scatter by about 0.25.
    assert published.mean == pytest.approx([11.238] * 3, abs=1.0)
    assert published.sd == pytest.approx([18.815] * 3, abs=0.5)
    np.testing.assert_allclose(published.train.mean(axis=0), [-0.593, -0.593, 1.186], atol=0.06)


def test_per_dimension_standardisation_uses_train_alone(small_system: System) -> None:
    data = load(small_system, cache=None)
    np.testing.assert_allclose(data.train.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(data.train.std(axis=0), 1.0)
    assert np.abs(data.test.mean(axis=0)).max() > 1e-3


def test_floors_are_as_measured_elsewhere(published: Dataset) -> None:
    """Against independent measurements between such trajectories; three draws scatter by about 30% each."""
    orch, theirs = published.floors["orch"], published.floors["published"]
    assert orch["d_stsp"] == pytest.approx(0.046, abs=0.02)
    assert orch["d_h"] == pytest.approx(0.048, abs=0.012)
    assert orch["psc"] > 0.98
    assert orch["outside_share"] < 0.002
    assert theirs["d_stsp"] == pytest.approx(0.06, abs=0.025)
    assert theirs["d_h"] == pytest.approx(0.138, abs=0.02)
    assert theirs["psc"] > 0.99


def test_ceilings_are_far_above_floors(published: Dataset) -> None:
    assert published.ceilings["published"]["d_stsp"] == pytest.approx(16.75, abs=0.15)
    assert published.ceilings["orch"]["d_stsp"] == pytest.approx(16.26, abs=0.15)
    for preset in ("orch", "published"):
        assert published.ceilings[preset]["d_h"] == 1.0
        assert published.ceilings[preset]["psc"] == -1.0


def test_cache_hit_is_identical_and_generates_nothing(
    small_system: System, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(small_system, cache=cache)
    assert [path.name for path in cache.iterdir()] == [f"small-{first.content_hash[:12]}.npz"]
    monkeypatch.setattr(module, "generate", lambda system: pytest.fail("generated again"))
    assert_equal(load(small_system, cache=cache), first)


def test_two_generations_are_equal(small_system: System) -> None:
    assert_equal(load(small_system, cache=None), load(small_system, cache=None))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "other_hash"])
def test_damaged_cache_is_made_again(small_system: System, cache: Path, damage: str) -> None:
    first = load(small_system, cache=cache)
    path = cache_path(small_system, cache)
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 3] ^= 0xFF
        path.write_bytes(content)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        other = dataclasses.replace(small_system, n_points=2_900)
        load(other, cache=cache)
        cache_path(other, cache).replace(path)
    assert_equal(load(small_system, cache=cache), first)
    assert path.stat().st_size == len(content)  # mended on disk too
    assert [p.name for p in cache.iterdir()] == [path.name]


def test_failed_write_leaves_nothing(
    small_system: System, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        load(small_system, cache=cache)
    assert list(cache.iterdir()) == []


def test_hashes_follow_what_they_name() -> None:
    system = get("lorenz63")
    finer = dataclasses.replace(system, dt=0.005)
    longer = dataclasses.replace(
        system, exponent_settings=dataclasses.replace(system.exponent_settings, time=90.0)
    )
    reworded = dataclasses.replace(system, description="the same")
    assert len(content_hash(system)) == 64
    assert content_hash(system) != content_hash(get("lorenz63_published"))
    assert content_hash(system) != content_hash(finer) != content_hash(longer) != content_hash(system)
    assert trajectory_hash(system) != trajectory_hash(finer)
    assert trajectory_hash(system) == trajectory_hash(longer)
    assert content_hash(system) == content_hash(reworded)


def test_data_are_made_again_where_the_equations_say_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction whose author forgot to raise the version must not be answered with the old data."""
    monkeypatch.syspath_prepend(str(tmp_path))
    hashes = []
    for says in ("return -y", "return -y  # as it should be", "return -2 * y"):
        (tmp_path / "decay.py").write_text(f"def derivatives(t, y):\n    {says}\n")
        importlib.invalidate_caches()
        substance.digest_of.cache_clear()
        sys.modules.pop("decay", None)
        system = dataclasses.replace(
            get("lorenz63"), derivatives=importlib.import_module("decay").derivatives
        )
        hashes.append((content_hash(system), trajectory_hash(system)))
    assert hashes[0] == hashes[1] and hashes[1][0] != hashes[2][0] and hashes[1][1] == hashes[2][1]


def called(*_: object, **__: object) -> list[tuple[int, int]]:
    return runs(np.zeros(3, dtype=bool))


def test_what_equations_call_and_how_they_are_seen_is_part_of_what_makes_their_data() -> None:
    system = dataclasses.replace(get("lorenz63"), derivatives=called)
    assert {__name__, "orchestrator.systems.preparation", "orchestrator.systems.integrate"} <= system.modules
    assert "orchestrator.systems.lorenz63_partial" in get("lorenz63_partial").modules  # its observation


def test_row_is_flat_and_complete(published: Dataset) -> None:
    row = published.row()
    expected = (
        "name dimension variables dt n_points lambda_max lambda_max_se spectrum tau_pred standardisation"
    )
    assert set(row) == {
        *expected.split(),
        "parameters",
        "source",
        "content_hash",
        "floors",
        "ceilings",
        "lambda_from",
    }
    assert json.loads(str(row["floors"])) == published.floors
    assert json.loads(str(row["parameters"])) == {"beta": 8 / 3, "rho": 38.0, "sigma": 10.0}
    assert row["variables"] == ["x", "y", "z"]


def test_what_is_observed_in_part_is_scored_in_full(cache: Path) -> None:
    partial = get("lorenz63_partial")
    assert isinstance(partial, Flow)
    settings = ExponentSettings(members=4, time=2.0, transient=1.0)
    small = dataclasses.replace(partial, n_points=3_000, transient_time=20.0, exponent_settings=settings)
    data = load(small, cache=cache)
    assert data.train.shape == data.test.shape == (3_000, 2)
    assert data.scored_train.shape == data.scored_test.shape == (3_000, 3)
    np.testing.assert_allclose(data.scored_test[:, 1:], data.test, atol=1e-12)
    assert 0 < data.floors["orch"]["d_stsp"] < data.ceilings["orch"]["d_stsp"]
    again = load(small, cache=cache)
    assert again.scored_test.tobytes() == data.scored_test.tobytes()


def test_unknown_name(cache: Path) -> None:
    with pytest.raises(UnknownSystemError, match="did you mean 'lorenz63'"):
        load("lorentz63", cache=cache)
    assert not cache.exists()

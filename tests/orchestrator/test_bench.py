"""`orch bench`: both sides compute the same and are timed, and what is counted is what is computed."""

import json

import numpy as np
import pytest

from orchestrator.bench.ceiling import Ceilings, Work, ceilings, work
from orchestrator.bench.side_by_side import Timed, side_by_side
from orchestrator.bench.studies import _seconds_per_epoch, expected
from orchestrator.catalogue import shipped_folder
from orchestrator.study import load

SMALL = ["--tau", "7", "--length", "20", "--members", "2", "--rounds", "2"]


def test_both_sides_are_timed(orch):
    out, err = orch.here("bench", *SMALL, "--no-studies", "--format", "json")
    rows = json.loads(out)
    assert [row["architecture"] for row in rows] == ["rnn", "plrnn", "lstm"]
    assert all(min(row["textbook_s"], row["ours_s"], row["least"]) > 0 for row in rows)
    assert "computed by" in err
    _, err = orch.here("bench", "--architecture", "lstn", code=2)
    assert "did you mean 'lstm'" in err


def test_hours_of_studies_are_part_of_one_document(smoke, orch, tmp_path):
    prepared = ["--results", str(smoke.results)]
    out, err = orch.here("bench", *SMALL, "--architecture", "plrnn", "--format", "json", *prepared)
    found = json.loads(out)
    assert [row["architecture"] for row in found["epochs"]] == ["plrnn"]
    assert {row["study"] for row in found["studies"]} >= {"quickstart", "lorenz_smoke"}
    assert all(0 < row["seconds"] < row["usual_seconds"] for row in found["studies"] if row["trials"] > 50)
    assert "lorenz_tau is left out: lstm, rnn not timed" in err
    (tmp_path / "file").touch()
    _, err = orch.here("bench", *SMALL, "--results", str(tmp_path / "file" / "within"), code=1)
    assert "cannot be written" in err and "τ" not in err


def test_work_is_that_of_the_products_and_functions():
    """An LSTM's step: a product with (4M, M), two for its gradients, and the read-out's (N, M) likewise;
    three logistic functions and two tangents. A window's first: one with (4M, N) and one for its gradient."""
    sizes = {"latent_dim": 30, "observed_dim": 3, "steps": 10, "windows": 2}
    read_out, later, first = 3 * 2 * 3 * 30, 3 * 2 * 4 * 30 * 30, 2 * 2 * 4 * 30 * 3
    assert work("lstm", **sizes) == Work(10 * read_out + 8 * later + 2 * first, 10 * 5 * 30)
    assert work("lstm", **sizes, from_data=False) == Work(10 * read_out + 8 * later, 10 * 5 * 30)
    assert work("plrnn", **sizes) == Work(10 * (read_out + later / 4), 0)
    assert work("urnn", **sizes) is None
    (timed,) = side_by_side(["rnn"], [7], members=1, length=20, rounds=1)  # windows of 7, 7 and 6 steps
    assert timed.work == work("rnn", latent_dim=30, observed_dim=3, steps=320 * 20, windows=320 * 3)


@pytest.mark.usefixtures("needs_compiler")
def test_a_floor_is_what_the_ceilings_leave():
    most = ceilings(repeats=1)
    assert isinstance(most, Ceilings), most
    assert most.operations > 1e9 and most.functions > 1e7 and most.cache > most.memory / 2 > 1e8
    assert most.floor(Work(most.operations, 2 * most.functions)) == pytest.approx(3)


def test_a_study_takes_as_long_as_its_epochs_and_evaluations():
    one = np.ones(3)
    timed = [
        Timed(
            name, 30, textbook=9 * one, tuned=9 * one, stack=one, computed_by="",
            work=work(name, latent_dim=30, observed_dim=3, steps=64_000, windows=10 * 32 * 7),
        )
        for name in ("rnn", "plrnn", "lstm")
    ]  # fmt: skip
    evaluation = {"rnn": 0.0, "plrnn": 0.0, "lstm": 0.0}
    counted, left = expected(timed, evaluation=evaluation, cores=2, length=200)
    found = {one.name: one for one in counted}
    quick = found["quickstart"]  # 80 trials of 200 epochs, of sequences half as long as those that were timed
    assert quick.trials == 80 and quick.seconds == pytest.approx(80 * 200 * 0.5 / 2)
    assert quick.usual_seconds == pytest.approx(9 * quick.seconds)
    # As many networks and steps of ten variables for three: larger products, as many operations to begin.
    assert found["mackey_glass_tau"].seconds > found["duffing_tau"].seconds
    assert found["mackey_glass_tau"].usual_seconds == found["duffing_tau"].usual_seconds
    assert left == {"theorems": "urnn not timed"}
    # First steps are less work, and those from zero are none but the read-out's.
    per_epoch = {
        (cell.regime.name, cell.regime.window(500)): _seconds_per_epoch(cell, timed, 200)[0]
        for cell in load(shipped_folder() / "lorenz_tau.toml").cells()
        if cell.architecture.name == "rnn"
    }
    forced, reset = per_epoch["sparse_forcing", 30], per_epoch["zero_reset", 30]
    assert per_epoch["sparse_forcing", 5] < 0.9 * forced and 0.99 * forced < reset < forced
    assert forced < per_epoch["clipping", 500] < 1.1 * forced

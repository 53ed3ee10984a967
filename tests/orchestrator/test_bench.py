"""`orch bench`: both sides compute the same and are timed, and what is counted is what is computed."""

import json

import numpy as np

from orchestrator.bench.ceiling import most_per_second, operations
from orchestrator.bench.side_by_side import Timed
from orchestrator.bench.studies import expected


def test_both_sides_are_timed(orch):
    small = ["--tau", "7", "--length", "20", "--members", "2", "--rounds", "2", "--no-studies"]
    out, err = orch("bench", *small, "--format", "json")
    rows = json.loads(out)
    assert [row["architecture"] for row in rows] == ["rnn", "plrnn", "lstm"]
    assert all(min(row["textbook_s"], row["ours_s"], row["least"]) > 0 for row in rows)
    assert "computed by" in err
    _, err = orch("bench", "--architecture", "lstn", code=2)
    assert "did you mean 'lstm'" in err


def test_operations_are_those_of_the_products():
    """An LSTM's step: a product with (4M, M), two for its gradients, and the read-out's (N, M) likewise."""
    by_hand = sum(3 * 2 * rows * 30 for rows in (4 * 30, 3))
    assert operations("lstm", latent_dim=30, observed_dim=3, steps=10) == 10 * by_hand
    assert operations("urnn", latent_dim=30, observed_dim=3, steps=10) is None
    peak = most_per_second(repeats=1)
    assert peak is None or peak > 1e9


def test_a_study_takes_as_long_as_its_epochs_and_evaluations():
    one = np.ones(3)
    timed = [
        Timed(name, 30, textbook=9 * one, tuned=9 * one, stack=one, operations=None, computed_by="")
        for name in ("rnn", "plrnn", "lstm")
    ]
    evaluation = {"rnn": 0.0, "plrnn": 0.0, "lstm": 0.0}
    found = {one.name: one for one in expected(timed, evaluation=evaluation, cores=2, length=200)}
    quick = found["quickstart"]  # 80 trials of 200 epochs, of sequences half as long as those that were timed
    assert quick.trials == 80 and quick.seconds == 80 * 200 * 0.5 / 2
    assert quick.usual_seconds == 9 * quick.seconds

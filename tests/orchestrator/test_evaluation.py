"""What of an evaluation is taken from one long run and what from many short ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from orchestrator.evaluation import Evaluator
from orchestrator.models import ARCHITECTURES
from orchestrator.models.regimes import REGIMES
from orchestrator.models.rollout import free_run
from orchestrator.models.settings import TrainingSettings
from orchestrator.models.training import Stack
from orchestrator.settings import EvaluationSettings
from orchestrator.systems.dataset import load
from orchestrator.systems.measures import MeasureSet


def test_short_runs_from_the_data_give_d_stsp_and_the_long_run_the_spectra(smoke):
    data = load("lorenz63", cache=smoke.results / "systems")
    measures = MeasureSet(data.scored_test)
    stack = Stack(
        ARCHITECTURES["rnn"](latent_dim=8), REGIMES["clipping"](),
        settings=TrainingSettings(sequence_length=20), series=data.train, seeds=[0, 1], device="cpu",
    )  # fmt: skip
    stack.train_epoch()
    with torch.no_grad():
        stack.flat.mul_(4)  # else it comes to rest, and what rests has no spectrum
    whole = Evaluator(data, EvaluationSettings(steps=5250))(stack)
    pieces = Evaluator(data, EvaluationSettings(steps=5250, restart_every=70))(stack)
    starts = torch.from_numpy(data.test[np.linspace(0, len(data.test) - 1, 75).astype(int)])
    runs = free_run(stack.architecture, stack.parameters(), start=starts, steps=70).series
    assert runs.shape == (2, 5250, 3)
    for member in range(2):
        short, long = pieces[member].values, whole[member].values
        expected = measures.evaluate(runs[member])
        assert short["d_stsp"] == expected["orch"]["d_stsp"] != long["d_stsp"]
        assert short["d_stsp_published"] == expected["published"]["d_stsp"]
        for spectral in ("d_h", "psc", "d_h_published"):
            assert short[spectral] == long[spectral] is not None


def test_spectra_have_the_floor_of_their_length_or_none(smoke):
    """A perfect model's D_H falls with the length; as published it takes 4,900 points."""
    data = load("lorenz63", cache=smoke.results / "systems")
    short, long = (Evaluator(data, EvaluationSettings(steps=n)).references() for n in (1000, 5000))
    assert short["floor_d_h_published"] == short["floor_psc_published"] == np.inf
    assert 0.2 < long["floor_d_h_published"] < 0.6 and long["floor_psc_published"] > 0.9
    assert 0 < short["floor_d_h"] < 0.2 and 0 < long["floor_d_h"] < 0.2
    # One piece alone is off by up to 1.6 times here.
    measures, steps = MeasureSet(data.scored_test), EvaluationSettings(steps=10_000)
    pieces = data.scored_train.reshape(10, 10_000, 3)
    scores = [measures.evaluate(piece, only=("d_stsp",))["orch"]["d_stsp"] for piece in pieces]
    assert Evaluator(data, steps).references()["floor_d_stsp"] == pytest.approx(np.mean(scores))
    assert max(scores) > 1.3 * min(scores)
    # Of a recording too, where what is tested on is apart from what is trained on.
    settings = EvaluationSettings(steps=5000)
    recorded = Evaluator(replace(data, is_recorded=True), settings).references()
    assert recorded["floor_d_h_published"] == long["floor_d_h_published"]
    alone = replace(data, is_recorded=True, scored_train=data.scored_test)
    assert Evaluator(alone, settings).references()["floor_d_h"] is None


def test_definitions_say_what_was_done(smoke):
    data = load("lorenz63", cache=smoke.results / "systems")
    for steps, starts in ((1000, 10), (100_000, 200)):
        said = Evaluator(data, EvaluationSettings(steps=steps)).definitions()
        assert said["orch"]["valid_prediction_time"]["starts"] == starts
        assert said["published"]["prediction_error"] == {**said["gtf"]["prediction_error"], "steps": 25}
        assert said["free_run"] == {"steps": steps, "left_out": 0, "steps_ahead": 665}

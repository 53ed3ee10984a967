"""Training for real: forcing reconstructs the Lorenz attractor where clipping does not."""

import numpy as np
import pytest
import torch

from orchestrator.models import LSTM
from orchestrator.models.regimes import Clipping, Regime, SparseForcing
from orchestrator.models.rollout import free_run
from orchestrator.models.settings import TrainingSettings
from orchestrator.models.training import Stack
from orchestrator.systems.dataset import load
from orchestrator.systems.measures import MeasureSet


@pytest.mark.slow
def test_forced_lstms_reconstruct_lorenz_and_clipped_ones_do_not(tmp_path):
    """A tenth of the authors' epochs at five times their rate, half their sequence length."""
    data = load("lorenz63", cache=tmp_path)
    measures = MeasureSet(data.test)
    settings = TrainingSettings(epochs=300, sequence_length=100, learning_rate=5e-3)

    def scores(regime: Regime) -> list[float]:
        stack = Stack(LSTM(), regime, settings=settings, series=data.train, seeds=range(4))
        for _ in range(settings.epochs):
            stack.train_epoch()
        start = torch.from_numpy(data.test[0])
        runs = free_run(stack.architecture, stack.parameters(), start=start, steps=50_000).series
        return [measures.evaluate(run)["orch"]["d_stsp"] for run in runs]

    assert np.median(scores(SparseForcing(tau=30))) < 1
    assert np.median(scores(Clipping())) > 5

"""How long the shipped studies take here, from times of epochs and of an evaluation that were measured."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..catalogue import shipped_folder
from ..errors import StudyError
from ..evaluation import Evaluator
from ..identity import Trial
from ..models import ARCHITECTURES
from ..models.regimes import SparseForcing
from ..models.settings import TrainingSettings
from ..models.training import Stack
from ..settings import EvaluationSettings
from ..study import load
from ..systems.dataset import Dataset
from ..systems.registry import get as get_system
from .ceiling import work
from .side_by_side import Timed

EVALUATED_STEPS = 100_000


@dataclass(frozen=True)
class Expected:
    """One study."""

    name: str
    trials: int
    seconds: float
    """On so many cores as were asked for."""
    usual_seconds: float
    """Of the plain loop on as many, evaluated as ours."""


def expected(
    timed: Sequence[Timed], *, evaluation: dict[str, float], cores: int, length: int
) -> tuple[list[Expected], dict[str, str]]:
    """Of every shipped study that trains what was timed; of the others why not, by name.

    Not counted is what it takes to start: Ray, the data of a system that is new, imports.

    Args:
        evaluation: architecture → seconds per network of an evaluation of one step, of Lorenz-63.
        length: of the sequences that were timed.
    """
    found, left = [], {}
    for path in sorted(shipped_folder().glob("*.toml")):
        try:
            study = load(path)
        except StudyError as error:
            left[path.stem] = str(error)
            continue
        cells = [(cell, len(study.seeds)) for cell in study.cells()]
        for search in study.searches():
            middle = search.cell(round(math.sqrt(search.low * search.high)))
            cells.append((middle, search.settings.trials * search.settings.seeds_per_trial))
        lacking = sorted({cell.architecture.name for cell, _ in cells} - set(evaluation))
        if lacking:
            left[path.stem] = f"{', '.join(lacking)} not timed"
            continue
        ours = usual = 0.0
        for cell, seeds in cells:
            per_epoch, plain = _seconds_per_epoch(cell, timed, length)
            times = len(cell.evaluation.epochs(cell.training.epochs)) if cell.regime.trains else 1
            measured = times * cell.evaluation.steps * evaluation[cell.architecture.name]
            epochs = cell.training.epochs if cell.regime.trains else 0
            ours += seeds * (epochs * per_epoch + measured)
            usual += seeds * (epochs * plain + measured)
        trials = sum(seeds for _, seeds in cells)
        found.append(Expected(path.stem, trials, ours / cores, usual / cores))
    return found, left


def _seconds_per_epoch(cell: Trial, timed: Sequence[Timed], length: int) -> tuple[float, float]:
    """Ours and the plain loop's, from those at the nearest τ.

    Ours in proportion to the products of an epoch; the plain loop's, which waits for operations to begin
    however large they are, to its steps.
    """
    training, architecture = cell.training, cell.architecture
    window = cell.regime.window(training.sequence_length)
    nearest = min(
        (one for one in timed if one.architecture == architecture.name),
        key=lambda one: abs(math.log(one.tau / window)),
    )
    sequences = training.batch_size * training.batches_per_epoch
    steps = sequences * training.sequence_length
    usual = TrainingSettings()
    scale = steps / (length * usual.batch_size * usual.batches_per_epoch)
    least = work(
        architecture.name,
        latent_dim=architecture.latent_dim,
        observed_dim=get_system(cell.system).dimension,
        steps=steps,
        windows=sequences * math.ceil(training.sequence_length / window),
        from_data=cell.regime.starts_from_data,
    )
    size = scale if least is None or nearest.work is None else least.operations / nearest.work.operations
    return float(np.median(nearest.stack)) * size, float(np.median(nearest.textbook)) * scale


def evaluation_seconds(architectures: Sequence[str], *, members: int, data: Dataset) -> dict[str, float]:
    """Seconds per network and step of an evaluation on these data, by architecture."""
    evaluate = Evaluator(data, EvaluationSettings(steps=EVALUATED_STEPS))
    found = {}
    settings = TrainingSettings(sequence_length=200)
    for name in architectures:
        architecture, regime = ARCHITECTURES[name](), SparseForcing(tau=30)
        stack = Stack(architecture, regime, settings=settings, series=data.train, seeds=range(members))
        for _ in range(20):  # a network that has learnt nothing rests, and is measured in no time
            stack.train_epoch()
        began = time.perf_counter()
        evaluate(stack)
        found[name] = (time.perf_counter() - began) / members / EVALUATED_STEPS
    return found

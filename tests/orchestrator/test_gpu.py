"""What a GPU wants, on the processor: stacks of several cells, cut by measured memory, and replayed work."""

import gc
import shutil
import weakref

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from orchestrator import begun, catalogue, gpu, training_run, trial
from orchestrator.models import ARCHITECTURES
from orchestrator.models.out_of_memory import is_out_of_memory
from orchestrator.models.regimes import Clipping, SparseForcing, ZeroReset
from orchestrator.models.replay import Replayed, abreast
from orchestrator.models.settings import TrainingSettings
from orchestrator.models.training import Stack
from orchestrator.plan import make_plan
from orchestrator.study import load

APART = {
    "started_at", "finished_at", "train_seconds", "evaluate_seconds", "epochs_per_second", "peak_memory_mib",
    "stack_id", "stack_size",
}  # fmt: skip


@pytest.fixture
def results(smoke, tmp_path):
    """An empty results folder with the data of the smoke study's system."""
    shutil.copytree(smoke.results / "systems", tmp_path / "results" / "systems")
    return tmp_path / "results"


@pytest.fixture
def study():
    regimes = "regimes={sparse_forcing={tau=[5,15]}, clipping={}, zero_reset={tau=[10]}}"
    return load(
        catalogue.find("lorenz_smoke"),
        [regimes, "seeds.count=2", "training.epochs=6", "evaluation.checkpoints=1", "evaluation.steps=1000"],
    )


def rows(results) -> dict[str, dict]:
    files = (results / "journal" / "trials").glob("*.parquet")
    found = [row for file in files for row in pq.read_table(file).to_pylist()]
    return {row["trial_id"]: {k: v for k, v in row.items() if k not in APART} for row in found}


def test_a_stack_of_several_cells_gives_the_rows_of_their_own(results, study, monkeypatch):
    """Trained, evaluated and journalled in one, killed and gone on with: digit by digit, curves included."""
    plan = make_plan(study, {})
    for stack in plan.stacks(slots=2, gpu=False):
        trial.run_stack(stack.trials, results=results)
    apart = rows(results)
    shutil.rmtree(results / "journal")
    [packed] = (stack.trials for stack in plan.stacks(slots=1, gpu=True))
    assert len(packed) == 8 and len({one.cell_id for one in packed}) == 4

    class Killed(BaseException):
        pass

    def die(epoch: int) -> None:
        if epoch == 5:
            raise Killed

    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(Killed):
        trial.run_stack(packed, results=results, progress=die)
    [left] = begun.begun(results)
    assert set(left.trial_ids) == {one.trial_id for one in packed}
    curves = begun.curves_so_far(results, begun.stack_id(left.trial_ids), [packed[3].trial_id])
    assert curves[0][0]["quantity"] == "loss"
    assert trial.run_stack(packed, results=results).statuses == {"ok": 8}
    together = rows(results)
    assert {row.pop("resumed") for row in together.values()} == {1}
    assert together.keys() == apart.keys()
    for trial_id, row in together.items():
        assert row == {key: value for key, value in apart[trial_id].items() if key != "resumed"}


def test_a_stack_is_cut_by_the_memory_that_was_measured(results, study, monkeypatch):
    assert gpu.parts_of(280, each=10**8, free=80 * 10**9) == 1
    assert gpu.parts_of(280, each=10**9, free=80 * 10**9) == 5  # 68 fit
    assert gpu.parts_of(3, each=10**12, free=10**9) == 3  # one does not fit either: it is tried
    assert gpu.parts([], results=results, device="cpu") == 1
    [packed] = (stack.trials for stack in make_plan(study, {}).stacks(slots=1, gpu=True))
    assert [one.cell_id for one in gpu._tried(packed)] == [cell.cell_id for cell in study.cells()]
    monkeypatch.setattr(gpu, "parts", lambda trials, **_: gpu.parts_of(len(trials), each=10, free=50))
    assert trial.run_stack(packed, results=results).statuses == {"ok": 8}
    ids = [one.trial_id for one in packed]
    assert begun.parts(results, ids) == 2  # for whoever tries again
    sizes = [len(pq.read_table(file)) for file in (results / "journal" / "trials").glob("*.parquet")]
    assert sorted(sizes) == [4, 4]


def test_memory_is_asked_of_the_gpu_that_there_is(results, study, monkeypatch):
    """By functions of torch that are made up here, with their own checks of what they are given."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (50 * 10**9, 80 * 10**9))
    monkeypatch.setattr(torch.cuda.memory, "get_per_process_memory_fraction", lambda: 0.33)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 10**9)
    assert gpu._free() == pytest.approx(25.4e9, rel=1e-6)
    asked = []
    for name in ("empty_cache", "reset_peak_memory_stats", "synchronize"):
        monkeypatch.setattr(torch.cuda, name, lambda name=name: asked.append(name))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 100)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 100 + 10 * len(asked))
    cells = [cell.with_seed(0) for cell in study.cells()]
    # 60, 90, 120 and 150, after the first 30, of which libraries keep some.
    assert gpu._each(cells, results, "cpu") == 105
    monkeypatch.setattr(gpu, "_each", lambda trials, *_: 10**9 * len(trials))
    monkeypatch.setattr(gpu, "_free", lambda: 20 * 10**9)
    [packed] = (stack.trials for stack in make_plan(study, {}).stacks(slots=1, gpu=True))
    assert gpu.parts(packed, results=results, device="cuda") == 2  # four fit
    monkeypatch.setattr(gpu, "_of_the_machine", lambda: 3 * 2 * 1000 * 3 * 8 / gpu.MARGIN)
    assert gpu.parts(packed, results=results, device="cuda") == 3  # free runs of three


def test_errors_that_are_of_memory_are_told():
    for text in ("CUDA error: out of memory", "cublas: CUBLAS_STATUS_ALLOC_FAILED when calling"):
        assert is_out_of_memory(RuntimeError(text))
    assert not is_out_of_memory(RuntimeError("CUDA error: an illegal memory access"))
    try:
        try:
            raise torch.OutOfMemoryError("in a recording")
        except torch.OutOfMemoryError:
            raise RuntimeError("the recording cannot end") from None
    except RuntimeError as error:
        assert is_out_of_memory(error) and not is_out_of_memory(ValueError())


@pytest.mark.parametrize("kind", [RuntimeError, torch.OutOfMemoryError])
def test_a_recording_that_fails_lets_go_of_what_it_held(monkeypatch, kind):
    """By a recording that is made up here, of a GPU that is not there."""
    replayed = Replayed(torch.device("cuda"))
    held = []

    class Activations:
        pass

    def record(*_):
        activations = Activations()
        held.append(weakref.ref(activations))
        try:
            raise kind("it waits\nand more")
        except RuntimeError:
            raise RuntimeError("the recording cannot end")  # noqa: B904

    def work(given):
        assert held[0]() is None  # with no need of the garbage collector
        return 2 * given

    monkeypatch.setattr(replayed, "_record", record)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: None)
    gc.disable()
    try:
        if kind is torch.OutOfMemoryError:
            with pytest.raises(torch.OutOfMemoryError, match="it waits"):
                replayed(torch.ones(1), work, rehearse=work)
            assert replayed.refused is None and held[0]() is None
        else:
            assert replayed(torch.ones(1), work, rehearse=work) == 2
            assert replayed.refused == "it waits"
    finally:
        gc.enable()


class Watched(TorchDispatchMode):
    """Refuses operations of libraries that wait for a GPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert "linalg" not in name or name == "linalg_vector_norm", name
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_what_is_recorded_waits_for_nothing(name):
    """On the device that has shapes and no numbers: who asks for one there is told that it has none."""
    architecture = ARCHITECTURES[name](latent_dim=8)
    regimes = [SparseForcing(tau=5), Clipping(), Clipping(normalise=True), ZeroReset(tau=7)]
    settings = TrainingSettings(sequence_length=20, batch_size=4)
    series = np.random.default_rng(0).standard_normal((100, 3))
    stack = Stack(architecture, regimes, settings=settings, series=series, seeds=range(4), device="meta")
    positions = stack.positions(1)[0]
    with Watched():
        losses, norms = stack.update(positions)
        parameters = {key: value.detach() for key, value in stack.parameters().items()}
        after = architecture.step(
            architecture.bind(parameters), architecture.start(torch.zeros(4, 8, 2, device="meta"))
        )
    assert losses.shape == norms.shape == (4,) and after[0].shape == (4, 8, 2)


def test_what_cannot_be_recorded_is_done_each_time():
    """Without a GPU nothing is: the plain thing, in order."""
    done = []
    replayed = Replayed(torch.device("cpu"))
    for given in (torch.ones(2), torch.zeros(1)):
        found = replayed(given, lambda x: done.append("work") or 2 * x, rehearse=done.append)
        assert found.tolist() == (2 * given).tolist()
    assert done == ["work", "work"] and not replayed.recorded and replayed.refused is None
    assert abreast([lambda: 1, lambda: 2], device=torch.device("cpu")) == [1, 2]

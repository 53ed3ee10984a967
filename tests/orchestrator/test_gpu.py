"""What a GPU wants, on the processor: stacks of several cells, cut by measured memory, and replayed work."""

import shutil

import pyarrow.parquet as pq
import pytest
import torch

from orchestrator import begun, catalogue, gpu, trial
from orchestrator.models.replay import Replayed, abreast
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
        trial.run_stack(stack, results=results)
    apart = rows(results)
    shutil.rmtree(results / "journal")
    [packed] = plan.stacks(slots=1, gpu=True)
    assert len(packed) == 8 and len({one.cell_id for one in packed}) == 4

    class Killed(BaseException):
        pass

    def die(epoch: int) -> None:
        if epoch == 5:
            raise Killed

    monkeypatch.setattr(trial, "CHECKPOINT_SECONDS", 0.0)
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
    [packed] = make_plan(study, {}).stacks(slots=1, gpu=True)
    assert [one.cell_id for one in gpu._tried(packed)] == [cell.cell_id for cell in study.cells()]
    monkeypatch.setattr(gpu, "parts", lambda trials, **_: gpu.parts_of(len(trials), each=10, free=50))
    assert trial.run_stack(packed, results=results).statuses == {"ok": 8}
    sizes = [len(pq.read_table(file)) for file in (results / "journal" / "trials").glob("*.parquet")]
    assert sorted(sizes) == [4, 4]


def test_what_cannot_be_recorded_is_done_each_time():
    """Without a GPU nothing is: the plain thing, in order."""
    done = []
    replayed = Replayed(torch.device("cpu"))
    for given in (torch.ones(2), torch.zeros(1)):
        found = replayed(given, lambda x: done.append("work") or 2 * x, rehearse=done.append)
        assert found.tolist() == (2 * given).tolist()
    assert done == ["work", "work"] and not replayed.recorded and replayed.refused is None
    assert abreast([lambda: 1, lambda: 2], device=torch.device("cpu")) == [1, 2]

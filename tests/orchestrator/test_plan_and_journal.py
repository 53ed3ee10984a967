"""Planning is a set difference; the journal is there whole or not at all."""

import itertools

import pyarrow.parquet as pq
import pytest

from orchestrator import catalogue, journal
from orchestrator.begun import Begun
from orchestrator.plan import make_plan
from orchestrator.retrying import Retry
from orchestrator.store import Finished
from orchestrator.study import load


def known(**trials) -> dict[str, Finished]:
    return {trial.trial_id: Finished(status) for status, those in trials.items() for trial in those}


@pytest.fixture
def study():
    return load(catalogue.find("lorenz_smoke"), ["seeds.count=8"])


def test_stacks_hold_every_missing_trial_once_and_one_cell_each_or_on_a_gpu_one_context(study):
    done = {trial.trial_id: Finished("ok") for trial in list(study.trials())[:3]}
    plan = make_plan(study, done)
    assert (plan.total, plan.missing) == (24, 21)
    for slots in (1, 2, 7, 100):
        for gpu in (False, True):
            stacks = [stack.trials for stack in plan.stacks(slots=slots, gpu=gpu)]
            ids = [trial.trial_id for stack in stacks for trial in stack]
            assert len(ids) == len(set(ids)) == 21 and not set(ids) & set(done)
            one_each = all(len({trial.cell_id for trial in stack}) == 1 for stack in stacks)
            assert one_each == (not gpu or slots == 100)
            assert all(len({trial.context_id for trial in stack}) == 1 for stack in stacks)
            for stack in stacks:  # cells one after the other
                cells = [cell for cell, _ in itertools.groupby(trial.cell_id for trial in stack)]
                assert len(cells) == len(set(cells))


def test_stacks_are_sized_by_the_device_and_fill_all_slots(study):
    plan = make_plan(study, {})
    assert {len(stack.trials) for stack in plan.stacks(slots=2, gpu=False)} == {4}  # 8 by 5: 4 and 4
    assert [len(stack.trials) for stack in plan.stacks(slots=1, gpu=True)] == [24]
    assert [len(stack.trials) for stack in plan.stacks(slots=3, gpu=True)] == [8, 8, 8]
    assert len(plan.stacks(slots=24, gpu=False)) == 24
    first_round = plan.stacks(slots=2, gpu=False)[:3]
    assert len({stack.trials[0].cell_id for stack in first_round}) == 3
    # By tensor operations the fewer windows go side by side, the more networks.
    many = ["seeds.count=40", "regimes={sparse_forcing={tau=[5,50]}}", "training.sequence_length=200"]

    def sizes(*more: str) -> list[int]:
        asked = load(catalogue.find("lorenz_smoke"), [*many, *more])
        return [
            len(stack.trials) for stack in make_plan(asked, {}).stacks(slots=1, gpu=False, compiled=False)
        ]

    assert sizes() == [7, 20, 6, 20, 7, 7, 6, 7]
    assert sizes("seeds.count=20") == [7, 10, 6, 10, 7]  # two stacks of a cell at least
    # Not where weights or states leave the cache, or a minibatch or a free run is long.
    for larger in ("architectures={plrnn={latent_dim=200}}", "evaluation.steps=400000"):
        assert set(sizes(larger)) == {5}
    assert set(sizes("training.sequence_length=2000", "regimes={clipping={}}")) == {5}


def test_reasons(study):
    trials = list(study.trials())
    plan = make_plan(study, known(ok=trials[:8], diverged=trials[8:9]))
    assert [cell.reason for cell in plan.cells] == ["finished", "7 of 8 seeds missing", "never run"]
    failed = known(failed=trials[:8])
    assert make_plan(study, failed).cells[0].reason == "finished, 8 failed (--retry-failed runs them again)"
    assert make_plan(study, failed, retry=Retry(failed=True)).cells[0].reason == "8 failed, to be tried again"


def test_a_stack_that_was_begun_is_gone_on_with_as_it_is(study):
    trials = list(study.trials())
    now = {cell.cell_id: "code" for cell in study.cells()}
    begun = [
        Begun(tuple(t.trial_id for t in trials[1:4]), 4, "code", "cpu"),
        Begun(tuple(t.trial_id for t in trials[8:10]), 3, "other code", "cpu"),
        Begun(tuple(t.trial_id for t in trials[3:6]), 2, "code", "cpu"),  # shares a trial with the first
        Begun(tuple(t.trial_id for t in trials[16:18]), 1, "code", "cuda"),
    ]
    plan = make_plan(study, known(ok=trials[:1]), fingerprints=now, begun=begun)
    reason = "3 begun, at epoch 4 of 6, 4 of 8 seeds missing, 1 made by other code"
    assert plan.cells[0].reason == f"{reason} (--retry-stale runs them again)"
    assert plan.cells[1].reason == "never run"
    lost = {trial.trial_id: Finished("failed", "worker_lost", "code") for trial in trials[1:6]}
    again = make_plan(study, lost, fingerprints=now, begun=begun[:1]).cells[0]
    assert again.reason == "3 begun, at epoch 4 of 6, 3 of 8 seeds missing, 2 failed, to be tried again"
    on_cpu, on_gpu = (
        [[trials.index(trial) for trial in stack.trials] for stack in plan.stacks(slots=2, gpu=gpu)]
        for gpu in (False, True)
    )
    assert [stack.apart for stack in plan.stacks(slots=2, gpu=False)] == [False, *[True] * (len(on_cpu) - 1)]
    for otherwise in (plan.stacks(slots=2, gpu=False, threads=2), plan.stacks(slots=2, gpu=True)):
        assert not any(stack.apart for stack in otherwise)
    assert on_cpu[0] == [1, 2, 3] and [16, 17] not in on_cpu
    assert [16, 17] in on_gpu and [1, 2, 3] not in on_gpu
    for stacks in (on_cpu, on_gpu):
        assert sorted(itertools.chain(*stacks)) == list(range(1, 24))


def test_a_stack_of_several_cells_is_gone_on_with_whole_or_not_at_all(study):
    trials = list(study.trials())
    now = {cell.cell_id: f"code{place}" for place, cell in enumerate(study.cells())}
    ids = [trial.trial_id for trial in trials]
    both = Begun((*ids[1:4], *ids[9:11]), 3, "code0+code1", "cuda")
    others = [
        Begun((*ids[4:6], *ids[12:14]), 2, "code0", "cuda"),  # by other code
        Begun((*ids[6:7], *ids[10:12]), 1, "code0+code1", "cuda"),  # shares a trial with the first
    ]
    plan = make_plan(study, {}, fingerprints=now, begun=[both, *others])
    assert plan.cells[0].reason == "3 begun, at epoch 3 of 6, 5 of 8 seeds missing"
    assert plan.cells[1].reason == "2 begun, at epoch 3 of 6, 6 of 8 seeds missing"
    first, *rest = ([ids.index(t.trial_id) for t in stack.trials] for stack in plan.stacks(slots=1, gpu=True))
    assert first == [1, 2, 3, 9, 10]
    assert sorted(itertools.chain(first, *rest)) == list(range(24))
    done = known(ok=trials[9:10])
    assert "begun" not in make_plan(study, done, fingerprints=now, begun=[both]).cells[0].reason


def test_a_journal_file_is_whole_or_not_there(tmp_path, monkeypatch):
    row = {"trial_id": "a", "status": "ok", "curves": []}
    path = journal.write(tmp_path, "trials", "one", [row])
    assert pq.read_table(path).to_pylist()[0]["trial_id"] == "a"
    assert journal.files(tmp_path, "trials") == [path]

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        journal.write(tmp_path, "trials", "two", [row])
    assert [p.name for p in (tmp_path / "trials").iterdir()] == ["one.parquet"]


def test_the_journal_refuses_columns_it_does_not_know(tmp_path):
    with pytest.raises(ValueError, match="no column typo in trials"):
        journal.write(tmp_path, "trials", "one", [{"typo": 1}])

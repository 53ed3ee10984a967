"""A stack that was killed goes on where it was, and nobody can tell from its rows."""

import shutil

import pyarrow.parquet as pq
import pytest
import torch

from orchestrator import begun, catalogue, checkpoint, training_run, trial, weights
from orchestrator.models.training import Stack
from orchestrator.study import load

TELLING_TIME = {
    "started_at", "finished_at", "train_seconds", "evaluate_seconds", "epochs_per_second",
    "peak_memory_mib", "resumed",
}  # fmt: skip


class Killed(BaseException):
    """What no handler in the worker catches, as nothing survives a kill."""


@pytest.fixture
def results(smoke, tmp_path):
    """An empty results folder with the data of the smoke study's system."""
    shutil.copytree(smoke.results / "systems", tmp_path / "results" / "systems")
    return tmp_path / "results"


def rows_of(results) -> list[dict]:
    files = sorted((results / "journal" / "trials").glob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    return [{key: value for key, value in row.items() if key not in TELLING_TIME} for row in rows]


def stack_of(architecture: str, regime: str, seeds: int = 3) -> list:
    overrides = [
        f"grid.architecture={architecture}", f"architectures.{architecture}.latent_dim=8",
        f"regimes={{{regime}={{{'' if regime == 'clipping' else 'tau=15'}}}}}",
        f"seeds.count={seeds}", "training.epochs=9", "evaluation.checkpoints=2",
        "evaluation.steps=1000",
    ]  # fmt: skip
    return list(load(catalogue.find("lorenz_smoke"), overrides).trials())


@pytest.mark.parametrize(
    ("architecture", "regime"), [("rnn", "sparse_forcing"), ("plrnn", "zero_reset"), ("lstm", "clipping")]
)
def test_a_stack_killed_at_any_epoch_ends_with_the_same_rows(results, monkeypatch, architecture, regime):
    stack = stack_of(architecture, regime)
    trial.run_stack(stack, results=results)
    undisturbed = rows_of(results)
    parameters = [weights.load(results, member.trial_id) for member in stack]
    assert not list((results / "checkpoints").iterdir())
    shutil.rmtree(results / "journal")
    shutil.rmtree(results / "models")

    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)
    for fatal in (2, 3, 5, 8, 9):

        def die(epoch: int, fatal: int = fatal) -> None:
            if epoch == fatal:
                raise Killed

        with pytest.raises(Killed):
            trial.run_stack(stack, results=results, progress=die)
    trial.run_stack(stack, results=results)
    assert rows_of(results) == undisturbed
    for before, member in zip(parameters, stack, strict=True):
        after = weights.load(results, member.trial_id)
        assert all((after[name] == before[name]).all() for name in before)
    resumed = pq.read_table(results / "journal" / "trials").column("resumed").to_pylist()
    assert set(resumed) == {5}


def test_a_member_that_diverged_before_the_kill_stays_diverged(results, monkeypatch):
    stack = stack_of("rnn", "sparse_forcing")
    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)
    build = trial.Stack

    def spoilt(*arguments, **keywords):
        made = build(*arguments, **keywords)
        with torch.no_grad():
            made.flat[1] = torch.nan
        return made

    monkeypatch.setattr(trial, "Stack", spoilt)
    trial.run_stack(stack, results=results)
    undisturbed = rows_of(results)
    assert [row["status"] for row in undisturbed] == ["ok", "diverged", "ok"]
    shutil.rmtree(results / "journal")

    def die(epoch: int) -> None:
        if epoch == 4:
            raise Killed

    with pytest.raises(Killed):
        trial.run_stack(stack, results=results, progress=die)
    monkeypatch.setattr(trial, "Stack", build)
    trial.run_stack(stack, results=results)
    assert rows_of(results) == undisturbed


def test_a_checkpoint_of_other_code_or_another_device_is_passed_over(results):
    keeper = checkpoint.Keeper(results, ["a", "b"], fingerprint="one", device="cpu")
    assert keeper.load() is None
    keeper.save({"parameters": torch.ones(2)}, {"epoch": 3})
    assert keeper.load().state == {"epoch": 3}
    assert checkpoint.Keeper(results, ["a", "b"], fingerprint="two", device="cpu").load() is None
    assert checkpoint.Keeper(results, ["a", "b"], fingerprint="one", device="cuda:1").load() is None
    whole = keeper.path.read_bytes()
    for damaged in (whole[:-4] + b"\0\0\0\0", whole[:40]):  # the state, which stands last; the file
        keeper.path.write_bytes(damaged)
        assert keeper.load() is None
        assert begun.curves_so_far(results, keeper.path.stem, ["a"]) == []


def test_a_stack_that_memory_does_not_hold_is_run_in_halves(results, monkeypatch):
    stack = stack_of("rnn", "sparse_forcing", seeds=4)
    build = trial.Stack

    def scarce(*arguments, seeds, **keywords):
        if len(seeds) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return build(*arguments, seeds=seeds, **keywords)

    monkeypatch.setattr(trial, "Stack", scarce)
    assert trial.run_stack(stack, results=results).statuses == {"ok": 4}
    assert {row["stack_size"] for row in rows_of(results)} == {1}
    monkeypatch.setattr(trial, "Stack", lambda *_, **__: scarce(seeds=[1, 2]))
    shutil.rmtree(results / "journal")
    assert trial.run_stack(stack[:2], results=results).statuses == {"failed": 2}
    assert {row["failure"] for row in rows_of(results)} == {"out_of_memory"}


def test_a_part_that_was_done_before_its_worker_was_lost_is_not_run_again(results, monkeypatch):
    stack = stack_of("rnn", "sparse_forcing", seeds=3)
    ids = [member.trial_id for member in stack]
    assert begun.parts(results, ids) == 1
    assert [begun.mark_too_large(results, ids) for _ in range(3)] == [2, 3, 3]
    trial.run_stack(stack[:1], results=results)
    ran = []
    monkeypatch.setattr(
        trial, "Stack", lambda *a, seeds, **k: ran.append(seeds) or Stack(*a, seeds=seeds, **k)
    )
    outcome = trial.run_parts(stack, begun.parts(results, ids), results=results, device="cpu", progress=print)
    assert outcome.statuses == {"ok": 3} and ran == [[stack[1].seed], [stack[2].seed]]
    begun.forget(results, ids)
    assert begun.parts(results, ids) == 1

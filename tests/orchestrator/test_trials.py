"""Single trials: shown, set side by side, run again from their kept parameters; and the brake."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from orchestrator import care, catalogue, check, provenance, trained, weights
from orchestrator.callback import Brake
from orchestrator.errors import OrchError, UsageError
from orchestrator.identity import digest
from orchestrator.study import load as load_study
from orchestrator.systems.dataset import load
from orchestrator.systems.measures import MeasureSet


@pytest.fixture(scope="module")
def two(smoke) -> list[dict]:
    """A forced and a clipped trial of the same seed."""
    query = "SELECT * FROM results WHERE seed = 1 AND (tau = 10 OR tau IS NULL) ORDER BY tau"
    return json.loads(smoke.here("sql", query, "--format", "json")[0])


def test_generate_gives_the_run_that_was_evaluated(smoke, two, tmp_path):
    """Measured anew the free run scores what its trial scored, to the last digit."""
    trial = two[0]
    out = tmp_path / "run.npy"
    generate = ["trial", "generate", trial["trial_id"]]
    smoke(*generate, "--steps", "5000", "--standardised", "--out", str(out))
    run = np.load(out)
    data = load("lorenz63", cache=smoke.results / "systems")
    values = MeasureSet(data.test).evaluate(run)
    assert values["orch"]["d_stsp"] == trial["d_stsp"] and values["orch"]["psc"] == trial["psc"]
    x = run[:, 0] * data.sd[0] + data.mean[0]
    smoke("trial", "generate", trial["trial_id"][:10], "--steps", "3", "--out", str(tmp_path / "run.csv"))
    rows = list(csv.reader(io.StringIO((tmp_path / "run.csv").read_text())))
    assert rows[0] == ["x", "y", "z"] and [float(row[0]) for row in rows[1:]] == pytest.approx(x[:3])


def test_a_network_runs_elsewhere_by_what_is_exported(smoke, two, tmp_path):
    """By the words of `network.json` alone, from a start of one's own."""
    trial = two[0]["trial_id"]
    smoke.here("trial", "export", trial, "--out", str(tmp_path / "kept"))
    said = json.loads((tmp_path / "kept" / "network.json").read_text())
    assert "z_t = A z_{t-1} + W max(z_{t-1}, 0) + h" in said["equations"] and said["variables"] == [
        "x",
        "y",
        "z",
    ]
    kept = {k: v.astype(float) for k, v in load_file(tmp_path / "kept" / "parameters.safetensors").items()}
    A, W = np.diag(np.diag(kept["AW"])), kept["AW"] - np.diag(np.diag(kept["AW"]))
    mean, sd = np.array(said["mean"]), np.array(said["sd"])
    z, own = np.linalg.pinv(kept["B"]) @ ((np.array([1.0, 2.0, 60.0]) - mean) / sd), []
    for _ in range(20):
        z = A @ z + W @ np.maximum(z, 0) + kept["h"]
        own.append(kept["B"] @ z * sd + mean)
    out = tmp_path / "run.npy"
    smoke("trial", "generate", trial, "--steps", "20", "--start", "1,2,60", "--out", str(out))
    assert np.load(out) == pytest.approx(np.array(own), rel=1e-3)
    network = trained.load(two[0], smoke.results)
    assert np.load(out) != pytest.approx(network.generate(20), rel=1e-3)
    with pytest.raises(UsageError, match=r"a start has 3 finite values \(x, y, z\), not 1.0, 2.0"):
        network.generate(20, start=[1.0, 2.0])
    wrong = ["trial", "generate", trial, "--out", str(out), "--start", "a,b,c"]
    assert "expected numbers" in smoke.here(*wrong, code=2)[1]


def test_a_network_is_had_with_its_own_data_whatever_their_name_stands_for_now(smoke_copy, two):
    """Of a series that was replaced, or that another machine has: by what the results folder has prepared."""
    results, row = smoke_copy.results, two[0]
    config = {**json.loads(row["config"]), "system": {"name": "gone", "data": "0" * 16}}
    other = {**row, "config": json.dumps(config), "trial_id": digest(config)}
    target = weights.path_of(results, other["trial_id"])
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights.path_of(results, row["trial_id"]), target)
    expected = trained.load(row, results).generate(50)
    np.testing.assert_array_equal(trained.load(other, results).generate(50), expected)
    with pytest.raises(
        OrchError, match=r"the data of trial .* are not in .*systems, and unknown system 'gone'"
    ):
        trained.load({**other, "system_hash": None}, results)
    with pytest.warns(
        UserWarning, match=r"the data of lorenz63 that was trained on \(000000000000\) are not in"
    ):
        taken = trained.load({**row, "system_hash": "0" * 64}, results)
    np.testing.assert_array_equal(taken.generate(50), expected)


def test_rows_say_what_a_network_does_and_how_far_its_gradients_reach(smoke, two):
    forced = two[0]
    assert forced["dynamics"] in ("fixed_point", "cycle", "quasi_periodic", "chaotic")
    spectrum = forced["net_spectrum"]
    assert len(spectrum) == 6 and spectrum == sorted(spectrum, reverse=True)
    assert spectrum[0] == forced["net_lambda_max"] and forced["net_lambda_max_se"] >= 0
    evidence = json.loads(forced["dynamics_evidence"])
    assert evidence["kind"] == forced["dynamics"] and evidence["steps"] > 0 and evidence["runs"] == 16
    assert forced["kaplan_yorke"] == pytest.approx(2.0668, abs=2e-3)  # of the system: 2 + 1.505/22.5
    query = f"""
        SELECT quantity, lag, isinf(value) AND value < 0 AS cut FROM gradients
        WHERE trial_id = '{forced["trial_id"]}' AND epoch = {forced["epochs"]}
    """
    found = json.loads(smoke.here("sql", query, "-f", "json")[0])
    cut = {(row["quantity"], row["lag"]): row["cut"] for row in found}
    # Lags 1 to 50, as the run has 5000 steps; as trained up to 20, as sequences have fewer than 50.
    assert len(cut) == 6 * 6 + 2 * 5 + 2
    # Forced every 10 steps, no state reaches another that is further away; gradients go on.
    beyond = {("ln_jacobian_trained", 20), ("ln_state_gradient_plain", 20)}
    assert {key for key, value in cut.items() if value} == beyond
    curve = "SELECT value FROM curves WHERE quantity = 'net_lambda_max' AND trial_id = "
    values = json.loads(smoke.here("sql", f"{curve} '{forced['trial_id']}' ORDER BY epoch", "-f", "json")[0])
    assert values[-1]["value"] == forced["net_lambda_max"]


def test_report_looks_up_theorems_in_the_networks_that_ran(smoke, two):
    rows = {row["claim"]: row for row in json.loads(smoke.here("report", "--theorems", "-f", "json")[0])}
    assert len(rows) == 15 and rows["Proposition 2"]["verdict"] == "not tested"
    cut = rows["Eq. 94 to 96"]  # of those with τ = 10, by the plain loop and autograd
    assert (cut["trained"], cut["constructed"], cut["verdict"]) == (2, 0, "holds") and cut["highest"] < 1e-9
    assert "across a forcing" in smoke.here("report", "--theorems")[0]
    wrote, _ = smoke.here("report", "--theorems", "--html")
    assert wrote.splitlines()[0].endswith("reports/all-theorems.html")


def test_a_report_is_one_question(smoke):
    complaint = smoke.here("report", "--theorems", "--compare", "clipping", code=2)[1]
    assert "report: --compare, --theorems are of different reports" in complaint


def test_report_sets_exponents_of_networks_beside_those_of_the_data(smoke, two):
    rows = json.loads(smoke.here("report", "--exponents", "--format", "json")[0])
    forced = next(row for row in rows if row["tau"] == 10)
    assert forced["of_data"] == pytest.approx(1.505, abs=0.01)
    assert forced["lowest"] <= two[0]["net_lambda_max"] <= forced["highest"]
    assert (
        sum(forced[kind] for kind in ("chaotic", "quasi_periodic", "cycle", "fixed_point"))
        <= forced["trials"]
    )
    assert "λ_max of the data 1.51" in smoke.here("report", "--exponents")[0]
    assert "did you mean" in smoke.here("report", "lorenz_smok", "--exponents", code=2)[1]


def test_dynamics_lists_fixed_points_where_the_network_has_them(smoke, two):
    out, err = smoke.here("trial", "dynamics", two[0]["trial_id"], "--format", "json")
    network = trained.load(two[0], smoke.results)
    points = json.loads(out)
    assert points and f"free run: {two[0]['dynamics']}" in err
    bound = network.architecture.bind({name: value.double() for name, value in network.parameters.items()})
    for printed, cycle in zip(points, network.cycles([1])[1], strict=True):
        state = tuple(torch.from_numpy(cycle.points.T)[None].split(network.architecture.latent_dim, dim=1))
        (after,) = network.architecture.step(bound, state)
        torch.testing.assert_close(after, state[0], rtol=0, atol=1e-8)
        shown = network.observed(cycle.points)[0]
        assert [printed[name] for name in ("x", "y", "z")] == pytest.approx(list(shown))
        assert (printed["stability"] == "stable") == (printed["lambda"] < 0)


def test_why_names_the_fields_in_which_two_trials_differ(smoke, two):
    out, _ = smoke.here("why", two[0]["trial_id"][:12], two[1]["trial_id"][:12], "--format", "csv")
    fields = {(row[0], row[1]): row[2:] for row in list(csv.reader(io.StringIO(out)))[1:]}
    assert fields["identity", "regime.name"] == ["sparse_forcing", "clipping"]
    assert fields["identity", "regime.tau"] == ["10", ""] and ("identity", "seed") not in fields
    assert ("provenance", "code_fingerprint") in fields
    same = smoke.here("why", two[0]["trial_id"], two[0]["trial_id"])
    assert "one and the same trial" in same[1]


def test_show_and_export_hold_all_that_is_known(smoke, two, tmp_path):
    shown = json.loads(smoke.here("trial", "show", two[0]["trial_id"], "--format", "json")[0])[0]
    assert shown["d_stsp"] == two[0]["d_stsp"] and shown["code_fingerprint"].count("-") == 3
    assert shown["epochs_per_second"] > 0 and shown["peak_memory_mib"] > 10 and shown["resumed"] == 0
    smoke.here("trial", "export", two[0]["trial_id"], "--out", str(tmp_path / "kept"))
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        "trial.json", "curves.csv", "parameters.safetensors", "network.json",
    }  # fmt: skip
    described = json.loads((tmp_path / "kept" / "trial.json").read_text())
    assert described["settings"]["regime.tau"] == 10
    assert described["settings"]["training.learning_rate"] == 1e-3


def test_a_trial_that_is_not_there_is_said_so(smoke, two, tmp_path):
    assert "no trial's id begins with 'ffffffffffff'" in smoke.here("trial", "show", "f" * 12, code=2)[1]
    assert "too short" in smoke.here("why", "ab", two[0]["trial_id"], code=2)[1]
    bad = ["trial", "generate", two[0]["trial_id"], "--out", str(tmp_path / "run.txt")]
    assert "expected a name that ends in .npy, .csv, .parquet" in smoke.here(*bad, code=2)[1]


def test_a_network_that_is_not_the_rows_own_is_found_out(smoke_copy, two):
    one, other = (weights.path_of(smoke_copy.results, trial["trial_id"]) for trial in two)
    own = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.unlink()
    problems = check.check(smoke_copy.results)
    assert len(problems) == 2 and any("holds another network" in problem for problem in problems)
    assert any("no parameters of trial" in problem for problem in problems)
    generate = ["trial", "generate", two[0]["trial_id"], "--out", str(smoke_copy.directory / "run.npy")]
    assert "holds another network than the one" in smoke_copy(*generate, code=1)[1]
    # Another folder that has them mends both.
    there = smoke_copy.directory / "there"
    shutil.copytree(smoke_copy.results / "journal", there / "journal")
    for path, content in ((one, own), (other, one.read_bytes())):
        target = there / path.relative_to(smoke_copy.results)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    assert care.merge(smoke_copy.results, there)["models"] == 2
    assert check.check(smoke_copy.results) == []


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("models/training.py", (0,)), ("models/unrolling/tape.py", (0,)), ("systems/lorenz63.py", (1,)),
        ("models/plrnn.py", (2,)), ("models/unrolling/plrnn.py", (2,)), ("models/unrolling/rnn.py", ()),
        ("systems/lorenz63_published.py", ()), ("models/regimes/sparse_forcing.py", (3,)),
        ("models/regimes/clipping.py", ()),
    ],
)  # fmt: skip
def test_a_fingerprint_moves_with_the_code_that_shapes_the_trial_and_no_other(monkeypatch, file, changed):
    said = provenance._modules()
    assert file in said
    trial = next(load_study(catalogue.find("lorenz_smoke")).cells())
    assert trial.regime.name == "sparse_forcing"
    before = provenance.fingerprint(trial).split("-")
    monkeypatch.setattr(provenance, "_modules", lambda: {**said, file: said[file] + "x"})
    after = provenance._fingerprint.__wrapped__(trial.system, type(trial.architecture), type(trial.regime))
    assert tuple(i for i, part in enumerate(after.split("-")) if part != before[i]) == changed


def test_untracked_folders_and_links_to_nowhere_do_not_hide_the_commit(tmp_path):
    (tmp_path / "nested").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("one")
    said = [provenance._digest_of(tmp_path / name) for name in ("nested", "link", "file")]
    assert said[1] == "unreadable" and len(said[2]) == 64


def test_three_equal_failures_in_a_row_stop_a_study():
    [a, b, *_] = (
        [cell.with_seed(seed) for seed in range(5)]
        for cell in load_study(catalogue.find("lorenz_smoke")).cells()
    )
    brake = Brake(largest=5)
    for error, members in [
        ("KeyError: 1", a),
        ("KeyError: 1", b),
        (None, b),
        ("KeyError: 1", a),
        ("KeyError: 2", b),
    ]:
        brake.note(error, members)
        assert not brake.stop_all()
    brake.note("KeyError: 2", a)
    assert not brake.stop_all()
    brake.note("KeyError: 2", a)
    assert brake.stop_all() and "3 stacks in a row failed with the same error: KeyError: 2" in brake.reason
    brake = Brake(largest=5)
    for part in (a[:3], a[3:4], a[4:]):  # of one stack that was cut
        brake.note("KeyError: 2", part)
        assert not brake.stop_all()
    brake.note("KeyError: 2", b[:1])
    assert brake.stop_all()

"""`orch system`: what is known is listed, what is not is said, and trajectories are written."""

import csv
import json

import numpy as np

from orchestrator.cli import system
from orchestrator.cli.output import Format
from orchestrator.systems import dataset, get, names
from orchestrator.systems.dataset import load
from orchestrator.systems.integrate import trajectory


def test_list_holds_every_system_and_what_is_known_of_it_here(smoke):
    listed = json.loads(smoke.here("system", "list", "--format", "json")[0])
    assert [row["system"] for row in listed] == list(names())
    known = next(row for row in listed if row["system"] == "lorenz63")
    assert 45 < known["tau_pred"] < 47 and 0.01 < known["floor_d_stsp"] < 0.2
    assert next(row for row in listed if row["system"] == "duffing")["lambda_max"] is None
    assert f"{len(listed) - 1} systems were not computed here yet" in smoke.here("system", "list")[1]


def test_show_says_how_exponents_and_floors_came_about(smoke):
    shown = json.loads(smoke.here("system", "show", "lorenz63", "--format", "json")[0])[0]
    assert shown["parameters"] == "sigma = 16, rho = 45.92, beta = 4"
    assert shown["exponents"].count("±") == 3 and "Runge-Kutta" in shown["method"]
    assert shown["d_stsp (published)"].startswith("floor 0.")
    assert "did you mean 'lorenz63'?" in smoke.here("system", "show", "lorentz63", code=2)[1]


def test_show_prints_what_it_cannot_keep(smoke, tmp_path, monkeypatch, capsys):
    data = load("lorenz63", cache=smoke.results / "systems")
    monkeypatch.setattr(dataset, "generate", lambda system: data)
    (tmp_path / "systems").write_text("in the way")
    system.show("lorenz63", Format.json, tmp_path)
    printed = capsys.readouterr()
    assert json.loads(printed.out)[0]["tau_pred"] == data.tau_pred
    assert f"{tmp_path / 'systems'} cannot be written" in printed.err and "is not kept" in printed.err


def test_simulate_writes_the_trajectory_in_the_systems_own_units(orch):
    orch("system", "simulate", "duffing", "--steps", "50", "--out", "run.csv")
    rows = list(csv.reader((orch.directory / "run.csv").read_text().splitlines()))
    assert rows[0] == ["x", "xdot", "cos_wt"] and len(rows) == 51
    states = trajectory(get("duffing"), n_points=50)
    np.testing.assert_array_equal(np.array(rows[1:], dtype=float)[:, :2], states[:, :2])
    assert (
        "ends in .npy, .csv, .parquet" in orch("system", "simulate", "duffing", "--out", "run.txt", code=2)[1]
    )

"""`orch study run` from the file to the verdict, with real Ray and a real database."""

import csv
import io
import json
import signal
import sys
import time
import warnings
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from orchestrator import catalogue, check, cli, journal, lookup, provenance, trial, weights
from orchestrator.cluster import Placement, settled, slots_of
from orchestrator.definitions import unnamed
from orchestrator.errors import UsageError
from orchestrator.plan import make_plan
from orchestrator.planning import plan_study
from orchestrator.rebuilding import rebuild
from orchestrator.retrying import Retry
from orchestrator.store import Store
from orchestrator.study import load

MEASURES = "SELECT trial_id, status, d_stsp, d_h, psc, d_stsp_published, final_loss FROM trials ORDER BY 1"


def rows(orch, query: str) -> list:
    return json.loads(orch.here("sql", query, "--format", "json")[0])


def test_a_run_lands_every_trial_with_its_course_and_definitions(smoke):
    found = rows(smoke, "SELECT * FROM results ORDER BY regime, tau, seed")
    assert [(r["regime"], r["tau"], r["seed"]) for r in found] == [
        ("clipping", None, 0), ("clipping", None, 1),
        ("sparse_forcing", 10, 0), ("sparse_forcing", 10, 1),
        ("sparse_forcing", 30, 0), ("sparse_forcing", 30, 1),
    ]  # fmt: skip
    for row in found:
        assert row["status"] == "ok" and row["d_stsp"] > row["floor_d_stsp"] > 0
        assert row["d_stsp_score"] == row["d_stsp"] < row["ceiling_d_stsp"]
        assert 45 < row["tau_pred"] < 47
        definition = json.loads(row["measure_definitions"])
        assert definition["orch"]["d_stsp"]["bins"] == 30
        assert row["code_version"] and json.loads(row["packages"])["torch"]
    course = rows(smoke, "SELECT DISTINCT epoch FROM curves WHERE quantity = 'd_stsp' ORDER BY 1")
    assert [point["epoch"] for point in course] == [3, 6]
    assert rows(smoke, "SELECT count(*) AS n FROM curves WHERE quantity = 'loss'") == [{"n": 6 * 6}]
    assert rows(smoke, "SELECT seeds, ok FROM cells") == [{"seeds": 2, "ok": 2}] * 3


def test_a_second_run_runs_nothing_and_says_so(smoke_copy):
    before = rows(smoke_copy, MEASURES)
    files = sorted(path.name for path in (smoke_copy.results / "journal" / "trials").iterdir())
    began = time.monotonic()
    out, err = smoke_copy.here("study", "run", "lorenz_smoke")
    assert "all 6 trials are finished, nothing to run" in err and "Verdict" in out
    assert "Ray" not in err and time.monotonic() - began < 60
    assert rows(smoke_copy, MEASURES) == before
    assert sorted(path.name for path in (smoke_copy.results / "journal" / "trials").iterdir()) == files


def test_growing_a_study_runs_only_what_is_new_and_keeps_old_rows(smoke_copy):
    before = rows(smoke_copy, MEASURES)
    grown = ["--set", "seeds.count=3", "--set", "regimes.sparse_forcing.tau=[10, 30]"]
    out, _ = smoke_copy("study", "plan", "lorenz_smoke", *grown, "--format", "csv")
    plan = list(csv.DictReader(io.StringIO(out)))
    assert [(cell["done"], cell["to_run"], cell["reason"]) for cell in plan] == [
        ("2", "1", "1 of 3 seeds missing")
    ] * 3
    # Run here, since Ray takes longer to start than these three trials take.
    study = load(catalogue.find("lorenz_smoke"), grown[1::2])
    finished, _ = Store(smoke_copy.results).known([cell.cell_id for cell in study.cells()])
    for stack in make_plan(study, finished).stacks(slots=1, gpu=False):
        trial.run_stack(stack.trials, results=smoke_copy.results)
    after = rows(smoke_copy, MEASURES)
    assert len(after) == 9 and [row for row in before if row not in after] == []


def test_what_other_code_made_is_run_again_on_request_and_kept(smoke_copy):
    """One of three rows is of other code, and so is its network: both are kept, and no longer count."""
    results, run = smoke_copy.results, ("study", "run", "lorenz_smoke", "--set", "seeds.count=1")
    for path in journal.files(results / "journal", "trials"):
        made = pq.read_table(path).to_pylist()
        for row in made:
            if (row["tau"], row["seed"]) == (10, 0):
                network = weights.path_of(results, row["trial_id"])
                doubled = {name: 2 * value for name, value in load_file(network).items()}
                save_file(doubled, network)
                row |= {"code_fingerprint": "a-b-c-d", "parameters_digest": weights.digest(doubled)}
                other, row["d_stsp"] = row, 5.0
        journal.write(results / "journal", "trials", path.stem, made)
    rebuild(results)
    said = smoke_copy.here(*run)[1]
    assert "nothing to run (1 made by other code: --retry-stale runs them again)" in said
    assert "orch study run STUDY --retry-stale` runs those again" in said  # and no verdict
    cells = plan_study("lorenz_smoke", results, retry=Retry(stale=True)).cells
    reasons = sorted(cell.reason for cell in cells)
    assert reasons == ["1 made by other code, to be run again", "finished", "finished"]
    assert "Verdict" in smoke_copy(*run, "--retry-stale")[0]
    found = {row["trial_id"]: row for row in rows(smoke_copy, "SELECT * FROM trials")}
    now = found.pop(other["trial_id"])
    assert now["anew"] and now["d_stsp"] != 5.0 and now["code_fingerprint"] != "a-b-c-d"
    assert not any(row["anew"] for row in found.values())
    for row in (now, other):
        digest = row["parameters_digest"]
        assert weights.digest(weights.load(results, row["trial_id"], expected=digest)) == digest
    assert check.check(results) == []
    assert plan_study("lorenz_smoke", results, retry=Retry(stale=True)).missing == 0
    told = json.loads(smoke_copy.here("trial", "history", other["trial_id"], "-f", "json")[0])
    assert [(row["counts"], row["d_stsp"], row["code_fingerprint"]) for row in told] == [
        (True, now["d_stsp"], now["code_fingerprint"]), (False, 5.0, "a-b-c-d"),
    ]  # fmt: skip
    assert "a-b-c-d" in smoke_copy.here("trial", "history", other["trial_id"])[0]
    with Store(results).reading() as (connection, _):  # of a row that the database alone has
        (alone,) = lookup.history(connection, smoke_copy.directory, other["trial_id"])
    assert alone["counts"] and alone["d_stsp"] == now["d_stsp"]


def test_a_report_says_which_trials_the_study_does_not_name_now(smoke_copy):
    def said(*overrides: str) -> str:
        study = load(catalogue.find("lorenz_smoke"), list(overrides))
        with Store(smoke_copy.results).reading() as (connection, _):
            ids = [row[0] for row in connection.execute("SELECT trial_id FROM trials").fetchall()]
            return " ".join(unnamed(connection, {"lorenz_smoke": study, "another": study}, ids))

    assert said() == said("description='another'") == said("seeds.count=9") == ""
    assert "2 of 6 trials of lorenz_smoke are" in said("regimes.sparse_forcing.tau=[10]")
    assert "1 of 6" not in said("seeds.count=1") and "3 of 6" in said("seeds.count=1")
    assert "6 of 6" in said("training.epochs=7")
    # What a search, or seeds until a goal is met, may still ask for is named, whoever ran it.
    searched = 'regimes.sparse_forcing.tau={search="lyapunov", trials=4, seeds_per_trial=2}'
    assert said(searched) == said("seeds={until='ci 20%', min=4, max=5}") == ""
    folder = smoke_copy.directory / "studies"
    folder.mkdir(exist_ok=True)
    fewer = catalogue.find("lorenz_smoke").read_text(encoding="utf-8").replace("tau = [10, 30]", "tau = [10]")
    (folder / "lorenz_smoke.toml").write_text(fewer, encoding="utf-8")
    out, err = smoke_copy.here("report", "lorenz_smoke", "--format", "csv")
    assert "2 of 6 trials" in err and "--now leaves out 2 trials of those" in err
    assert {row["tau"] for row in csv.DictReader(io.StringIO(out))} == {"10", "30"}
    out, err = smoke_copy.here("report", "lorenz_smoke", "--format", "csv", "--now")
    assert "2 trials of regimes, settings or data that lorenz_smoke does not name now are left out" in err
    assert {row["tau"] for row in csv.DictReader(io.StringIO(out))} == {"10"}
    (folder / "lorenz_smoke.toml").write_text(fewer.replace("epochs = 6", "epochs = 7"), encoding="utf-8")
    _, err = smoke_copy.here("report", "lorenz_smoke", "--now", code=1)
    assert "no results for lorenz_smoke in the contexts asked for yet. 6 trials of" in err
    _, err = smoke_copy.here("report", "lorenz_smoke", "--now", "--system", "lorenz63", code=1)
    assert "no results" in err and "6 trials of" in err
    (folder / "lorenz_smoke.toml").write_text("broken = [")
    _, err = smoke_copy.here("report", "lorenz_smoke", "--now", code=1)
    assert "what lorenz_smoke names now is not known" in err and "lorenz_smoke.toml" in err
    assert "expected the name of a study" in smoke_copy.here("report", "--now", code=2)[1]
    (folder / "lorenz_smoke.toml").write_text(fewer.replace("epochs = 6", "epochs = 7"), encoding="utf-8")
    assert "4 of 4 trials" in smoke_copy.here("report", "lorenz_smoke", "--tau")[1]


def test_rebuilding_the_database_from_the_journal_gives_the_same_rows(smoke_copy):
    before = rows(smoke_copy, "SELECT * FROM results ORDER BY trial_id")
    (smoke_copy.results / "trials.duckdb").unlink()
    assert rows(smoke_copy, "SELECT * FROM results ORDER BY trial_id") == before


def test_a_database_held_by_someone_else_delays_nothing_and_loses_nothing(smoke_copy):
    """While a foreign process holds the file, readers answer from the journal and say so."""
    store = Store(smoke_copy.results)
    with duckdb.connect(str(store.database)):
        out, err = smoke_copy("sql", "SELECT count(*) AS n FROM trials", "--format", "json")
        assert json.loads(out) == [{"n": 6}] and "held by another process" in err
        smoke_copy("study", "run", "lorenz_smoke")


def test_ctrl_c_stops_cleanly_and_keeps_what_finished(smoke_copy):
    slow = ["--set", "training.epochs=100000", "--set", "seeds.count=1", "--set", "grid.architecture=rnn"]
    process = smoke_copy.start("study", "run", "lorenz_smoke", *slow)
    try:
        wait_for(lambda: "stacks at a time" in process.stderr.readline(), seconds=120)
        time.sleep(4)  # They are placed by then, and train.
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "interrupted: 3 trials are still to be run" in err and "Traceback" not in err
    assert time.monotonic() - began < 45
    assert len(rows(smoke_copy, MEASURES)) == 6
    assert not list((smoke_copy.results / "journal").rglob("*.tmp"))
    assert not (smoke_copy.results / ".ray").exists()


def wait_for(condition, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"


ATTACKS = [
    ("SELEC 1", 1, "syntax error"),
    ("SELECT nonsense FROM trials", 1, "nonsense"),
    ("DELETE FROM trials", 2, "reads and nothing else"),
    ("CREATE TABLE mine AS SELECT 1", 2, "reads and nothing else"),
    ("DROP VIEW results", 2, "reads and nothing else"),
    ("COPY trials TO 'stolen.csv'", 2, "reads and nothing else"),
    ("EXPORT DATABASE 'stolen'", 2, "reads and nothing else"),
    ("ATTACH 'stolen.duckdb'", 2, "reads and nothing else"),
    ("INSTALL httpfs", 2, "reads and nothing else"),
    ("LOAD httpfs", 2, "reads and nothing else"),
    ("SET enable_external_access = true", 2, "reads and nothing else"),
    ("SELECT 1; DELETE FROM trials", 2, "one statement at a time"),
    ("SELECT * FROM read_csv('/etc/passwd')", 1, "disabled"),
    ("SELECT * FROM '/etc/passwd'", 1, "does not exist"),
    ("SELECT * FROM read_text('/etc/passwd')", 1, "disabled"),
    ("SELECT * FROM glob('/etc/*')", 1, "disabled"),
    ("EXPLAIN ANALYZE DELETE FROM trials", 2, "for a select"),
    ("PRAGMA enable_external_access = true", 2, "reads and nothing else"),
    ("PRAGMA database_size", 0, ""),
    ("CALL force_checkpoint()", 1, ""),
    ("EXPLAIN ANALYZE COPY (SELECT 1) TO 'results/trials.duckdb' (FORMAT csv)", 2, "for a select"),
    ("EXPLAIN (ANALYZE) COPY (SELECT 1) TO 'results/trials.duckdb.wal'", 2, "for a select"),
    ("/* */ EXPLAIN ANALYZE COPY (SELECT 1) TO 'results/trials.duckdb'", 2, "for a select"),
    ("WITH gone AS (DELETE FROM trials RETURNING *) SELECT count(*) FROM gone", 1, "read-only"),
    ("EXPLAIN ANALYZE SELECT count(*) FROM trials", 0, ""),
]


@pytest.mark.parametrize(("query", "code", "message"), ATTACKS)
def test_sql_reads_and_nothing_else(smoke, monkeypatch, capsys, query, code, message):
    """In this process: to start one takes longer than what it is for."""
    monkeypatch.chdir(smoke.directory)
    monkeypatch.delenv("ORCH_RESULTS", raising=False)
    monkeypatch.setattr(sys, "argv", ["orch", "sql", query])
    for module, name in ((warnings, "showwarning"), (sys, "excepthook")):  # which a command replaces
        monkeypatch.setattr(module, name, getattr(module, name))
    assert cli._run() == code
    assert message in capsys.readouterr().err.lower()
    assert not list(Path(smoke.directory).glob("stolen*"))


def test_sql_reads_and_nothing_else_while_the_database_is_held(smoke_copy):
    with duckdb.connect(str(smoke_copy.results / "trials.duckdb")):
        for query, code, message in (ATTACKS[12], ATTACKS[-2]):
            _, err = smoke_copy("sql", query, code=code)
            assert message in err.lower()


def test_sql_formats_and_stdin(smoke):
    query = "SELECT regime, NULL AS nothing, count(*) AS n FROM trials GROUP BY 1 ORDER BY 1"
    out, _ = smoke("sql", "-", "--format", "csv", stdin=query)
    assert out == "regime,nothing,n\nclipping,,2\nsparse_forcing,,4\n"
    assert json.loads(smoke.here("sql", query, "-f", "json")[0])[0] == {
        "regime": "clipping", "nothing": None, "n": 2,
    }  # fmt: skip
    assert "sparse_forcing" in smoke.here("sql", query)[0]


def test_report_prints_a_verdict_and_writes_page_and_figure(smoke):
    out, _ = smoke.here("report", "lorenz_smoke", "--compare", "clipping")
    assert "Verdict" in out and "lorenz63 × plrnn" in out
    out, err = smoke.here("report", "lorenz_smoke", "--html", "--architecture", "plrnn")
    assert "lorenz63 × plrnn [" in err
    written = [Path(line) for line in out.splitlines()]
    assert sorted(path.suffix for path in written) == [".html", ".svg"]
    assert all(path.stat().st_size > 1000 and path.parent == smoke.results / "reports" for path in written)
    compared = json.loads(smoke.here("report", "--format", "json")[0])
    assert {row["selection"] for row in compared} == {"tau_pred", "split"}
    assert "| forcing |" in smoke.here("report", "-f", "markdown")[0]
    assert r"\toprule" in smoke.here("report", "-f", "latex", "--measure", "psc")[0]


def test_report_says_in_a_sentence_what_it_cannot_do(smoke, orch):
    assert "no results in" in orch.here("report", code=1)[1]
    assert "clipping" in smoke.here("report", "--compare", "cliping", code=2)[1]
    assert "lorenz_smoke" in smoke.here("report", "lorenz_smok", code=2)[1]
    assert "did you mean 'plrnn'" in smoke.here("report", "--architecture", "plrn", code=2)[1]
    assert "one of them at a time" in smoke.here("report", "--html", "-f", "csv", code=2)[1]
    assert "no page of their own" in smoke.here("report", "--html", "--exponents", code=2)[1]
    assert "no results in" in orch.here("report", "--html", code=1)[1]
    assert "orch study run theorems" in orch.here("report", "theorems", code=1)[1]
    assert "`orch study run theorems` makes some" in smoke.here("report", "theorems", code=1)[1]


def test_a_trial_that_fails_is_a_row_and_the_study_goes_on(tmp_path, monkeypatch):
    """A bug inside a stack is journalled with its traceback; the plan knows it."""
    monkeypatch.setattr(trial, "load", lambda *_, **__: 1 / 0)
    study = load(catalogue.find("lorenz_smoke"))
    stack = list(study.trials())[:2]
    outcome = trial.run_stack(stack, results=tmp_path)
    assert outcome.statuses == {"failed": 2} and "ZeroDivisionError" in outcome.error
    store = Store(tmp_path)
    store.ingest()
    finished, _ = store.known([cell.cell_id for cell in study.cells()])
    fingerprint = provenance.fingerprint(stack[0])
    assert finished == {t.trial_id: ("failed", "bug", fingerprint) for t in stack}
    assert make_plan(study, finished).missing == 4
    assert make_plan(study, finished, retry=Retry(failed=True)).missing == 6
    with store.reading() as (connection, _):
        reason, score = connection.execute("SELECT reason, d_stsp_score FROM results").fetchone()
    assert "ZeroDivisionError" in reason and score is None


@pytest.mark.parametrize(
    ("resources", "options", "slots"),
    [
        ({"CPU": 2.0}, {}, 2),
        ({"CPU": 16.0, "GPU": 2.0}, {"gpus_per_trial": 0.5}, 4),
        ({"CPU": 16.0, "GPU": 1.0}, {"gpus_per_trial": 0.5, "cpus_per_trial": 16.0}, 1),
        ({"CPU": 8.0, "GPU": 2.0}, {"gpus_per_trial": 0.6}, 2),
        ({"CPU": 2.0}, {"gpus_per_trial": 7.0}, "--gpus-per-trial 7: there are 0 GPUs"),
        ({"CPU": 2.0}, {"cpus_per_trial": 3.0}, "--cpus-per-trial 3: there are 2 CPUs"),
    ],
)
def test_slots_are_what_the_resources_hold(resources, options, slots):
    if isinstance(slots, int):
        placement = settled(resources, Placement(**options))
        assert slots_of(resources, placement) == slots
        assert placement.cpus_per_trial == (options.get("cpus_per_trial") or (4.0 if options else 1.0))
    else:
        with pytest.raises(UsageError, match=slots):
            slots_of(resources, settled(resources, Placement(**options)))


def test_resources_that_are_not_there_are_named_before_anything_is_begun(orch):
    _, err = orch("study", "run", "lorenz_smoke", "--cpus-per-trial", "999", code=2)
    assert "--cpus-per-trial 999: there are" in err and not orch.results.exists()

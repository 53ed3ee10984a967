"""Old files, damaged files, many files, others' files: nothing is lost, and what is wrong is named."""

import os
import shutil
import tarfile
import warnings
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from orchestrator import care, check, journal, schema
from orchestrator.errors import OrchError, UsageError
from orchestrator.rebuilding import rebuild
from orchestrator.store import NoResultsError, Store
from orchestrator.systems import cache

SUMMARY = "SELECT regime_label, seed, status, failure, round(d_stsp, 3) FROM trials ORDER BY ALL"
OLD = [
    ("clipping", 0, "ok", None, 13.301),
    ("sparse_forcing(tau=10)", 0, "ok", None, 13.3),
    ("sparse_forcing(tau=10)", 1, "failed", "bug", None),
    ("sparse_forcing(tau=10)", 2, "failed", "worker_lost", None),
    ("sparse_forcing(tau=30)", 0, "ok", None, 13.301),
]


@pytest.fixture
def old(tmp_path) -> Path:
    """A results folder as version 1 left it."""
    with tarfile.open(Path(__file__).parent / "fixtures" / "version-1.tar.gz") as archive:
        archive.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


def query(results: Path, text: str) -> list[tuple]:
    with Store(results).reading() as (connection, _):
        return connection.execute(text).fetchall()


def trials(results: Path) -> list[dict]:
    with Store(results).reading() as (connection, _):
        cursor = connection.execute("SELECT * FROM trials ORDER BY trial_id")
        names = [item[0] for item in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_a_database_of_version_1_is_migrated_and_keeps_its_rows(old):
    assert query(old, SUMMARY) == OLD
    assert query(old, "SELECT value FROM meta WHERE key = 'schema_version'") == [
        (str(journal.SCHEMA_VERSION),)
    ]
    assert query(old, "SELECT count(code_fingerprint), count(resumed) FROM results") == [(0, 0)]
    journal.write(old / "journal", "trials", "new", [{"trial_id": "n", "status": "ok", "resumed": 1}])
    assert query(old, "SELECT resumed FROM trials WHERE trial_id = 'n'") == [(1,)]


@pytest.mark.parametrize("made", ["migrated", "anew"])
def test_every_column_says_what_it_is(old, made):
    if made == "anew":
        rebuild(old)
    rows = query(old, "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal")
    said = {(table, column): comment for table, column, comment in rows if table in schema.tables()}
    assert [key for key, comment in said.items() if not comment] == []
    assert schema.descriptions().keys() <= said.keys()
    assert said["results", "d_stsp"] == said["trials", "d_stsp"] == schema.descriptions()["trials", "d_stsp"]
    assert said["cells", "tau_pred"] == schema.descriptions()["systems", "tau_pred"]
    listed = care.columns(old)
    assert [(row["table"], row["column"], row["description"]) for row in listed] == [
        (table, *key[1:], comment)
        for table in schema.tables() for key, comment in said.items() if key[0] == table
    ]  # fmt: skip


@pytest.mark.parametrize("made", ["migrated", "anew"])
def test_cells_have_the_settings_that_studies_vary(old, made):
    if made == "anew":
        rebuild(old)
    assert query(old, "SELECT DISTINCT latent_dim, epochs, sequence_length, learning_rate FROM cells") == [
        query(old, "SELECT latent_dim, epochs, sequence_length, learning_rate FROM trials LIMIT 1")[0]
    ]
    of = ("system.name", "system.rho", "system.noise", "architecture.latent_dim", "training.learning_rate")
    asked = ", ".join(f"settings->>'$.{name}'" for name in of)  # which version 1 had only as far as chosen
    assert query(old, f"SELECT DISTINCT {asked} FROM cells") == [("lorenz63", "45.92", "0.0", "30", "0.001")]
    journal.write(old / "journal", "trials", "odd", [{"trial_id": "n", "config": '{"system": {}}'}])
    assert query(old, "SELECT settings FROM trials WHERE trial_id = 'n'") == [("{}",)]


def test_columns_are_told_before_there_are_results(tmp_path):
    assert {row["column"]: row["type"] for row in care.columns(tmp_path, "study_trials")} == {
        "study": "VARCHAR", "trial_id": "VARCHAR",
    }  # fmt: skip
    with pytest.raises(UsageError, match="no table 'cels'; did you mean 'cells'"):
        care.columns(tmp_path, "cels")
    assert not list(tmp_path.iterdir())


def test_a_rebuild_from_a_journal_of_version_1_gives_the_same(old):
    assert rebuild(old) == 5
    assert query(old, SUMMARY) == OLD


def test_a_newer_database_or_journal_file_is_refused_by_name(old):
    with duckdb.connect(str(old / "trials.duckdb")) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(OrchError, match=r"schema version 99.*install a newer one"):
        query(old, SUMMARY)
    (old / "trials.duckdb").unlink()
    table = pq.read_table(journal.files(old / "journal", "trials")[0])
    table = table.replace_schema_metadata({"orch_schema_version": "99"})
    pq.write_table(table, old / "journal" / "trials" / "zzz.parquet")
    with pytest.warns(UserWarning, match=r"zzz\.parquet was written by a newer version"):
        assert query(old, SUMMARY) == OLD


def test_a_truncated_journal_file_is_set_aside_and_the_rest_kept(old):
    victim = journal.files(old / "journal", "trials")[0]
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    (old / "trials.duckdb").unlink()
    with pytest.warns(UserWarning, match=f"{victim.name} cannot be read"):
        assert len(query(old, SUMMARY)) == 4
    assert victim.exists()  # so young a file may be on its way here
    os.utime(victim, (1e9, 1e9))
    assert any(victim.name in problem for problem in check.check(old))
    with pytest.warns(UserWarning, match="it is now .*damaged"):
        rebuild(old)
    aside = old / "journal" / "damaged" / f"trials-{victim.name}"
    assert not victim.exists() and aside.read_bytes() == whole[: len(whole) // 2]
    assert any(aside.name in problem for problem in check.check(old))


def test_a_damaged_database_is_set_aside_and_made_again(old):
    (old / "trials.duckdb").write_bytes(b"garbage" * 1000)
    assert rebuild(old) == 5 and query(old, SUMMARY) == OLD
    (aside,) = old.glob("trials.duckdb.damaged-*")
    assert aside.read_bytes() == b"garbage" * 1000
    assert check.check(old) == []


def test_a_rebuild_takes_back_what_the_database_alone_has(smoke_copy):
    results = smoke_copy.results

    def everything() -> list[str]:
        tables = ("trials", "curves", "gradients", "studies", "study_trials", "systems")
        return [repr(query(results, f"FROM {table} ORDER BY ALL")) for table in tables]

    before = everything()
    victim = journal.files(results / "journal", "trials")[0]
    victim.write_bytes(victim.read_bytes()[:300])
    os.utime(victim, (1e9, 1e9))
    for kind in ("studies", "systems"):
        for path in journal.files(results / "journal", kind):
            path.unlink()
    assert any("writes them back" in problem for problem in check.check(results))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert rebuild(results) == 6
    assert sum("database alone" in str(warning.message) for warning in said) == 3
    assert everything() == before
    (results / "trials.duckdb").unlink()  # the journal alone
    assert everything() == before
    shutil.rmtree(results / "journal")  # the database alone
    assert "all 6 trials are finished" in smoke_copy("study", "run", "lorenz_smoke")[1]
    assert any("holds 6 trials that the journal has not" in problem for problem in check.check(results))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert rebuild(results) == 6
    assert check.check(results) == [] and everything()[:3] == before[:3]


def test_compacting_keeps_every_row_and_survives_being_killed_half_way(old, monkeypatch):
    before = trials(old)
    curves = query(old, "SELECT * FROM curves ORDER BY ALL")

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)  # the new file is there, the old ones are too
        with pytest.raises(KeyboardInterrupt):
            care.compact(old)
    assert trials(old) == before
    assert care.compact(old) == (6, 1)
    assert trials(old) == before
    assert query(old, "SELECT * FROM curves ORDER BY ALL") == curves
    assert check.check(old) == []


def test_compacting_leaves_alone_what_a_newer_version_wrote(old):
    newer = journal.files(old / "journal", "trials")[0]
    table = pq.read_table(newer).replace_schema_metadata({"orch_schema_version": "99"})
    pq.write_table(table, newer)
    content = newer.read_bytes()
    with pytest.warns(UserWarning, match="written by a newer version"):
        assert care.compact(old) == (5, 2)
    assert newer.read_bytes() == content


def test_merging_takes_what_is_new_and_nothing_twice(old, tmp_path):
    here = tmp_path / "here"
    journal.write(here / "journal", "trials", "own", [{"trial_id": "own", "status": "ok"}])
    model = old / "models" / "ab" / "abc.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"weights")
    data = old / "systems" / "lorenz63-0123456789ab.npz"
    cache.write(data, content_hash="", arrays={"train": np.zeros(3)}, metadata={})
    (here / "systems").mkdir()
    (here / "systems" / data.name).write_bytes(b"damaged")
    (old / "systems" / "other.npz").write_bytes(b"damaged")
    assert care.merge(here, old) == {"files": 7, "models": 1, "data": 1, "before": 1, "after": 6}
    assert (here / "systems" / data.name).read_bytes() == data.read_bytes()
    assert not (here / "systems" / "other.npz").exists()
    assert care.merge(here, old) == {"files": 0, "models": 0, "data": 0, "before": 6, "after": 6}
    assert query(here, SUMMARY)[:5] == OLD
    # Another file of a name that is taken here is no reason to lose it.
    name = journal.files(old / "journal", "trials")[0].name
    journal.write(
        old / "journal", "trials", name.removesuffix(".parquet"), [{"trial_id": "x", "status": "ok"}]
    )
    assert care.merge(here, old)["after"] == 7
    kept = here / "models" / "ab" / "abc.safetensors"
    save_file(
        {"B": np.ones(3)}, kept
    )  # a network that can be read does not give way, nor get company that cannot
    assert care.merge(here, old)["models"] == 0 and load_file(kept)["B"].sum() == 3
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    save_file({"B": np.zeros(3)}, model)
    assert care.merge(here, old)["models"] == 1 and care.merge(here, old)["models"] == 0
    assert len(list(kept.parent.iterdir())) == 2 and load_file(kept)["B"].sum() == 3
    for bad in (here, tmp_path / "nothing"):
        with pytest.raises(UsageError):
            care.merge(here, bad)


def test_an_export_writes_all_tables_or_none(old, tmp_path):
    written = care.export(old, tmp_path / "out", form="parquet")
    there = query(old, "SELECT table_name FROM information_schema.tables")
    assert {path.stem for path in written} == {name for (name,) in there} - set(schema.BOOKKEEPING)
    assert "gradients" in {path.stem for path in written}
    assert pq.read_table(tmp_path / "out" / "trials.parquet").num_rows == 5
    with pytest.raises(UsageError, match="exists already"):
        care.export(old, tmp_path / "out", form="parquet")
    with pytest.raises(NoResultsError):
        care.export(tmp_path / "empty", tmp_path / "new", form="csv")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OrchError, match="cannot be written"):
        care.export(old, tmp_path / "file", form="csv")


def test_what_is_printed_arrives_whatever_the_environment_says(orch, old, monkeypatch):
    report = ("report", "--results", str(old))
    usual = orch(*report)[0]
    monkeypatch.setenv("COLUMNS", "0")
    assert orch(*report)[0] == usual and "τ_pred" in usual
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "?_pred" in orch(*report)[0]
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    for form in "csv", "json":
        asked = ("sql", "-", "--results", str(old), "--format", form)
        assert "τ é" in orch(*asked, stdin="SELECT 'τ é' AS x")[0]


def test_check_sees_forged_rows_and_a_database_that_differs(old):
    assert check.check(old) == []
    row = pq.read_table(journal.files(old / "journal", "trials")[0]).to_pylist()[0]
    journal.write(old / "journal", "trials", "forged", [{**row, "trial_id": "0" * 64}])
    assert any("does not have the settings its id says" in problem for problem in check.check(old))
    with duckdb.connect(str(old / "trials.duckdb")) as connection:
        connection.execute("UPDATE trials SET d_stsp = 0.01 WHERE status = 'ok'")
        connection.execute(
            "DELETE FROM trials WHERE trial_id = (SELECT min(trial_id) FROM trials WHERE status = 'ok')"
        )
    noted: list[str] = []
    problems = check.check(old, note=noted.append)
    assert any("has 2 trials otherwise than the journal" in problem for problem in problems)
    assert any("lacks 1 trial of the journal; `orch db rebuild" in problem for problem in problems)
    assert [note.partition(": ")[2] for note in noted] == ["has not taken in 1 trial of the journal yet"]

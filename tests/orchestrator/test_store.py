"""The database is an index of the journal: behind, locked, damaged or gone, nothing is lost."""

import warnings

import duckdb
import pytest

from orchestrator import journal
from orchestrator.errors import OrchError
from orchestrator.store import Store


def row(trial: str, status: str = "ok", **more):
    return {"trial_id": trial, "cell_id": "c", "status": status, "d_stsp": 1.0, "ceiling_d_stsp": 16.0,
            "curves": [{"epoch": 1, "quantity": "loss", "value": 0.5}], **more}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "results")
    journal.write(made.journal, "trials", "one", [row("a"), row("b", "diverged", d_stsp=None)])
    return made


def statuses(store) -> dict[str, str]:
    with store.reading() as (connection, _):
        return dict(connection.execute("SELECT trial_id, status FROM trials ORDER BY 1").fetchall())


def test_what_the_database_lacks_comes_in_before_it_is_read(store):
    assert statuses(store) == {"a": "ok", "b": "diverged"}
    journal.write(store.journal, "trials", "two", [row("c")])
    finished, _ = store.known(["c", "another"])
    assert {key: known.status for key, known in finished.items()} == {"a": "ok", "b": "diverged", "c": "ok"}
    assert store.ingest() == 0


def test_a_trial_has_one_row_and_failed_ones_give_way(store):
    journal.write(store.journal, "trials", "two", [row("a", d_stsp=9.0), row("d", "failed", reason="first")])
    statuses(store)
    journal.write(store.journal, "trials", "three", [row("d", "failed", reason="second")])
    query = "SELECT trial_id, status, d_stsp, reason FROM trials WHERE trial_id IN ('a', 'd') ORDER BY 1"
    with store.reading() as (connection, _):
        found = connection.execute(query).fetchall()
        assert found == [("a", "ok", 1.0, None), ("d", "failed", 1.0, "second")]
    journal.write(store.journal, "trials", "four", [row("d")])
    assert statuses(store)["d"] == "ok"
    with store.reading() as (connection, _):
        points = connection.execute("SELECT trial_id, count(*) FROM curves GROUP BY 1 ORDER BY 1").fetchall()
        assert points == [("a", 1), ("b", 1), ("d", 1)]


def test_blown_up_seeds_score_the_ceiling_and_failed_ones_nothing(store):
    journal.write(store.journal, "trials", "two", [row("d", "failed", d_stsp=None, ceiling_d_stsp=None)])
    with store.reading() as (connection, _):
        scores = connection.execute("SELECT trial_id, d_stsp_score FROM results ORDER BY 1").fetchall()
        assert scores == [("a", 1.0), ("b", 16.0), ("d", None)]
        cell = "SELECT seeds, ok, diverged, failed, round(d_stsp_geomean, 6) FROM cells"
        assert connection.execute(cell).fetchone() == (3, 1, 1, 1, 4.0)


def test_a_journal_file_that_cannot_be_read_is_named_and_passed_over(store):
    bad = store.journal / "trials" / "zzz.parquet"
    bad.write_bytes(b"PAR1 not quite")
    with pytest.warns(UserWarning, match=r"zzz\.parquet cannot be read"):
        assert statuses(store) == {"a": "ok", "b": "diverged"}
    assert bad.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        journal.write(store.journal, "trials", "two", [row("c")])
        assert len(statuses(store)) == 3


def test_a_database_without_tables_is_filled(store):
    duckdb.connect(str(store.database)).close()
    assert len(statuses(store)) == 2


def test_a_damaged_database_is_named_and_the_journal_answers(store):
    store.database.write_bytes(b"garbage" * 1000)
    with pytest.raises(OrchError, match=r"trials\.duckdb cannot be used.*`orch db rebuild`"):
        store.ingest()
    with store.reading() as (connection, source):
        assert source.what == "journal" and "cannot be used" in source.why
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (2,)
    assert store.database.read_bytes().startswith(b"garbage")

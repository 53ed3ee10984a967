"""The database is an index of the journal: behind, locked, damaged or gone, nothing is lost."""

import math
import os
import random
import time
import warnings
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator import ingest, journal
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


@pytest.mark.parametrize("links", [True, False])
def test_nobody_sees_a_database_that_is_being_made(tmp_path, monkeypatch, links):
    store, opened, connect = Store(tmp_path), [], duckdb.connect

    def seen(path: str, **options):
        opened.append((Path(path) == store.database, store.database.exists()))
        return connect(path, **options)

    def no_links(*_):
        raise OSError("not on this file system")

    monkeypatch.setattr(duckdb, "connect", seen)
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    assert store.ingest() == 0
    assert opened == [(False, False), (True, links)]
    assert [path.name for path in tmp_path.iterdir()] == ["trials.duckdb"]


def test_what_the_database_lacks_comes_in_before_it_is_read(store):
    assert statuses(store) == {"a": "ok", "b": "diverged"}
    journal.write(store.journal, "trials", "two", [row("c")])
    finished, _ = store.known(["c", "another"])
    assert {key: known.status for key, known in finished.items()} == {"a": "ok", "b": "diverged", "c": "ok"}
    assert store.ingest() == 0


def test_a_lock_let_go_between_two_looks_hides_nothing(store, monkeypatch):
    """What a reader saw in the journal while another process held the database is there afterwards, too."""
    assert store.ingest() == 1
    journal.write(store.journal, "trials", "two", [row("c")])
    held, connect = iter([True]), duckdb.connect

    def connect_once_it_is_free(*arguments, **options):
        if next(held, False):
            raise duckdb.IOException("Could not set lock on file: Conflicting lock is held")
        return connect(*arguments, **options)

    monkeypatch.setattr(duckdb, "connect", connect_once_it_is_free)
    assert statuses(store) == {"a": "ok", "b": "diverged", "c": "ok"}


@pytest.mark.parametrize("seen_whole", [False, True])
def test_what_is_compacted_while_it_is_read_is_not_missed(store, monkeypatch, seen_whole):
    """Files go, and their rows with them into another one, after they were listed, or looked at."""
    journal.write(store.journal, "trials", "two", [row("c")])
    before = journal.files(store.journal, "trials")

    def compacted() -> None:
        table = pa.concat_tables([pq.read_table(path) for path in before])
        journal.write_table(store.journal, "trials", "compacted", table)
        for path in before:
            path.unlink()

    def once_compacted(function, at):
        def wrapped(*arguments):
            found = function(*arguments)
            if at(*arguments) and all(path.exists() for path in before):
                compacted()
            return found

        return wrapped

    if seen_whole:
        monkeypatch.setattr(
            ingest, "is_whole", once_compacted(ingest.is_whole, lambda path: path == before[-1])
        )
    else:
        monkeypatch.setattr(journal, "files", once_compacted(journal.files, lambda _, kind: kind == "trials"))
    with duckdb.connect(str(store.database)) as connection:
        ingest.ingest(connection, store.journal)
        found = connection.execute("SELECT trial_id FROM trials ORDER BY 1").fetchall()
    assert found == [("a",), ("b",), ("c",)]


def test_a_trial_has_one_row_and_failed_ones_give_way(store):
    first = row("d", "failed", reason="first", finished_at=datetime(2026, 1, 1))
    journal.write(store.journal, "trials", "two", [row("a", d_stsp=9.0), first])
    statuses(store)
    second = row("d", "failed", reason="second", finished_at=datetime(2026, 1, 2))
    journal.write(store.journal, "trials", "three", [second])
    query = "SELECT trial_id, status, d_stsp, reason FROM trials WHERE trial_id IN ('a', 'd') ORDER BY 1"
    with store.reading() as (connection, _):
        found = connection.execute(query).fetchall()
        assert found == [("a", "ok", 1.0, None), ("d", "failed", 1.0, "second")]
    journal.write(store.journal, "trials", "four", [row("d")])
    assert statuses(store)["d"] == "ok"
    with store.reading() as (connection, _):
        points = connection.execute("SELECT trial_id, count(*) FROM curves GROUP BY 1 ORDER BY 1").fetchall()
        assert points == [("a", 1), ("b", 1), ("d", 1)]


RUNS = (
    ("unbounded", True, 8), ("ok", True, 7), ("diverged", False, 3), ("ok", False, 10),
    ("pruned", True, 6), ("pruned", False, 5), ("pruned", False, 2), ("failed", True, 9),
    ("failed", False, 1),
)  # fmt: skip
"""Runs of one trial: how each ended, whether it was to replace what other code had made, and when; each
counts before those after it."""


def test_which_run_of_a_trial_counts_does_not_depend_on_the_order(tmp_path):
    draw = random.Random(1)
    for attempt in range(8):
        there = draw.sample(RUNS, attempt + 2)
        with duckdb.connect() as connection:
            for place, (status, anew, day) in enumerate(there):
                run = row("a", status, anew=anew, finished_at=datetime(2026, 1, day))
                journal.write(tmp_path / f"{attempt}", "trials", f"{place}", [run])
                if draw.random() < 0.6:  # else it comes in together with the next
                    ingest.ingest(connection, tmp_path / f"{attempt}")
            ingest.ingest(connection, tmp_path / f"{attempt}")
            found = connection.execute("SELECT status, anew, day(finished_at) FROM trials").fetchall()
        assert found == [min(there, key=RUNS.index)]


def test_blown_up_seeds_score_the_ceiling_and_failed_ones_nothing(store):
    journal.write(store.journal, "trials", "two", [row("d", "failed", d_stsp=None, ceiling_d_stsp=None)])
    with store.reading() as (connection, _):
        scores = connection.execute("SELECT trial_id, d_stsp_score FROM results ORDER BY 1").fetchall()
        assert scores == [("a", 1.0), ("b", 16.0), ("d", None)]
        cell = "SELECT seeds, ok, diverged, failed, round(d_stsp_geomean, 6) FROM cells"
        assert connection.execute(cell).fetchone() == (3, 1, 1, 1, 4.0)


def test_cells_count_what_was_given_up_and_score_spectra_as_reports_do(store):
    """In cell c one stands still and one blew up; in `short` no run can have a spectrum, good or not."""
    spectra = {"d_h": 0.1, "psc": 0.9, "floor_d_h": 0.05, "floor_psc": 0.99}
    short = {"cell_id": "short", "floor_d_h": math.inf, "floor_psc": math.inf}
    rows = [row("d", **spectra), row("e", "pruned"), row("f", **short), row("g", "diverged", **short)]
    journal.write(store.journal, "trials", "two", rows)
    cells = "SELECT cell_id, seeds, pruned, d_h_median, psc_median FROM cells ORDER BY 1"
    with store.reading() as (connection, _):
        assert connection.execute(cells).fetchall() == [
            ("c", 3, 1, 1.0, -1.0), ("short", 2, 0, None, None),
        ]  # fmt: skip


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
    with pytest.raises(OrchError, match=r"trials\.duckdb cannot be used.*`orch db rebuild --results .*`"):
        store.ingest()
    with store.reading() as (connection, source):
        assert source.what == "journal" and "cannot be used" in source.why
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (2,)
    assert store.database.read_bytes().startswith(b"garbage")


def damage(path, at: int = 6, length: int = 400) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + length] = bytes(b ^ 0xFF for b in content[at : at + length])
    path.write_bytes(content)


def test_a_file_damaged_in_the_middle_is_named_and_the_others_are_taken_in(store):
    whole = journal.write(store.journal, "trials", "two", [row(f"t{i}") for i in range(50)])
    damage(whole)
    os.utime(whole, (0, 0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert statuses(store) == {"a": "ok", "b": "diverged"}
    assert "two.parquet cannot be read and is left out" in str(caught[0].message)
    assert [path.name for path in (store.journal / "damaged").iterdir()] == ["trials-two.parquet"]


def test_a_file_that_was_seen_half_written_is_taken_in_when_it_is_whole(store):
    path = journal.write(store.journal, "trials", "two", [row("c")])
    content = path.read_bytes()
    path.write_bytes(content[:300])
    settled = time.time_ns() - 10**10
    os.utime(path.parent, ns=(settled, settled))
    with pytest.warns(UserWarning, match=r"two\.parquet cannot be read"):
        assert set(statuses(store)) == {"a", "b"}
    with path.open("ab") as file:  # in place, as a copy goes on: the folder shows nothing
        file.write(content[300:] if path.stat().st_size else content)
    assert path.stat().st_mtime_ns and path.parent.stat().st_mtime_ns == settled
    assert set(statuses(store)) == {"a", "b", "c"}


def test_a_damaged_block_is_said_with_what_mends_it(store):
    store.ingest()
    with (
        pytest.raises(OrchError, match=r"trials.duckdb cannot be used: .*`orch db rebuild --results .*`"),
        store.reading(),
    ):
        raise duckdb.IOException("Corrupt database file: computed checksum 1 does not match 2")


@pytest.mark.parametrize("order", [("early", "late"), ("late", "early")])
def test_which_of_two_rows_stays_does_not_depend_on_which_came_first(store, order):
    when = {"early": datetime(2026, 1, 1), "late": datetime(2026, 1, 2)}
    for name in order:
        rows = [
            row("x", finished_at=when[name], host=name),
            row("f", "failed", finished_at=when[name], host=name),
        ]
        journal.write(store.journal, "trials", name, rows)
        assert store.ingest()
    with store.reading() as (connection, _):
        found = dict(
            connection.execute("SELECT trial_id, host FROM trials WHERE host IS NOT NULL").fetchall()
        )
    assert found == {"x": "early", "f": "late"}


def test_views_count_and_leave_out_what_is_not_a_number(store):
    nan = float("nan")
    journal.write(
        store.journal, "trials", "nan", [row("n", d_stsp=nan), row("m", "diverged", ceiling_d_stsp=nan)]
    )
    store.ingest()
    with store.reading() as (connection, _):
        cell = connection.execute("SELECT seeds, scored, d_stsp_geomean, d_stsp_max FROM cells").fetchone()
    assert cell == (4, 2, pytest.approx(4.0), 16.0)


def test_kaplan_yorke_dimension_of_a_spectrum_and_of_none(store):
    spectra = {
        "[0.9, 0.0, -14.6]": 2 + 0.9 / 14.6,
        "[2.0, -1.0, -0.5, -3.0]": 3 + 0.5 / 3,
        "[-0.1, -0.2]": 0.0,
        "[0.5, '-inf'::DOUBLE]": 1.0,
        "[0.1, 0.05, 0.0]": None,  # too short to say
        "[]": None,
        "NULL": None,
    }
    with store.reading() as (connection, _):
        for spectrum, dimension in spectra.items():
            (found,) = connection.execute(f"SELECT kaplan_yorke({spectrum})").fetchone()
            assert found == (None if dimension is None else pytest.approx(dimension)), spectrum


def test_gradients_come_in_with_their_trial_and_leave_with_it(store):
    cut = [{"epoch": 5, "quantity": "ln_jacobian_trained", "lag": 20, "value": float("-inf")}]
    journal.write(store.journal, "trials", "g1", [row("g", "failed", gradients=[{**cut[0], "lag": 1}])])
    store.ingest()
    journal.write(store.journal, "trials", "g2", [row("g", gradients=cut)])
    store.ingest()
    with store.reading() as (connection, _):
        found = connection.execute("SELECT * FROM gradients").fetchall()
    assert found == [("g", 5, "ln_jacobian_trained", 20, float("-inf"))]

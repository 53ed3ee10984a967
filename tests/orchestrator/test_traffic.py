"""Reading while writing: two writers and eight readers at once, and a stranger who holds the file."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestrator import care, check, journal
from orchestrator.store import Store

TRAFFIC = str(Path(__file__).with_name("traffic.py"))


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_two_writers_and_eight_readers_see_no_error_and_lose_no_row(tmp_path, seconds, capsys):
    until = str(time.time() + 3 + seconds)
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", TRAFFIC, what, str(tmp_path), f"{what}{i}", until],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for what, count in (("write", 2), ("read", 8))
        for i in range(count)
    ]
    said = [process.communicate(timeout=seconds + 60) for process in running]
    assert [err for _, err in said if err] == []
    assert all(process.returncode == 0 for process in running)
    written = [int(out) for out, _ in said[:2]]
    reads = [tuple(map(int, out.split())) for out, _ in said[2:]]
    with capsys.disabled():
        print(f"\nrows by two writers {written}; reads, and of these from the journal, by eight: {reads}")
    assert min(written) > 0 and min(count for count, _ in reads) > 0
    with Store(tmp_path).reading() as (connection, _):
        assert connection.execute("SELECT count(DISTINCT trial_id) FROM trials").fetchone() == (sum(written),)
    assert care.compact(tmp_path)[1] == 1
    with Store(tmp_path).reading() as (connection, _):
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (sum(written),)


@pytest.mark.slow
def test_two_studies_at_once_in_one_folder_give_the_rows_of_one_after_the_other(orch, smoke):
    """A study in two terminals, and with more seeds in a third: each trial has one row, the same as ever."""
    for results in (orch.results, orch.directory / "calm"):
        shutil.copytree(smoke.results / "systems", results / "systems")
    more = ("--set", "seeds.count=4")
    running = [orch.start("study", "run", "lorenz_smoke", *options) for options in ((), (), more)]
    said = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert not any("Traceback" in err for _, err in said)
    assert check.check(orch.results) == []
    orch("study", "run", "lorenz_smoke", "--results", "calm")
    orch("study", "run", "lorenz_smoke", *more, "--results", "calm")
    calm = orch.measures(orch.directory / "calm")
    assert len(calm) == len({trial_id for trial_id, *_ in calm}) == 12
    assert orch.measures() == calm


def test_a_shell_that_keeps_the_database_open_delays_ingest_and_loses_nothing(tmp_path):
    store = Store(tmp_path)
    journal.write(store.journal, "trials", "one", [{"trial_id": "a", "status": "ok"}])
    assert store.ingest() == 1
    code = f"import duckdb; c = duckdb.connect({str(store.database)!r}); print('open', flush=True); input()"
    shell = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert shell.stdout.readline() == "open\n"
        journal.write(store.journal, "trials", "two", [{"trial_id": "b", "status": "ok"}])
        assert store.ingest() is None
        with store.reading() as (connection, source):
            assert connection.execute("SELECT count(*) FROM trials").fetchone() == (2,)
        assert source.what == "journal" and "held by another process" in source.why
    finally:
        shell.communicate("\n", timeout=30)
    assert store.ingest() == 1
    with store.reading() as (connection, source):
        assert source.what == "database"
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (2,)


def test_a_notebook_may_read_with_duckdb_itself_between_ingests(tmp_path):
    store = Store(tmp_path)
    journal.write(store.journal, "trials", "one", [{"trial_id": "a", "status": "ok"}])
    store.ingest()
    with duckdb.connect(str(store.database), read_only=True) as notebook:
        journal.write(store.journal, "trials", "two", [{"trial_id": "b", "status": "ok"}])
        assert store.ingest() is None
        assert notebook.execute("SELECT count(*) FROM trials").fetchone() == (1,)
        # In another process nobody is misled by what the notebook keeps out, nor runs it again.
        orch = [str(Path(sys.executable).with_name("orch")), "sql", "SELECT count(*) AS n FROM trials"]
        options = ["--format", "csv", "--results", str(tmp_path)]
        reader = subprocess.run([*orch, *options], capture_output=True, text=True)
        assert reader.stdout == "n\n2\n" and "held by another process; answered from the" in reader.stderr
    assert store.ingest() == 1

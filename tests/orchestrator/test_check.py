"""What `orch db check` sees: journal and database table by table, beside whoever changes them."""

import duckdb

from orchestrator import care, check, journal
from orchestrator.rebuilding import rebuild


def test_check_is_not_led_astray_by_what_is_compacted_meanwhile(smoke_copy, monkeypatch):
    """Files that were listed are gone when they are read, or when they are inserted."""
    for name in "_files", "insert":
        real = getattr(check, name)

        def after_compacting(*given, name=name, real=real):
            monkeypatch.setattr(check, name, real)
            journal.write(smoke_copy.results / "journal", "trials", f"empty-{name}", [])
            care.compact(smoke_copy.results)
            return real(*given)

        monkeypatch.setattr(check, name, after_compacting)
        assert check.check(smoke_copy.results) == []


def test_check_sees_what_is_lost_beside_trials(smoke_copy):
    results = smoke_copy.results
    assert check.check(results) == []
    with duckdb.connect(str(results / "trials.duckdb")) as connection:
        connection.execute("UPDATE trials SET stack_size = 7 WHERE seed = 0")
        connection.execute("UPDATE curves SET value = 0 WHERE epoch = (SELECT max(epoch) FROM curves)")
        connection.execute("DELETE FROM gradients WHERE trial_id = (SELECT min(trial_id) FROM trials)")
        connection.execute("UPDATE systems SET tau_pred = 1")
        connection.execute("DELETE FROM studies")
        connection.execute("DELETE FROM study_trials WHERE trial_id = (SELECT min(trial_id) FROM trials)")
        connection.execute("INSERT INTO systems (content_hash) SELECT '0'")
    before = (results / "trials.duckdb").read_bytes()
    said = [problem.partition(": ")[2].partition(";")[0] for problem in check.check(results)]
    assert said == [
        "lacks 1 study's definition of the journal",
        "lacks 1 study's trial of the journal",
        "has 3 trials otherwise than the journal",
        "has curves of 6 trials otherwise than the journal",
        "has gradients of 1 trial otherwise than the journal",
        "has 1 system otherwise than the journal",
        "holds 1 system that the journal has not",
    ]
    assert (results / "trials.duckdb").read_bytes() == before


def test_a_database_without_a_table_or_a_view_is_made_again(smoke_copy, recwarn):
    results = smoke_copy.results
    with duckdb.connect(str(results / "trials.duckdb")) as connection:
        connection.execute("DROP TABLE curves")
        connection.execute("DROP TABLE gradients")
        connection.execute("DROP VIEW results")
    assert "`orch db check` says more" in smoke_copy("db", "info", code=1)[1]
    (problem,) = check.check(results)
    assert "lacks curves, gradients, results; `orch db rebuild" in problem
    assert rebuild(results) == 6 and check.check(results) == []

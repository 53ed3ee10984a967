"""Tables and views of a results database (`schema.sql`), and how those of older versions become today's."""

import re
from importlib.resources import files as package_files

import duckdb

from . import journal
from .errors import OrchError

CLASSIFY_FAILURES = """
    UPDATE trials SET failure = if(reason LIKE 'worker lost%', 'worker_lost', 'bug')
    WHERE status = 'failed' AND failure IS NULL
"""
"""Version 1 had no classes of failures, neither in the database nor in journal files."""

MIGRATIONS = {
    1: """
        ALTER TABLE trials ADD COLUMN failure VARCHAR;
        ALTER TABLE trials ADD COLUMN epochs_per_second DOUBLE;
        ALTER TABLE trials ADD COLUMN peak_memory_mib DOUBLE;
        ALTER TABLE trials ADD COLUMN resumed BIGINT;
        ALTER TABLE trials ADD COLUMN code_fingerprint VARCHAR;
        ALTER TABLE trials ADD COLUMN code_changes VARCHAR;
    """,
    2: "ALTER TABLE trials ADD COLUMN parameters_digest VARCHAR",
    3: "ALTER TABLE systems ADD COLUMN lambda_from VARCHAR",
    4: """
        ALTER TABLE trials ADD COLUMN d_stsp_gtf DOUBLE;
        ALTER TABLE trials ADD COLUMN d_h_gtf DOUBLE;
        ALTER TABLE trials ADD COLUMN sliced_wasserstein DOUBLE;
        ALTER TABLE trials ADD COLUMN correlation_dimension DOUBLE;
        ALTER TABLE trials ADD COLUMN prediction_error DOUBLE;
        ALTER TABLE trials ADD COLUMN prediction_error_published DOUBLE;
        ALTER TABLE trials ADD COLUMN prediction_error_gtf DOUBLE;
        ALTER TABLE trials ADD COLUMN valid_prediction_time DOUBLE;
        ALTER TABLE trials ADD COLUMN dynamics VARCHAR;
        ALTER TABLE trials ADD COLUMN dynamics_period BIGINT;
        ALTER TABLE trials ADD COLUMN net_lambda_max DOUBLE;
        ALTER TABLE trials ADD COLUMN net_lambda_max_se DOUBLE;
        ALTER TABLE trials ADD COLUMN net_spectrum DOUBLE[];
        ALTER TABLE trials ADD COLUMN dynamics_evidence JSON;
    """,
    5: "ALTER TABLE trials ADD COLUMN pruned_epoch BIGINT",
    6: """
        ALTER TABLE trials ADD COLUMN floor_d_h DOUBLE;
        ALTER TABLE trials ADD COLUMN floor_psc DOUBLE;
        ALTER TABLE trials ADD COLUMN floor_d_h_published DOUBLE;
        ALTER TABLE trials ADD COLUMN floor_psc_published DOUBLE;
    """,
}
"""Version → the statements that make the next version of it."""

BOOKKEEPING = ("meta", "ingested")
"""Tables that say how far the database has come, and nothing of results."""


class NewerVersionError(OrchError):
    """A file was written by a newer version of this tool."""


def tables() -> tuple[str, ...]:
    """Names of all tables and views with results, as the schema declares them."""
    declared = re.findall(r"^CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW) (\w+)", _schema(), re.MULTILINE)
    return tuple(name for name in declared if name not in BOOKKEEPING)


def _schema() -> str:
    return package_files("orchestrator").joinpath("schema.sql").read_text(encoding="utf-8")


def version_of(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The schema version of a database, or None where our tables are not there."""
    # Asked first: a query that fails would end the transaction that this may be part of.
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'meta'").fetchone():
        return None
    found = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    return int(found[0]) if found else None


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a database's tables those of this version, one version after the other."""
    version = version_of(connection)
    if version is not None and version > journal.SCHEMA_VERSION:
        raise NewerVersionError(
            f"the database has schema version {version}, and this version of orch knows "
            f"{journal.SCHEMA_VERSION}: install a newer one"
        )
    if version == journal.SCHEMA_VERSION:
        return
    if version is not None:
        for step in range(version, journal.SCHEMA_VERSION):
            connection.execute(MIGRATIONS[step])
        connection.execute("DELETE FROM meta WHERE key = 'schema_version'")
        connection.execute(CLASSIFY_FAILURES)
    connection.execute(_schema())
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(journal.SCHEMA_VERSION)])

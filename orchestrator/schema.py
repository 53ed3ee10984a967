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


def fill_settings(connection: duckdb.DuckDBPyConnection) -> None:
    """Settings of trials of before version 10, from their config, as far as this version knows them."""
    found = connection.execute(
        "SELECT cell_id, any_value(config) FROM trials WHERE settings IS NULL GROUP BY cell_id"
    ).fetchall()
    if not found:
        return
    connection.execute("CREATE TEMP TABLE filled (cell_id VARCHAR, settings JSON)")
    connection.execute(
        "INSERT INTO filled SELECT unnest(?), unnest(?)",
        [[cell_id for cell_id, _ in found], [_settings(config) for _, config in found]],
    )
    connection.execute(
        "UPDATE trials SET settings = filled.settings FROM filled "
        "WHERE trials.cell_id IS NOT DISTINCT FROM filled.cell_id AND trials.settings IS NULL"
    )
    connection.execute("DROP TABLE filled")


def _settings(config: str | None) -> str:
    if config is None:
        return "{}"
    from .identity import recorded_settings  # which takes a second to import

    return recorded_settings(config)


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
    7: "",  # columns are described, and `cells` has more of them
    8: "ALTER TABLE trials ADD COLUMN anew BOOLEAN",
    9: "ALTER TABLE trials ADD COLUMN settings JSON",
}
"""Version → the statements that make the next version of it; the schema is run after them."""

BOOKKEEPING = ("meta", "ingested")
"""Tables that say how far the database has come, and nothing of results."""


BEGUN = r"^CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW) (\w+)"
"""Where the schema declares a table or view."""


class NewerVersionError(OrchError):
    """A file was written by a newer version of this tool."""


def tables() -> tuple[str, ...]:
    """Names of all tables and views with results, as the schema declares them."""
    declared = re.findall(BEGUN, _schema(), re.MULTILINE)
    return tuple(name for name in declared if name not in BOOKKEEPING)


def descriptions() -> dict[tuple[str, str], str]:
    """(Table or view, column) → what it is: the comments behind columns in the schema's file."""
    found: dict[tuple[str, str], str] = {}
    table = column = ""
    for line in _schema().splitlines():
        if begun := re.match(BEGUN, line):
            table, column = begun[1], ""
        elif table and column and (more := re.match(r" +-- (.+)", line)):
            found[table, column] += f" {more[1]}"
        elif table and (said := re.match(r" +(?:.*\bAS )?(\w+)(?: [A-Z]+(?:\[\])?)?,? +-- (.+)", line)):
            column = said[1]
            found[table, column] = said[2]
        if line.endswith(";"):
            table = ""
    return found


def _describe(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the descriptions into the database, which drops those of a view that is made again."""
    known = descriptions()
    statements = []
    for table, column in connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE table_name IN (SELECT unnest(?))",
        [list(tables())],
    ).fetchall():
        for source in (table, "trials", "systems"):
            if (source, column) in known:
                text = known[source, column].replace("'", "''")
                statements.append(f"COMMENT ON COLUMN {table}.{column} IS '{text}'")
                break
    connection.execute("; ".join(statements))


def _schema() -> str:
    return package_files("orchestrator").joinpath("schema.sql").read_text(encoding="utf-8")


def version_of(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The schema version of a database, or None where our tables are not there."""
    # Asked first: a query that fails would end the transaction that this may be part of.
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'meta'").fetchone():
        return None
    found = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    return int(found[0]) if found and found[0].isdecimal() else None


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
        fill_settings(connection)
    connection.execute(_schema())
    _describe(connection)
    connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(journal.SCHEMA_VERSION)])

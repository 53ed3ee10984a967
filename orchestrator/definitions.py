"""What studies name now, beside what was run under their names before."""

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from .catalogue import available
from .errors import StudyError


def by_file(studies: Iterable[str]) -> dict[str, str]:
    """Study → definition_id by its file, where that is here and valid."""
    from .study import load

    files = available()
    found = {}
    for name in studies:
        try:
            found[name] = load(files[name]).definition_id
        except (KeyError, StudyError):
            continue
    return found


def unnamed(
    connection: duckdb.DuckDBPyConnection, definitions: Mapping[str, str], trial_ids: Sequence[str]
) -> tuple[str, ...]:
    """A sentence per study of which these trials are not what it names now: they were run under its name when
    it had other seeds, regimes or settings.

    Args:
        definitions: study → definition_id, as it is now.
    """
    said = []
    for study, definition_id in definitions.items():
        total, named, known = connection.execute(
            """
            SELECT count(DISTINCT trial_id), count(DISTINCT trial_id) FILTER (definition_id = $now),
                   (SELECT count(*) FROM studies WHERE study = $study AND definition_id = $now)
            FROM definition_trials WHERE study = $study AND trial_id IN (SELECT unnest($ids))
            """,
            {"now": definition_id, "study": study, "ids": list(trial_ids)},
        ).fetchall()[0]
        if not known:
            said.append(
                f"{study} says something else now than when it was run: `orch study plan {study}` says what "
                "is missing."
            )
        elif named < total:
            said.append(
                f"{total - named} of {total} trials are of other runs of {study}, of seeds, regimes or "
                "settings that it does not name now."
            )
    return tuple(said)

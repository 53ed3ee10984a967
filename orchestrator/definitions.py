"""What the files of studies name now, beside what was run under their names before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .catalogue import available
from .errors import StudyError
from .study import Study, load
from .wording import counted

if TYPE_CHECKING:
    import duckdb


def by_file(studies: Iterable[str]) -> dict[str, Study]:
    """Those of these studies whose files are here and valid."""
    files = available()
    found = {}
    for name in studies:
        try:
            found[name] = load(files[name])
        except (KeyError, StudyError):
            continue
    return found


def former_cells(
    connection: "duckdb.DuckDBPyConnection", studies: Sequence[str], defined: Mapping[str, Study]
) -> dict[str, int]:
    """Cells that were run under these names and that none of the studies names now, with how many trials they
    have. What a study ran whose file is not here counts as named.
    """
    rows = connection.execute(
        """
        SELECT cell_id, list(DISTINCT study), count(DISTINCT trial_id)
        FROM trials JOIN study_trials USING (trial_id) WHERE study IN (SELECT unnest(?)) GROUP BY cell_id
        """,
        [list(studies)],
    ).fetchall()
    named = set().union(*map(_seeds_by_cell, defined.values())) if rows else set()
    return {cell: trials for cell, of, trials in rows if cell not in named and set(of) <= defined.keys()}


def unnamed(
    connection: "duckdb.DuckDBPyConnection", studies: Mapping[str, Study], trial_ids: Sequence[str]
) -> tuple[str, ...]:
    """A sentence per study of which some of these trials were run under its name with seeds, regimes,
    settings or data that it does not name as it is now.
    """
    said = []
    for name, study in studies.items():
        rows = connection.execute(
            """
            SELECT cell_id, seed FROM trials WHERE trial_id IN (SELECT unnest(?))
            AND trial_id IN (SELECT trial_id FROM study_trials WHERE study = ?)
            """,
            [list(trial_ids), name],
        ).fetchall()
        named = _seeds_by_cell(study) if rows else {}
        others = sum(seed not in named.get(cell_id, ()) for cell_id, seed in rows)
        if others:
            of_all = f"{others} of {counted(len(rows), 'trial')} of {name}"
            said.append(f"{of_all} {'is' if others == 1 else 'are'} of seeds, regimes, settings or data that "
                        "it does not name now.")  # fmt: skip
    return tuple(said)


def _seeds_by_cell(study: Study) -> dict[str, set[int]]:
    """Cell id → the seeds that it may come to have, of the grid and of searches."""
    found = {cell.cell_id: set(study.usable_seeds) for cell in study.cells()}
    for search in study.searches():
        for cell_id in search.taus:
            found.setdefault(cell_id, set()).update(search.seeds)
    return found

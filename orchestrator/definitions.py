"""What the files of studies name now, beside what was run under their names before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from .catalogue import available
from .errors import OrchError, StudyError
from .study import Study, load
from .wording import counted

if TYPE_CHECKING:
    import duckdb

    from .reports import Scope


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


def check_defined(studies: Iterable[str], defined: Mapping[str, Study]) -> None:
    """Whether it is known of all of these studies what they name now.

    Raises:
        OrchError: it is not of one of them.
    """
    for study in studies:
        if study not in defined:
            try:
                load(available()[study])
                why = "its file was not here a moment ago"
            except KeyError:
                why = "its file is not here"
            except StudyError as error:
                why = str(error)
            raise OrchError(f"report: --now: what {study} names now is not known: {why}")


class FormerCell(NamedTuple):
    """A cell that was run under a study's name and that the study does not name now."""

    cell_id: str
    context_id: str
    trials: int


def former_cells(
    connection: "duckdb.DuckDBPyConnection", scope: "Scope", defined: Mapping[str, Study]
) -> list[FormerCell]:
    """Cells in this scope that none of its studies names now. What a study ran that is not defined counts as
    named.
    """
    rows = connection.execute(
        f"""
        SELECT cell_id, context_id, count(DISTINCT trial_id), list(DISTINCT study)
        FROM (FROM trials {scope.where}) JOIN study_trials USING (trial_id)
        WHERE study IN (SELECT unnest(?)) GROUP BY ALL
        """,
        [list(scope.studies)],
    ).fetchall()
    named = set().union(*map(_seeds_by_cell, defined.values())) if rows else set()
    return [
        FormerCell(cell, context, trials)
        for cell, context, trials, studies in rows
        if cell not in named and set(studies) <= defined.keys()
    ]


def without_former(
    connection: "duckdb.DuckDBPyConnection", scope: "Scope", former: Sequence[FormerCell]
) -> "Scope":
    """The scope without these cells: contexts that have no other are left out whole."""
    cells = frozenset(cell.cell_id for cell in former)
    rest = replace(scope, without=cells)
    contexts = {
        row[0] for row in connection.execute(f"SELECT DISTINCT context_id FROM {rest.rows}").fetchall()
    }
    inside = frozenset(cell.cell_id for cell in former if cell.context_id in contexts)
    return replace(scope, contexts=frozenset(contexts), without=inside)


def unnamed(
    connection: "duckdb.DuckDBPyConnection",
    studies: Mapping[str, Study],
    trial_ids: Sequence[str],
    what: str = "seeds, regimes, settings or data",
) -> tuple[str, ...]:
    """A sentence per study of which some of these trials were run under its name with seeds, regimes,
    settings or data that it does not name as it is now.

    Args:
        what: that they can be of.
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
            said.append(f"{of_all} {'is' if others == 1 else 'are'} of {what} that it does not name now.")
    return tuple(said)


def _seeds_by_cell(study: Study) -> dict[str, set[int]]:
    """Cell id → the seeds that it may come to have, of the grid and of searches."""
    found = {cell.cell_id: set(study.usable_seeds) for cell in study.cells()}
    for search in study.searches():
        for cell_id in search.taus:
            found.setdefault(cell_id, set()).update(search.seeds)
    return found

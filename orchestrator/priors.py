"""Which prior of τ a report shows: that of the search that was declared, else the Lyapunov prior as by
default."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .errors import StudyError
from .prior import Prior
from .reports.trials import Cell, Context, family_of
from .search import TauSearch

if TYPE_CHECKING:
    import duckdb


def priors(
    connection: "duckdb.DuckDBPyConnection", studies: Sequence[str]
) -> Callable[[Context, Cell], Prior | None]:
    """From the studies of these names (none: all) as they were last recorded.

    The prior of a search with `transfer` is shown as it is without: centred at τ_pred.
    """
    from .study import from_declaration

    rows = connection.execute(
        """
        SELECT study, declaration FROM (
            FROM studies WHERE len(?) = 0 OR study IN (SELECT unnest(?))
            QUALIFY recorded_at = max(recorded_at) OVER (PARTITION BY study)
        ) ORDER BY recorded_at
        """,
        [list(studies), list(studies)],
    ).fetchall()
    declared: dict[tuple[str, str], tuple[TauSearch, int]] = {}
    for name, declaration in rows:
        try:
            study = from_declaration(name, json.loads(declaration), source=name)
        except StudyError:
            continue  # of a system that is not here, or of another version of the tool
        for search in study.searches():
            family = family_of(search.first.regime_label)
            declared[search.first.context_id, family] = (search.settings, search.high)

    def prior_of(context: Context, cell: Cell) -> Prior | None:
        settings, high = declared.get((context.context_id, cell.family), (TauSearch(search="lyapunov"), None))
        if high is None:
            high = max(other.tau for other in (*context.cells, *context.partial) if other.tau)
        centre = settings.tau_pred or context.tau_pred
        if settings.search == "uniform":
            return Prior(settings.low, high)
        if centre is None:
            return None
        return Prior(settings.low, high, centre, settings.width)

    return prior_of

"""The searches of a study as an Optuna storage, for optuna-dashboard and whoever wants to look with
Optuna."""

import os
import tempfile
from pathlib import Path

from .errors import OrchError
from .memory import prior_of
from .plan import Plan
from .proposals import optuna_study, quietly
from .store import NoResultsError, Store

SQLITE = b"SQLite format 3"
"""How every SQLite file begins."""


def export(plan: Plan, results: Path, target: Path) -> dict[str, int]:
    """Write one Optuna study per search into a SQLite file, whole or not at all; a file that is there is
    replaced.

    Parameters are τ and `u`, the prior's coordinate; the seeds and their D_stsp are attributes of each trial.

    Returns:
        Name of each study → evaluations in it.

    Raises:
        NoResultsError: the results hold nothing.
        OrchError: the study searches nothing, or nothing predicts its τ, or the file cannot be written,
            or is there and no SQLite file.
    """
    import optuna
    from sqlalchemy.engine import URL

    store = Store(results)
    if not plan.searches:
        raise OrchError(f"{plan.study.name} searches for no τ, so there is nothing to export")
    if store.is_empty():
        raise NoResultsError(results)
    counts: dict[str, int] = {}
    try:
        begins = target.read_bytes()[: len(SQLITE)] if target.exists() else b""
        if begins not in (b"", SQLITE):
            raise OrchError(f"{target} is there and no SQLite file: it is left as it is")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".orch-") as folder, quietly():
            # What stands in a user's file name may mean something in an address.
            whole = Path(folder) / "storage.db"
            address = URL.create("sqlite", database=str(whole)).render_as_string(hide_password=False)
            storage = optuna.storages.RDBStorage(address)
            for planned in plan.searches:
                search = planned.search
                prior, _ = prior_of(search, store)
                first = search.first
                name = " · ".join([first.system, first.architecture.name, search.label])
                if name in counts:  # settings that an axis of the study gives
                    name += f" · {first.context_label}"
                study = optuna.create_study(study_name=name, storage=storage, direction="minimize")
                study.set_metric_names(["mean ln D_stsp"])
                study.set_user_attr("prior_centre", prior.centre)
                optuna_study(prior, planned.evaluations, study=study, show_tau=True)
                counts[name] = len(planned.evaluations)
            storage.remove_session()
            storage.engine.dispose()
            os.replace(whole, target)
    except OSError as error:
        raise OrchError(f"{target} cannot be written: {error.strerror}") from None
    return counts

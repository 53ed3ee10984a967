"""The searches of a study as an Optuna storage, for optuna-dashboard and whoever wants to look with
Optuna."""

import os
import tempfile
from pathlib import Path

from .errors import OrchError
from .memory import prior_of
from .plan import Plan
from .search import optuna_study, quietly
from .store import NoResultsError, Store


def export(plan: Plan, results: Path, target: Path) -> dict[str, int]:
    """Write one Optuna study per search into a SQLite file, whole or not at all; a file that is there is
    replaced.

    Parameters are τ and `u`, the prior's coordinate; the seeds and their D_stsp are attributes of each trial.

    Returns:
        Name of each study → evaluations in it.

    Raises:
        NoResultsError: the results hold nothing.
        OrchError: the study searches nothing, or nothing predicts its τ, or the file cannot be written.
    """
    import optuna

    store = Store(results)
    if not plan.searches:
        raise OrchError(f"{plan.study.name} searches for no τ, so there is nothing to export")
    if store.is_empty():
        raise NoResultsError(results)
    counts: dict[str, int] = {}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder, quietly():
            whole = Path(folder) / "storage.db"
            storage = optuna.storages.RDBStorage(f"sqlite:///{whole}")
            for planned in plan.searches:
                search = planned.search
                prior, _ = prior_of(search, store)
                first = search.first
                name = " · ".join([first.system, first.architecture.name, search.label])
                if name in counts:  # settings that an axis of the study gives
                    name += f" · {first.context_label}"
                study = optuna.create_study(study_name=name, storage=storage, direction="minimize")
                study.set_metric_names(["mean ln D_stsp"])
                study.set_user_attr("tau_pred", prior.centre)
                optuna_study(prior, planned.evaluations, study=study, with_tau=True)
                counts[name] = len(planned.evaluations)
            storage.remove_session()
            storage.engine.dispose()
            os.replace(whole, target)
    except OSError as error:
        raise OrchError(f"{target} cannot be written: {error.strerror}") from None
    return counts

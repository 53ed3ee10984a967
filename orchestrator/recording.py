"""What whoever starts a study journals: the study with its trials, and its systems."""

from datetime import UTC, datetime
from pathlib import Path

from . import journal, systems
from .identity import canonical_json, digest
from .plan import Plan
from .study import Study


def record_study(study: Study, trial_ids: list[str], results: Path) -> None:
    """Journal a study: its declaration and trials that belong to it. Writing it again changes nothing."""
    row = {
        "study": study.name,
        "definition_id": study.definition_id,
        "description": study.description,
        "declaration": canonical_json(study.declaration),
        "source": study.source,
        "recorded_at": datetime.now(UTC),
        "trial_ids": trial_ids,
    }
    # Named by its content, so that a file, once there, never changes.
    name = f"{study.name}-{digest([study.definition_id, row['trial_ids']])[:16]}"
    if not (results / "journal" / "studies" / f"{name}.parquet").exists():
        journal.write(results / "journal", "studies", name, [row])


def record_systems(plan: Plan, results: Path) -> None:
    """Make (or fetch from the cache) every system's data before workers need it, and journal them.

    Raises:
        DataError: those of some cannot be had; says of all of them why.
    """
    from .systems.dataset import load

    whys = []
    for name in plan.study.systems:
        try:
            data = load(name, cache=results / "systems")
        except systems.DataError as error:
            whys.append(error)
            continue
        row = {key: value for key, value in data.row().items() if key != "name"}
        row |= {
            "system": name,
            "variables": ", ".join(data.variables),
            "recorded_at": datetime.now(UTC),
        }
        file = f"{systems.get(name).file_name}-{data.content_hash[:16]}"
        if not (results / "journal" / "systems" / f"{file}.parquet").exists():
            journal.write(results / "journal", "systems", file, [row])
    if whys:
        raise systems.DataError("\n".join(map(str, whys)))


def trials_of(plan: Plan) -> list[str]:
    """The trials of a study so far: of a search, and of a precision goal, all that are known count, whoever
    ran them."""
    ids = plan.study.trial_ids()
    if plan.study.goal is not None:
        for planned_cell in plan.cells:
            first = planned_cell.first
            ids += first.ids_of(sorted(set(plan.seen.get(first.cell_id, {})) & set(plan.study.usable_seeds)))
    for planned in plan.searches:
        seeds: dict[int, list[int]] = {}
        for tau, seed in planned.knowledge.seen:
            seeds.setdefault(tau, []).append(seed)
        for tau in sorted(seeds):
            ids += planned.search.cell(tau).ids_of(sorted(seeds[tau]))
    return ids

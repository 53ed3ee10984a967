"""Where the keys of a study's file stand, for whoever writes one into another table."""

from collections.abc import Iterator

from pydantic import BaseModel

from .declaration import Declared, Grid, Seeds
from .models import ARCHITECTURES, Architecture
from .models.regimes import REGIMES, Regime
from .models.settings import TrainingSettings
from .settings import EvaluationSettings

PAGE = "(docs/studies.md)"
"""Which says more."""

NO_AXIS = (
    "; settings of architectures, regimes and systems are lists in [architectures.NAME], [regimes.NAME] and "
    f"[systems.NAME], those of training in [training] {PAGE}"
)
"""Of what stands in no table, and was to be an axis."""


def elsewhere(key: str, table: type[BaseModel] | None) -> str | None:
    """What to say of a key that is not known where it is: in which table it stands; None if in no other.

    Args:
        table: what it was written into, where that is known.
    """
    for kind, fields, place in _places():
        if key in fields and not (table and issubclass(table, kind)):
            return f"unknown key here: {key} stands in {place} {PAGE}"
    return None


def _places() -> Iterator[tuple[type[BaseModel], set[str], str]]:
    of_architectures = {field for one in ARCHITECTURES.values() for field in one.model_fields}
    of_regimes = {field for one in REGIMES.values() for field in one.model_fields}
    axis, one_value = "where a list is an axis", "and takes one value"
    yield Architecture, of_architectures, f"[architectures.NAME], {axis}"
    yield Regime, of_regimes, f"[regimes.NAME], {axis}"
    yield TrainingSettings, set(TrainingSettings.model_fields), f"[training], {axis}"
    yield EvaluationSettings, set(EvaluationSettings.model_fields), f"[evaluation], {one_value}"
    yield Seeds, set(Seeds.model_fields), "[seeds]"
    yield Declared, {"description", "report"}, "front of all tables"
    yield Grid, set(Grid.model_fields), "[grid]"

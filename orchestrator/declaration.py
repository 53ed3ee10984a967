"""The keys of a study's file, and single ones overridden; `study` resolves them into trials."""

import re
import tomllib
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import StudyError
from .precision import Goal
from .settings import EvaluationSettings

Report = Literal["comparison", "exponents", "theorems", "tau"]
"""What a study is run for, and `orch report NAME` shows."""


class Grid(BaseModel):
    """Axes that are run completely."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    system: list[str] = Field(min_length=1, description="names of systems")
    architecture: list[str] = Field(min_length=1, description="names of architectures")


FEWEST = 4
"""Seeds before precision is looked at: a comparison decides nothing on fewer pairs."""


class Seeds(BaseModel):
    """Replicates: seeds first, first + 1, …; so many, or until the comparison is precise."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    count: int | None = Field(default=None, ge=1, le=100_000, description="number of seeds")
    first: int = Field(default=0, ge=0, le=2**31, description="the first seed")
    until: str | None = Field(default=None, description='precision to reach, such as "ci 20%"')
    min: int = Field(default=6, ge=FEWEST, le=100_000, description="seeds before precision is looked at")
    max: int = Field(default=40, ge=FEWEST, le=100_000, description="seeds at most")
    baseline: str = Field(default="clipping", description="regime against which precision is meant")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ruled = {"min", "max", "baseline"} & self.model_fields_set
        if self.until is None:
            if self.count is None:
                raise ValueError('expected count = 20, or until = "ci 20%" with min and max')
            if ruled:
                raise ValueError(f"{', '.join(sorted(ruled))}: go with until, not with count")
        elif self.count is not None:
            raise ValueError("expected either count or until, got both")
        elif self.max < self.min:
            raise ValueError(f"max must be at least min ({self.min}), not {self.max}")
        else:
            Goal.parse(self.until)
        return self

    @property
    def sure(self) -> tuple[int, ...]:
        """The seeds that are run whatever comes out."""
        count = self.min if self.count is None else self.count
        return tuple(range(self.first, self.first + count))

    @property
    def goal(self) -> Goal | None:
        """What further seeds are run for."""
        if self.until is None:
            return None
        return Goal(Goal.parse(self.until), self.max, self.baseline)


class Declared(BaseModel):
    """The file as written; tables whose lists are axes are validated by their own classes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    description: str = ""
    report: Report = "comparison"
    grid: Grid
    regimes: dict[str, dict[str, Any]] = Field(min_length=1, description="at least one regime")
    architectures: dict[str, dict[str, Any]] = Field(default_factory=dict, description="hyperparameters")
    systems: dict[str, dict[str, Any]] = Field(default_factory=dict, description="settings of systems")
    seeds: Seeds
    training: dict[str, Any] = Field(default_factory=dict, description="settings of the training")
    evaluation: EvaluationSettings = EvaluationSettings()


_PART = re.compile(r'"[^"]+"|[^".=()\s]+(?:\([^()]*\))?')
"""Of a key: a name, which may be of a system with settings in brackets, where dots part nothing."""
_OVERRIDE = re.compile(
    rf"\s*(?P<key>(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*)\s*=(?P<value>.*)", re.DOTALL
)


def apply_override(raw: dict[str, Any], override: str) -> str:
    """Set one `key.path=value` in a declaration and return the key path.

    Raises:
        StudyError: not of that form, or the path runs through a value.
    """
    found = _OVERRIDE.fullmatch(override)
    if found is None:
        raise StudyError(f"--set {override}", ["expected KEY=VALUE, such as training.epochs=500"])
    path, text = [part.strip('"') for part in _PART.findall(found["key"])], found["value"]
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        value = text.strip()  # a bare word is a string
    *tables, last = path
    node = raw
    for table in tables:
        node = node.setdefault(table, {})
        if not isinstance(node, dict):
            raise StudyError(f"--set {override}", [f"'{table}' is a value, not a table"])
    if last in ("system", "architecture") and isinstance(value, str):
        value = [value]  # --set grid.system=lorenz63 reads better than a quoted list
    node[last] = value
    return ".".join(path)

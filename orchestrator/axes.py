"""What a study's file names, resolved: systems, architectures, regimes, by every combination of the lists in
their tables."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from . import systems
from .declaration import Declared
from .errors import did_you_mean
from .models.regimes import Regime
from .search import TauSearch
from .validation import Problem, problems_of

T = TypeVar("T", bound=BaseModel)


def systems_of(declared: Declared, problems: list[Problem]) -> list[systems.System]:
    """The systems of a study, which mean the same in this process from now on."""
    found: list[systems.System] = []
    for name in declared.grid.system:
        try:
            systems.hold([name])
            found += _varied(name, declared.systems.get(name, {}), f"systems.{name}", problems)
        except systems.UnknownSystemError as error:
            near = did_you_mean(error.name, error.known)
            problems.append(
                Problem("grid.system", f"no system is named '{error.name}'{near} ({error.where})")
            )
        except systems.DataError as error:
            problems.append(Problem("grid.system", str(error)))
    _check_twice("grid.system", declared.grid.system, problems)
    # Two ways of writing one system are one system.
    _check_twice("grid.system", [system.name for system in found], problems)
    systems.hold(system.name for system in found)
    for name in declared.systems.keys() - set(declared.grid.system):
        problems.append(Problem(f"systems.{name}", f"'{name}' is not in grid.system"))
    return found


def _varied(system: str, table: Mapping[str, Any], key: str, problems: list[Problem]) -> list[systems.System]:
    """A system with all combinations of what a table sets otherwise."""
    varied = []
    for settings in _combinations(table, key, problems):
        wrong = [name for name, value in settings.items() if type(value) not in (int, float)]
        problems += [Problem(f"{key}.{name}", f"expected a number, got {settings[name]!r}") for name in wrong]
        if not wrong:
            try:
                varied.append(systems.vary(system, settings))
            except systems.VariantError as error:
                problems.append(Problem(key, str(error)))
    return varied


def check_names(key: str, given: list[str], known: Iterable[str], kind: str, problems: list[Problem]) -> None:
    """Note what is given and not known, or given twice."""
    known = list(known)
    for name in given:
        if name not in known:
            problems.append(Problem(key, f"no {kind} is named '{name}'{did_you_mean(name, known)}"))
    _check_twice(key, given, problems)


def _check_twice(key: str, given: list[str], problems: list[Problem]) -> None:
    for name in {name for name in given if given.count(name) > 1}:
        problems.append(Problem(key, f"'{name}' is listed twice"))


def expanded(kind: type[T], table: Mapping[str, Any], key: str, problems: list[Problem]) -> list[T]:
    """All combinations of a table whose lists are axes, each validated by its own class."""
    found: list[T] = []
    for combination in _combinations(table, key, problems):
        try:
            found.append(kind(**combination))
        except ValidationError as error:
            problems += [problem.under(key) for problem in problems_of(error, kind)]
    return found


def _combinations(table: Mapping[str, Any], key: str, problems: list[Problem]) -> list[dict[str, Any]]:
    """All combinations of a table whose lists are axes."""
    axes: list[list[Any]] = []
    for field, value in table.items():
        values = value if isinstance(value, list) else [value]
        if not values:
            problems.append(Problem(f"{key}.{field}", "expected at least one value, got an empty list"))
        for position, item in enumerate(values):
            if item in values[:position]:
                problems.append(Problem(f"{key}.{field}", f"{item!r} is listed twice"))
        axes.append(values)
    return [dict(zip(table, combination, strict=True)) for combination in itertools.product(*axes)]


def searched_regimes(
    kind: type[Regime], table: Mapping[str, Any], key: str, problems: list[Problem]
) -> list[tuple[Regime, TauSearch]]:
    """A regime whose τ is searched, at the least τ, for every combination of what else its table says."""
    try:
        settings = TauSearch.model_validate(table["tau"])
    except ValidationError as error:
        problems += [problem.under(f"{key}.tau") for problem in problems_of(error, TauSearch)]
        return []
    return [(regime, settings) for regime in expanded(kind, {**table, "tau": settings.low}, key, problems)]

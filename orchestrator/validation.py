"""What is wrong with a declaration, in one plain line each: the key, what was expected, what was near."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from .declaration import Grid
from .errors import did_you_mean
from .places import NO_AXIS, PAGE, elsewhere

if TYPE_CHECKING:
    from .models.architecture import Architecture
    from .models.regimes.regime import Regime
    from .systems import System

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
}

_OF_ONE = {"literal_error", *_EXPECTED} - {"list_type", "dict_type", "model_type", "model_attributes_type"}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one key of a declaration."""

    key: str
    text: str

    def under(self, table: str) -> "Problem":
        """The same problem, its key within a table."""
        return replace(self, key=f"{table}.{self.key}" if self.key else table)

    def within(self, keys: set[str]) -> bool:
        """Whether one of the keys names this place or a table around it."""
        return any(self.key == key or self.key.startswith(f"{key}.") for key in keys)

    def line(self, *, note: str = "") -> str:
        """`training.epochs: expected …`"""
        return f"{self.key}{note}: {self.text}"


def problems_of(error: ValidationError, model: type[BaseModel]) -> Iterable[Problem]:
    """One `Problem` per error of a validation, with keys as they stand in the file."""
    return [_problem(dict(item), model) for item in error.errors(include_url=False)]


def _problem(item: dict[str, Any], model: type[BaseModel]) -> Problem:
    location = [str(part) for part in item["loc"]]
    key = ".".join(location)
    kind, context, given = item["type"], item.get("ctx", {}), item.get("input")
    if kind == "extra_forbidden":
        table = _model_at(model, location[:-1])
        if there := elsewhere(location[-1], table):
            return Problem(key, there)
        near = did_you_mean(location[-1], table.model_fields if table else ())
        further = NO_AXIS if table is Grid and not near.endswith("?") else ""
        return Problem(key, f"unknown key{near}{further}")
    if kind == "missing":
        return Problem(key, f"is missing{_description(model, location)}")
    bounds = {"greater_than_equal": ("≥", "ge"), "greater_than": (">", "gt"),
              "less_than_equal": ("≤", "le"), "less_than": ("<", "lt")}  # fmt: skip
    if kind in bounds:
        sign, name = bounds[kind]
        return Problem(key, f"expected a value {sign} {context[name]}, got {given!r}")
    if kind == "too_short":
        return Problem(key, f"expected at least {context['min_length']}, got none")
    # In a table of the file; settings of architectures and regimes come here one by one.
    if isinstance(given, list) and len(location) == 2 and kind in _OF_ONE:
        return Problem(key, f"takes one value, got {given!r}: two values are two studies {PAGE}")
    if kind == "literal_error":
        return Problem(key, f"expected {context['expected']}, got {given!r}")
    if kind in _EXPECTED:
        return Problem(key, f"expected {_EXPECTED[kind]}, got {_shown(given)}")
    said = item["msg"].removeprefix("Value error, ")  # of a validator of our own, in our own words
    return Problem(key, said if isinstance(given, dict) else f"{said}, got {_shown(given)}")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    return f"a table with {', '.join(value)}" if isinstance(value, dict) else repr(value)


def _description(model: type[BaseModel], location: list[str]) -> str:
    parent = _model_at(model, location[:-1])
    field = parent.model_fields.get(location[-1]) if parent else None
    return f": {field.description}" if field and field.description else ""


def _model_at(model: type[BaseModel], path: list[str]) -> type[BaseModel] | None:
    for part in path:
        field = model.model_fields.get(part)
        kind = field.annotation if field else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return None
        model = kind
    return model


def misfits(
    system: "System", architectures: "Sequence[Architecture]", regimes: "Sequence[Regime]"
) -> list[Problem]:
    """What of these cannot go together."""
    needs = {f"the dimension of {system.name}": system.dimension}
    needs |= {f"for the regime {regime.name}": regime.smallest_latent_dim() for regime in regimes}
    problems = [
        Problem(f"regimes.{regime.name}", f"is for {', '.join(known)}, and not for {architecture.name}")
        for regime in regimes
        if (known := regime.architectures()) is not None
        for architecture in architectures
        if architecture.name not in known
    ]
    return problems + [
        Problem(
            f"architectures.{architecture.name}.latent_dim",
            f"expected at least {least}, {why}, got {architecture.latent_dim}",
        )
        for architecture in architectures
        for why, least in needs.items()
        if architecture.latent_dim < least
    ]

"""Systems with other settings than those they are declared with, by name: `lorenz63(rho=40, noise=0.05)`.

What can be set is what `System.settings` has: parameters of the equations, `dt`, and of what is trained on
how many points and with how much noise (`System.train_points`, `System.noise`). A name is written in one way,
whatever the order and form that it was given in: settings in the order of `System.settings`, numbers as short
as they can be, and none that is as declared. So a variant has one identity, and one that changes nothing is
the system itself.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import replace

from .base import DataError, System

_NAME = re.compile(r"(?P<base>[^()]+)\((?P<inside>[^()]*)\)")
_SETTING = re.compile(r"\s*(\w+)\s*=\s*([^\s=,]+)\s*")
EXPECTED = "expected NAME(KEY=NUMBER, …), such as lorenz63(rho=40, noise=0.05)"
MOST_DT = 20.0
"""dt is within this factor of the declared one: attractors are not to be cut up or skipped by a slip."""
LEAST_POINTS = 100
MOST_NOISE = 10.0


class VariantError(DataError, ValueError):
    """A system does not have a setting, or not with this value."""


def split(name: str) -> tuple[str, dict[str, float]] | None:
    """Base and settings of a name; None for one without brackets.

    Raises:
        VariantError: it has brackets and is none.
    """
    if "(" not in name and ")" not in name:
        return None
    found = _NAME.fullmatch(name.strip())
    settings = [_SETTING.fullmatch(one) for one in found["inside"].split(",")] if found else [None]
    given = {one[1]: one[2] for one in settings if one}
    try:
        if found and len(given) == len(settings):
            return found["base"].strip(), {key: float(text) for key, text in given.items()}
    except ValueError:  # a number that is none
        pass
    raise VariantError(f"system {name!r}: {EXPECTED}")


def varied(system: System, given: Mapping[str, float]) -> System:
    """A system with some of its settings otherwise.

    Raises:
        VariantError: it has no such setting, or not with this value.
    """
    wrong = [why for key, value in given.items() if (why := _why_not(system, key, value))]
    if wrong:
        raise VariantError(f"system {system.name!r}: {'; '.join(wrong)}")
    changed = {key: value + 0.0 for key, value in given.items() if value != system.settings[key]}  # no −0
    if not changed:
        return system
    parameters = {key: float(value) for key, value in changed.items() if key in system.constants}
    fields: dict[str, float | Mapping[str, float]] = {
        key: int(value) if key == "train_points" else float(value)
        for key, value in changed.items()
        if key not in parameters
    }
    if parameters:
        fields["parameters"] = {**system.constants, **parameters}
    inside = ", ".join(f"{key}={_written(changed[key])}" for key in system.settings if key in changed)
    name = f"{system.name}({inside})"
    try:
        return replace(system, name=name, description=f"{system.name} with {inside}", **fields)  # type: ignore[arg-type]
    except ValueError as error:
        raise VariantError(str(error)) from None


def _why_not(system: System, key: str, value: float) -> str | None:
    """Why a setting cannot have this value; None where it can."""
    expected = None
    if key not in system.settings:
        near = difflib.get_close_matches(key, system.settings, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        can = (
            f"it has {', '.join(system.settings)}" if system.settings else "of a recording nothing can be set"
        )
        return f"{key}={_written(value)}: there is no such setting: {hint}{can}"
    if not math.isfinite(value):
        expected = "a finite number"
    elif key == "dt" and not 1 / MOST_DT <= value / system.dt <= MOST_DT:
        expected = f"{system.dt / MOST_DT:g} to {system.dt * MOST_DT:g}"
    elif key == "noise" and not 0 <= value <= MOST_NOISE:
        expected = f"0 to {MOST_NOISE:g}, in SDs of each variable"
    elif key == "train_points" and not (value == int(value) and LEAST_POINTS <= value <= system.n_points):
        expected = f"a whole number from {LEAST_POINTS} to {system.n_points}"
    return f"{key}={_written(value)}: expected {expected}" if expected else None


def _written(value: float) -> str:
    """As short as reads back the same."""
    return repr(float(value)).removesuffix(".0")

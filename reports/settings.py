"""Settings of contexts: which of them tell contexts apart, and what they are called."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence

from .trials import Context

PLACES = ("system", "architecture", "training")
"""What a setting that one goes along can be of: evaluation is of the measure, versions are of the code."""

NO_SETTINGS = ("system.version", "system.data")

ELSEWHERE = {"tau": "τ is of a regime, and `--tau` the report on it. ", "seed": "Seeds are replicates. "}
"""Axes that are no settings of a context."""


def settings_along(contexts: Sequence[Context]) -> dict[str, str]:
    """Numbers that tell some contexts apart which are otherwise alike: by short name, `noise`, the full one,
    `system.noise`; by that where two would be called the same.
    """
    full = [name for name in _numbers(contexts) if any(len(group) > 1 for group in groups(contexts, name))]
    short = [name.partition(".")[2] for name in full]
    return {one if short.count(one) == 1 else name: name for name, one in zip(full, short, strict=True)}


def _numbers(contexts: Sequence[Context]) -> list[str]:
    """Names of settings with several numbers as their values, in their order."""
    values: dict[str, set[float]] = {}
    for context in contexts:
        for name, value in context.values.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and name.partition(".")[0] in PLACES and name not in NO_SETTINGS:
                values.setdefault(name, set()).add(float(value))
    return [name for name, found in values.items() if len(found) > 1]


def groups(contexts: Sequence[Context], name: str) -> list[dict[float, Context]]:
    """Contexts that differ in this number alone, by its value, rising."""
    found: dict[str, dict[float, Context]] = {}
    for context in contexts:
        value = context.values.get(name)
        if isinstance(value, int | float):
            # What was chosen, not all there is: a setting that came to be later has its default in all.
            rest = {key: other for key, other in context.chosen.items() if key != name}
            rest["system.name"] = title(context, name)
            rest["system.data"] = context.values.get("system.data")  # of a variant, that of its base
            found.setdefault(json.dumps(rest, sort_keys=True), {})[float(value)] = context
    return [dict(sorted(group.items())) for group in found.values()]


def why_none(setting: str, known: Mapping[str, str], contexts: Sequence[Context]) -> str:
    """Why there is nothing along a setting, and along what there is something."""
    there = (
        f"Contexts differ in {', '.join(known)}." if known else "No two contexts differ in a number alone."
    )
    without = sum(not context.values for context in contexts)
    lacking = f" Of {without} of {len(contexts)} contexts the settings are not known." if without else ""
    hint = _told(setting, contexts) or _near(setting, known)
    hint = hint or ELSEWHERE.get(setting, "")
    return f"No results along '{setting}': {hint}{there}{lacking}"


def plain(value: float) -> str:
    """A setting's value as people write it: 30, 0.05."""
    return f"{value:.10g}"


def title(context: Context, full: str) -> str:
    """The context's title without a setting, by its full name: `system.noise`."""
    place, _, key = full.partition(".")
    base, _, inside = context.system.removesuffix(")").partition("(")
    of_system = [
        one for one in inside.split(", ") if one and not (place == "system" and one.startswith(f"{key}="))
    ]
    data = context.values.get("system.data")  # of a variant, that of its base
    others = [f"data={data[:8]}"] if data else []
    others += [
        f"{'evaluation.' if name.startswith('evaluation.') else ''}{name.partition('.')[2]}={_written(value)}"
        for of in ("architecture", "training", "evaluation")
        for name, value in context.chosen.items()
        if name.startswith(f"{of}.") and name not in (full, "architecture.name")
    ]
    system = f"{base}({', '.join(of_system)})" if of_system else base
    name = f"{system} × {context.architecture}"
    return f"{name} [{', '.join(others)}]" if others else name


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(setting: str, contexts: Sequence[Context]) -> str:
    """What its values are, where that is why there is nothing along it; '' where there is no such setting."""
    values = {
        json.dumps(value): value
        for context in contexts
        for name, value in context.values.items()
        if setting in (name, name.partition(".")[2])
    }
    if not values:
        return ""
    if len(values) == 1:
        return f"it is {next(iter(values.values()))} wherever it is known. "
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values.values()):
        return f"it is {' and '.join(map(str, values.values()))}, which are no numbers. "
    return ""


def _near(setting: str, known: Mapping[str, str]) -> str:
    """What may have been meant."""
    names = {name.lower(): short for short, full in known.items() for name in (full, short)}
    asked = setting.lower()
    close = [name for name in names if asked and name.startswith(asked)]
    close += difflib.get_close_matches(asked, names, n=1)
    return f"did you mean '{names[close[0]]}'? " if close else ""

"""The systems by name. Adding one is one file and one entry in `_SYSTEMS`.

Systems of the package dysts go by `dysts:NAME` (`collection`). Series of one's own (`own`) are found in the
data folder, behind those that are shipped.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from . import collection, own, variant
from .base import DataError, System
from .duffing import DUFFING
from .duffing_published import DUFFING_PUBLISHED
from .eeg import EEG
from .eeg_published import EEG_PUBLISHED
from .henon import HENON
from .jena import JENA_TEMPERATURE
from .jena_published import JENA_TEMPERATURE_PUBLISHED
from .lorenz63 import LORENZ63
from .lorenz63_partial import LORENZ63_PARTIAL
from .lorenz63_published import LORENZ63_PUBLISHED
from .lorenz96 import LORENZ96_10, LORENZ96_20
from .mackey_glass import MACKEY_GLASS
from .raw import data_folder
from .roessler import ROESSLER
from .roessler_published import ROESSLER_PUBLISHED

_SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        LORENZ63, LORENZ63_PUBLISHED, LORENZ63_PARTIAL, DUFFING, DUFFING_PUBLISHED,
        ROESSLER, ROESSLER_PUBLISHED, LORENZ96_10, LORENZ96_20, MACKEY_GLASS, HENON,
        EEG, EEG_PUBLISHED, JENA_TEMPERATURE, JENA_TEMPERATURE_PUBLISHED,
    )
}  # fmt: skip


class UnknownSystemError(DataError, LookupError):
    """No system has this name. Attributes: `name`, as asked for, and `known`, all names there are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name = name
        self.known = known

    def __str__(self) -> str:
        close = difflib.get_close_matches(self.name, self.known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown system {self.name!r}: {hint}known systems: {', '.join(self.known)}; {self.where}"

    @property
    def where(self) -> str:
        """Where there might have been more: a series is known in the folder that it was added in alone."""
        return f"series of one's own are looked for in {data_folder()}, by ORCH_DATA or else ./data"


_HELD: dict[str, System] = {}


def hold(names: Iterable[str]) -> None:
    """Let these names, from now on and in this process, mean the systems that they mean now.

    A study asks for a series by its name over hours, in which it can be replaced by another.

    Raises:
        UnknownSystemError, SeriesError: as `get`.
    """
    for name in names:
        _HELD.pop(name, None)
        _HELD[name] = get(name)


def held(names: Iterable[str]) -> dict[str, str]:
    """Of the series of one's own among these names, as they are held: their descriptions, for `hold_as`."""
    return {name: system.described for name in names if isinstance(system := get(name), own.OwnSeries)}


def hold_as(described: Mapping[str, str]) -> None:
    """`hold` in another process, by what `held` said in the first, wherever the data folder is now."""
    for name, text in described.items():
        _HELD[name] = own.from_text(name, text)


def shipped() -> tuple[str, ...]:
    """Names of the systems that come with the tool, sorted."""
    return tuple(sorted(_SYSTEMS))


def collected() -> tuple[str, ...]:
    """Names of the systems of the package dysts, sorted; none where it is not installed."""
    return collection.names()


def names() -> tuple[str, ...]:
    """Names of all systems, sorted: those that are shipped, and series of one's own."""
    return tuple(sorted({*_SYSTEMS, *own.names()}))


def get(name: str) -> System:
    """The system of this name, which may be one with other settings: `lorenz63(rho=40)` (`variant`).

    Raises:
        UnknownSystemError: there is none; says which name is near.
        VariantError: it has no such setting, or not with this value.
        CollectionError: it begins with `dysts:`, and the package is not there or has no such system.
        SeriesError: it is a series of one's own whose description is not valid.
    """
    found = _HELD.get(name) or _SYSTEMS.get(name)
    if found is None and variant.split(name):
        return vary(name, {})
    found = found or collection.get(name) or own.get(name)
    if found is None:
        raise UnknownSystemError(name, names())
    return found


def written(name: str) -> str:
    """The name that a system goes by, however its settings are written; what names none as it is.

    Raises:
        VariantError: it has no such setting, or not with this value.
    """
    try:
        return get(name).name if "(" in name else name
    except LookupError:
        return name


def vary(name: str, settings: Mapping[str, float]) -> System:
    """The system of this name with these settings besides those that the name has.

    Raises:
        UnknownSystemError, CollectionError, SeriesError, VariantError: as `get`.
    """
    base, given = variant.split(name) or (name, {})
    return variant.varied(get(base), {**given, **settings})

"""The systems by name. Adding one is one file and one entry in `_SYSTEMS`."""

from __future__ import annotations

import difflib

from .base import System
from .duffing import DUFFING
from .duffing_published import DUFFING_PUBLISHED
from .lorenz63 import LORENZ63
from .lorenz63_partial import LORENZ63_PARTIAL
from .lorenz63_published import LORENZ63_PUBLISHED
from .lorenz96 import LORENZ96_10, LORENZ96_20
from .mackey_glass import MACKEY_GLASS
from .roessler import ROESSLER
from .roessler_published import ROESSLER_PUBLISHED

_SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        LORENZ63, LORENZ63_PUBLISHED, LORENZ63_PARTIAL, DUFFING, DUFFING_PUBLISHED,
        ROESSLER, ROESSLER_PUBLISHED, LORENZ96_10, LORENZ96_20, MACKEY_GLASS,
    )
}  # fmt: skip


class UnknownSystemError(LookupError):
    """No system has this name. Attributes: `name`, as asked for, and `known`, all names there are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name = name
        self.known = known

    def __str__(self) -> str:
        close = difflib.get_close_matches(self.name, self.known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown system {self.name!r}: {hint}known systems: {', '.join(self.known)}"


def names() -> tuple[str, ...]:
    """Names of all systems, sorted."""
    return tuple(sorted(_SYSTEMS))


def get(name: str) -> System:
    """The system of this name; UnknownSystemError, with the nearest name, where there is none."""
    try:
        return _SYSTEMS[name]
    except KeyError:
        raise UnknownSystemError(name, names()) from None

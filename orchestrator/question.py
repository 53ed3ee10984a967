"""What is asked of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .systems.base import short_name

if TYPE_CHECKING:
    from .study import Study


@dataclass(frozen=True)
class Question:
    """What is asked of which results; of all, where nothing is named."""

    studies: Sequence[str] = ()
    systems: Sequence[str] = ()
    architectures: Sequence[str] = ()
    baseline: str | None = None
    """Of a comparison; None: clipping, where that was run."""
    measure: str = "d_stsp"
    """Of a comparison."""
    legend: bool = True
    over: str | None = None
    """Of a comparison: the setting along which it is asked for, and nothing else of it."""
    allow_stale: bool = False
    now: bool = False
    """Whether only what the studies name now counts: no regimes, settings or data that they named once."""
    results: Path = Path("results")
    """Where they are, for what is said of how to make some."""
    named: "Mapping[str, Study] | None" = None
    """The studies as they are meant; None: as their files say now."""

    @cached_property
    def definitions(self) -> "Mapping[str, Study]":
        """The studies as they are meant, by name; of files those that are here and valid."""
        from .definitions import by_file

        return by_file(self.studies) if self.named is None else self.named

    @property
    def scope(self) -> str:
        """For the name of a file."""
        named = [*(self.studies or ["all"]), *self.systems, *self.architectures]
        return short_name("-".join(map(file_name, named)))

    @property
    def said(self) -> str:
        """For people."""
        return f"Studies: {', '.join(self.studies)}." if self.studies else "All results."


def file_name(text: str) -> str:
    """A text as a part of the name of a file."""
    return "".join(letter if letter.isalnum() or letter in "_.=" else "-" for letter in text).strip("-")

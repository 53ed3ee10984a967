"""What the address of a page asks for: the question of a report, in the words of `orch report`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ..question import Question

KINDS = {"comparison": "regimes compared", "tau": "τ", "theorems": "theorems"}
"""Reports that have a page, with what they are called there."""


@dataclass(frozen=True)
class Asked:
    """A report, and of what."""

    studies: tuple[str, ...] | None = None
    """None: those with a run under way, or the one recorded last; none of them: all results."""
    systems: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    baseline: str | None = None
    measure: str = "d_stsp"
    kind: str = ""
    """One of `KINDS`; '' for the one that the studies are for."""
    allow_stale: bool = False

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Asked":
        """From the pairs of a query string; names that mean nothing here are passed over.

        An empty value is that of a choice which was left open: for studies all of them.
        """
        given: dict[str, list[Any]] = {}
        asks_for_studies = False
        for name, value in pairs:
            asks_for_studies |= name == "study"
            if value:
                given.setdefault(name, []).append(value)
        return cls(
            tuple(given.get("study", ())) if asks_for_studies else None,
            tuple(given.get("system", ())),
            tuple(given.get("architecture", ())),
            given.get("compare", [None])[-1],
            given.get("measure", ["d_stsp"])[-1],
            given.get("kind", [""])[-1],
            "stale" in given,
        )

    @property
    def query(self) -> str:
        """As it stands in an address."""
        pairs = [("study", name) for name in self.studies or [""]] if self.studies is not None else []
        pairs += [("system", name) for name in self.systems]
        pairs += [("architecture", name) for name in self.architectures]
        pairs += [("compare", self.baseline)] if self.baseline else []
        pairs += [("measure", self.measure)]
        pairs += [("kind", self.kind)] if self.kind else []
        return urlencode([*pairs, *([("stale", "1")] if self.allow_stale else [])])

    def question(self, studies: Sequence[str], results: Path) -> Question:
        """As the report takes it, of these studies in this folder."""
        return Question(
            studies,
            self.systems,
            self.architectures,
            baseline=self.baseline,
            measure=self.measure,
            allow_stale=self.allow_stale,
            results=results,
        )

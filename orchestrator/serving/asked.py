"""What the address of a page asks for: the question of a report, in the words of `orch report`."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from ..answers import Question

KINDS = {"comparison": "regimes compared", "tau": "τ", "theorems": "theorems"}
"""Reports that have a page, with what they are called there."""


@dataclass(frozen=True)
class Asked:
    """A report, and of what."""

    studies: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    baseline: str = "clipping"
    measure: str = "d_stsp"
    kind: str = ""
    """One of `KINDS`; '' for the one that the studies are for."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Asked":
        """From the pairs of a query string; what is empty, or no name of this, counts as not given."""
        given: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                given.setdefault(name, []).append(value)
        return cls(
            tuple(given.get("study", ())),
            tuple(given.get("system", ())),
            tuple(given.get("architecture", ())),
            given.get("compare", ["clipping"])[-1],
            given.get("measure", ["d_stsp"])[-1],
            given.get("kind", [""])[-1],
        )

    @property
    def query(self) -> str:
        """As it stands in an address."""
        pairs = [("study", name) for name in self.studies]
        pairs += [("system", name) for name in self.systems]
        pairs += [("architecture", name) for name in self.architectures]
        pairs += [("compare", self.baseline), ("measure", self.measure)]
        return urlencode([*pairs, *([("kind", self.kind)] if self.kind else [])])

    @property
    def question(self) -> Question:
        """As the report takes it."""
        return Question(
            self.studies, self.systems, self.architectures, baseline=self.baseline, measure=self.measure
        )

"""Which trials a report is over.

Views relied on: ``results`` (one row per trial) and ``study_trials(study, trial_id)``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """A choice of trials; all of them, where nothing is named."""

    studies: Sequence[str] = ()
    """Those of these studies."""
    contexts: Collection[str] | None = None
    """Those with these context_ids."""
    without: Collection[str] = frozenset()
    """Those with other cell_ids than these."""

    @property
    def where(self) -> str:
        """The WHERE clause that keeps them; '' where that would keep everything.

        Names are quoted as SQL literals.
        """
        conditions = []
        if self.studies:
            named = f"SELECT trial_id FROM study_trials WHERE study IN ({_listed(self.studies)})"
            conditions.append(f"trial_id IN ({named})")
        if self.contexts is not None:
            conditions.append(f"context_id IN ({_listed(self.contexts)})" if self.contexts else "false")
        if self.without:
            conditions.append(f"cell_id NOT IN ({_listed(self.without)})")
        return "WHERE " + " AND ".join(conditions) if conditions else ""

    @property
    def rows(self) -> str:
        """What follows FROM."""
        return f"results {self.where}".strip()


ALL = Scope()


def quoted(text: str) -> str:
    """Text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A column's name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(quoted, sorted(set(names))))

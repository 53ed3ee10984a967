"""Ray Tune's way to what is to be run next: a `Searcher` that hands out an agenda's stacks.

Tune asks it for a configuration whenever it could place one, and tells it what became of each. It knows
nothing of Optuna; one Optuna study per search stands behind the agenda (`search`).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from .agenda import Agenda
from .memory import seen_in
from .stacking import Stack


class StackSearcher(Searcher):
    """Hands out stacks, as text: Tune would search a nested dictionary for things to sample."""

    def __init__(self, agenda: Agenda, payload: Callable[[Stack], str]) -> None:
        super().__init__()
        self._agenda = agenda
        self._payload = payload

    def set_search_properties(self, *given: Any, **spec: Any) -> bool:
        """There is nothing to set: what is better is the agenda's to know."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """A configuration, None where there is none for now, FINISHED where there will be none."""
        stack = self._agenda.next(trial_id)
        if stack is None:
            return Searcher.FINISHED if self._agenda.nothing_comes else None
        return {"stack": self._payload(stack)}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        stack = self._agenda.out(trial_id)
        if stack is not None:
            rows = json.loads((result or {}).get("rows", "[]")) if not error else []
            seen = [seen_in(row, tau=trial.tau or 0) for row, trial in zip(rows, stack.trials, strict=False)]
            self._agenda.ended(trial_id, seen)

    def __getstate__(self) -> dict[str, Any]:
        """Nothing of it is kept, as of the callbacks."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Tune keeps searchers for a restore; a Tuner here is always fresh, so nothing is kept."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Never asked for."""

"""A precision goal as a source of stacks for the agenda."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from .identity import Trial
from .knowledge import Seen, log_score
from .precision import Goal, unmet, wanted
from .splitting import split
from .stacking import Stack


class PrecisionSource:
    """Further seeds for the cells of a grid whose comparison is not precise yet."""

    def __init__(
        self,
        goal: Goal,
        cells: Sequence[Trial],
        seen: Mapping[str, Mapping[int, Seen]],
        *,
        sure: Sequence[int],
        outdated: Mapping[str, Collection[int]] | None = None,
        limit: int,
        note: Callable[[str], None] = lambda text: None,
        asked: Callable[[Sequence[Trial]], None] = lambda trials: None,
    ) -> None:
        """
        Args:
            cells: of the grid, as trials of the first seed.
            seen: cell id → seed → what is known.
            sure: seeds that the grid runs anyway.
            outdated: cell id → seeds that are run again, as other code made them; beside those of the grid.
        """
        self._goal, self._limit, self._note, self._asked = goal, limit, note, asked
        self._cells = {cell.cell_id: cell for cell in cells}
        # What other studies ran beyond the most that this one may use has no part in it.
        self._seeds = [*range(sure[0], sure[0] + goal.most)]
        self._seen = {
            cell_id: {seed: trial for seed, trial in seen.get(cell_id, {}).items() if seed in self._seeds}
            for cell_id in self._cells
        }
        self._sure = set(sure)
        self._spent = {cell_id: self._sure | set(self._seen[cell_id]) for cell_id in self._cells}
        self._waiting: list[Stack] = []
        self._met = False
        for cell_id, seeds in (outdated or {}).items():
            self._asked(self._ask_for(cell_id, (set(seeds) & set(self._seeds)) - self._sure))

    @property
    def share(self) -> float:
        return 1.0  # after everything else, which it depends on

    @property
    def left(self) -> int:
        return sum(len(stack.trials) for stack in self._waiting)

    @property
    def over(self) -> bool:
        return self._met and not self._waiting

    def next(self, *, free: bool) -> Stack | None:
        if not free:
            return None
        if not self._waiting and self._ready:
            self._plan()
        return self._waiting.pop(0) if self._waiting else None

    def ended(self, trials: Sequence[Trial], seen: Sequence[Seen]) -> None:
        cell = trials[0].cell_id
        if cell in self._cells:
            for trial in trials:
                self._seen[cell].setdefault(trial.seed, Seen(0, trial.seed, None, "failed"))
            self._seen[cell].update({trial.seed: trial for trial in seen})

    @property
    def asked_for(self) -> int:
        """Seeds that were asked for beyond those that are known and those of the grid."""
        return sum(
            len(spent - self._sure - self._seen[cell_id].keys()) for cell_id, spent in self._spent.items()
        )

    @property
    def _ready(self) -> bool:
        """Whether everything that was asked for has ended."""
        return all(self._spent[cell_id] <= self._seen[cell_id].keys() for cell_id in self._cells)

    def _plan(self) -> None:
        lacking: dict[str, set[int]] = {}
        unprecise = 0
        for logs, baseline in self._comparisons():
            for cell, seeds in wanted(self._goal, self._seeds, logs, self._spent, baseline=baseline).items():
                lacking.setdefault(cell, set()).update(seeds)
            unprecise += unmet(self._goal, self._seeds, logs, baseline=baseline)
        for cell, seeds in lacking.items():
            self._asked(self._ask_for(cell, seeds))
        if lacking:
            total = sum(map(len, lacking.values()))
            self._note(f"{total} further seeds in {len(lacking)} cells, as intervals are wider than the goal")
            return
        self._met = True
        if unprecise:
            self._note(
                f"{unprecise} intervals are wider than the goal with {self._goal.most} seeds, the most"
            )

    def _ask_for(self, cell_id: str, seeds: Collection[int]) -> list[Trial]:
        self._spent[cell_id] |= set(seeds)
        trials = [self._cells[cell_id].with_seed(seed) for seed in sorted(seeds)]
        self._waiting += [Stack(list(part)) for part in split(trials, self._limit)]
        return trials

    def _comparisons(self) -> Iterator[tuple[dict[str, dict[int, float]], str | None]]:
        """The cells of a context that are compared with one another, cell → seed → ln D_stsp, and their
        baseline."""
        contexts: dict[str, list[Trial]] = {}
        for cell in self._cells.values():
            contexts.setdefault(cell.context_id, []).append(cell)
        for cells in contexts.values():
            base = [cell.cell_id for cell in cells if cell.regime.name == self._goal.baseline]
            others = {c.cell_id: self._logs(c.cell_id) for c in cells if c.cell_id not in base}
            for baseline in base:
                yield {**others, baseline: self._logs(baseline)}, baseline
            if not base:
                yield others, None

    def _logs(self, cell_id: str) -> dict[int, float]:
        return {
            seed: log_score(trial.score)
            for seed, trial in self._seen[cell_id].items()
            if trial.score is not None
        }

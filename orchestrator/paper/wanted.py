"""Which cells a figure of the paper asks for, what is known of them, and what is not."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import OrchError, StudyError
from ..identity import Trial
from ..plan import Plan
from ..planned import Cell as PlannedCell
from ..planned import PlannedSearch
from ..planning import plan_study
from ..reports import Context, ReportError, Scope, StaleError, mixed_codes, read_contexts
from ..store import Store
from .catalogue import PaperFigure
from .recordings import missing_recording


class NothingRunError(Exception):
    """No trial that the figure would show has a row."""


@dataclass(frozen=True)
class Asked:
    """A figure, and what the user said of it."""

    spec: PaperFigure
    results: Path
    measure: str | None
    study: str
    overrides: tuple[str, ...]
    shipped: bool
    """Whether it is the study that ships with the figure."""
    allow_stale: bool
    results_option: Path | None

    def command(self, extra: Sequence[str] = ()) -> str:
        """The command that runs the study, to be pasted."""
        words = ["orch", "study", "run", self.study]
        for override in (*self.overrides, *extra):
            words += ["--set", override]
        words += ["--results", str(self.results_option)] if self.results_option else []
        return f"`{shlex.join(words)}`"


@dataclass(frozen=True)
class Wanted:
    """What a figure shows of a study: the cells of one system under the figure's regimes."""

    system: str
    cells: tuple[PlannedCell, ...]
    searches: tuple[PlannedSearch, ...]
    """For τ: their cells are whatever τ they came to."""
    command: str
    others: tuple[str, ...]
    """Regimes of the study that the figure does not show."""

    @property
    def done(self) -> bool:
        """Whether any trial has a row."""
        return any(cell.done for cell in self.cells) or any(search.done for search in self.searches)

    @property
    def regimes(self) -> set[str]:
        """Their names."""
        return {one.regime.name for one in self._firsts}

    @property
    def names(self) -> dict[str, str]:
        """context_id → what it is called beside the others: its architecture, with settings where needed."""
        found = {(one.context_id, one.architecture.name, one.context_label) for one in self._firsts}
        called = [name for _, name, _ in found]
        return {
            context_id: name if called.count(name) == 1 else f"{name} [{label}]"
            for context_id, name, label in sorted(found, key=lambda one: (one[1], one[2], one[0]))
        }

    @property
    def _firsts(self) -> list[Trial]:
        return [*(cell.first for cell in self.cells), *(planned.search.first for planned in self.searches)]

    def taus(self, contexts: Sequence[Context]) -> dict[str, tuple[int, ...]]:
        """Regime → τ that are wanted, rising: those of the grid, and those that searches came to."""
        found: dict[str, set[int]] = {regime: set() for regime in self.regimes}
        for cell in self.cells:
            found[cell.first.regime.name] |= {cell.first.tau} if cell.first.tau else set()
        searched = {planned.search.first.regime.name for planned in self.searches}
        for context in contexts:
            for one in context.cells:
                found[one.regime] |= {one.tau} if one.tau and one.regime in searched else set()
        return {regime: tuple(sorted(taus)) for regime, taus in found.items()}


def wanted(asked: Asked) -> Wanted:
    """Of the first of the figure's systems that has results of the study, else of the study's own.

    Raises:
        StudyError: there is no such study, or it is not valid.
    """
    own = plan_study(asked.study, asked.results, overrides=asked.overrides)
    systems = own.study.systems
    if any(override.partition("=")[0].strip() == "grid.system" for override in asked.overrides):
        tried = list(systems)  # the user has chosen
    elif asked.shipped:
        tried = [*asked.spec.systems, *systems]
    else:
        tried = [*(name for name in asked.spec.systems if name in systems), *systems]
    for name in dict.fromkeys(tried):
        plan, extra = own, list[str]()
        if name not in systems:
            extra = [f'grid.system=["{name}"]']
            try:
                plan = plan_study(asked.study, asked.results, overrides=[*asked.overrides, *extra])
            except StudyError:  # a study file of the user's own may not fit the published data
                continue
        found = _wanted(asked, plan, name, asked.command(extra))
        if found.done:
            return found
    return _wanted(asked, own, systems[0], asked.command())


def _wanted(asked: Asked, plan: Plan, system: str, command: str) -> Wanted:
    regimes = asked.spec.regimes
    cells = [c for c in plan.cells if c.first.system == system and c.first.regime.name in regimes]
    searches = [
        planned
        for planned in plan.searches
        if planned.search.first.system == system and planned.search.first.regime.name in regimes
    ]
    others = tuple(sorted(plan.study.regime_names - set(regimes)))
    return Wanted(system, tuple(cells), tuple(searches), command, others)


def read(asked: Asked, want: Wanted, measures: Sequence[str]) -> list[list[Context]]:
    """Of each measure the contexts, with the cells and seeds of the study alone.

    Raises:
        NothingRunError: no trial has a row.
        OrchError: they come from different code.
    """
    if not want.done:
        raise NothingRunError
    names = want.names
    scope = Scope(contexts=set(names))
    with Store(asked.results).reading() as (connection, _):
        try:
            found = [list(read_contexts(connection, one, scope=scope)) for one in measures]
        except ReportError as error:
            raise OrchError(f"figure {asked.spec.number}: {error}") from None
        mixed = mixed_codes(connection, found[0], scope=scope)
    if mixed and not asked.allow_stale:
        raise OrchError(str(StaleError(mixed)))
    # Of a search all seeds there are; it goes on from the first as it needs.
    seeds: dict[str, set[int] | None] = {
        cell_id: None for planned in want.searches for cell_id in planned.search.taus
    }
    seeds |= {cell.first.cell_id: set(cell.seeds) for cell in want.cells}
    order = list(names)
    for contexts in found:
        contexts[:] = [_only(context, seeds) for context in contexts]
        contexts.sort(key=lambda context: order.index(context.context_id))
    return [[context for context in contexts if context.cells] for contexts in found]


def _only(context: Context, seeds: Mapping[str, set[int] | None]) -> Context:
    """With these cells and these seeds of them alone; None: all seeds."""
    cells = []
    for cell in context.cells:
        kept = seeds.get(cell.cell_id, set())
        trials = tuple(trial for trial in cell.trials if kept is None or trial.seed in kept)
        cells += [replace(cell, trials=trials)] if trials else []
    return replace(context, cells=tuple(cells))


def nothing(asked: Asked, want: Wanted) -> str:
    """That there are no results, with the command that runs them."""
    note = _recording_note(want.system)
    said = f"figure {asked.spec.number} has no results to show yet: {want.command}{note} runs its study"
    preferred = asked.spec.systems[0]
    if asked.shipped and not asked.overrides and preferred != want.system:
        published = asked.command([f'grid.system=["{preferred}"]'])
        said += f", {published}{_recording_note(preferred)} the same on the authors' own data"
    return said


def _recording_note(system: str) -> str:
    """What to fetch first, where the system is made of a recording that is not here."""
    command = missing_recording(system)
    return f" (after {command}: its recording is not here)" if command else ""


def stands_on(asked: Asked, want: Wanted, contexts: Sequence[Context]) -> list[str]:
    trials = [trial for context in contexts for cell in context.cells for trial in cell.trials]
    if not trials:
        return []
    blown_up = sum(trial.blown_up for trial in trials)
    names = want.names
    each = ", ".join(
        f"{names[context.context_id]} {sum(len(cell.trials) for cell in context.cells)}"
        for context in contexts
    )
    seeds = sorted({len(cell.trials) for context in contexts for cell in context.cells})
    many = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    said = f"figure {asked.spec.number} stands on {len(trials)} trials of {want.system} ({each}), "
    return [said + f"{many} seeds a cell, {blown_up} blown up"]


def lacks(asked: Asked, want: Wanted) -> list[str]:
    """What was not run of what a figure shows, with the command that runs it."""
    number, cells, searches = asked.spec.number, want.cells, want.searches
    missing = sum(len(cell.missing) for cell in cells) + sum(planned.missing for planned in searches)
    whole = sum(len(cell.seeds) for cell in cells)
    whole += sum(planned.done + planned.missing for planned in searches)
    said = []
    if missing:
        empty = sum(not cell.done for cell in cells)
        at_most = "up to " if searches else ""
        said.append(
            f"figure {number} lacks {at_most}{missing} of {whole} trials, {empty} of {len(cells)} cells "
            f"whole: {want.command} runs them{_recording_note(want.system)}"
        )
    failed = sum(cell.counts.get("failed", 0) - len(cell.again) for cell in cells)
    if failed:
        said.append(f"{failed} trials failed: {want.command[:-1]} --retry-failed` runs them again")
    absent = [regime for regime in asked.spec.regimes if regime not in want.regimes]
    if absent:
        said.append(f"figure {number} lacks {', '.join(absent)}, which {asked.study} does not have")
    if want.others:
        said.append(f"figure {number} does not show {', '.join(want.others)}")
    return said

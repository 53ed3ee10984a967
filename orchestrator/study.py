"""A study: the declared file, validated and resolved into trials.

A study has three kinds of axes. Grid axes (system, architecture, and whatever a table of a regime, an
architecture, a system or the training gives as a list) are run completely; τ belongs to the regime;
seeds are replicates, never searched and never a grid axis; τ may be searched (`search`).

    description = "…"
    report = "comparison" # or "tau", "exponents", "theorems": what `orch report NAME` shows
    [grid]
    system = ["lorenz63"]
    architecture = ["rnn", "plrnn", "lstm"]
    [regimes.sparse_forcing]
    tau = [5, 10, 30]
    [regimes.zero_reset]
    tau = { search = "lyapunov", trials = 24, seeds_per_trial = 5 }
    [regimes.clipping]
    [seeds]
    count = 20            # or until = "ci 20%", min = 6, max = 40
    [training]            # defaults are the authors' settings; a list is an axis
    epochs = 3000
    [evaluation]
    [architectures.plrnn] # hyperparameters of one architecture; a list is an axis
    latent_dim = 30
    [systems.lorenz63]    # settings of one system, likewise
    noise = [0.0, 0.05]
"""

import itertools
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .axes import check_names, expanded, searched_regimes, systems_of
from .declaration import Declared, Report, apply_override
from .errors import StudyError, did_you_mean
from .identity import Trial, digest
from .models import ARCHITECTURES, Architecture
from .models.regimes import REGIMES, Regime
from .models.settings import TrainingSettings
from .precision import Goal
from .search import Search, TauSearch
from .settings import EvaluationSettings
from .validation import Problem, misfits, problems_of


@dataclass(frozen=True)
class Study:
    """A validated study."""

    name: str
    description: str
    systems: tuple[str, ...]
    architectures: tuple[Architecture, ...]
    regimes: tuple[Regime, ...]
    """Of the grid."""
    searched: tuple[tuple[Regime, TauSearch], ...]
    """Regimes whose τ is searched, at their least τ."""
    seeds: tuple[int, ...]
    """Of the grid's cells; a search goes on from the first as it needs."""
    goal: Goal | None
    """Until when further seeds are run in the grid's cells."""
    trainings: tuple[TrainingSettings, ...]
    evaluation: EvaluationSettings
    source: str
    report: Report
    declaration: dict[str, Any]
    """The file's content with overrides applied, as plain data."""

    @property
    def definition_id(self) -> str:
        """SHA-256 of the declaration: changes with the file."""
        return digest(self.declaration)

    def cells(self) -> Iterator[Trial]:
        """Every cell of the grid, as its trial of the first seed: systems, then architectures, then
        trainings, then regimes."""
        axes = itertools.product(self.systems, self.architectures, self.trainings, self.regimes)
        for system, architecture, training, regime in axes:
            yield self._cell(system, architecture, training, regime)

    def searches(self) -> Iterator[Search]:
        """Every search for τ: one per system, architecture, training and searched regime."""
        axes = itertools.product(self.systems, self.architectures, self.trainings, self.searched)
        for system, architecture, training, (regime, settings) in axes:
            yield Search(self._cell(system, architecture, training, regime), settings)

    def representatives(self) -> Iterator[Trial]:
        """A trial of every cell of the grid, and of every search."""
        yield from self.cells()
        yield from (search.first for search in self.searches())

    @property
    def regime_names(self) -> set[str]:
        """The names of all regimes."""
        return {regime.name for regime in self.regimes} | {regime.name for regime, _ in self.searched}

    def _cell(
        self, system: str, architecture: Architecture, training: TrainingSettings, regime: Regime
    ) -> Trial:
        return Trial(
            system=system,
            architecture=architecture,
            regime=regime,
            training=training,
            evaluation=self.evaluation,
            seed=self.seeds[0],
        )

    @property
    def usable_seeds(self) -> range | tuple[int, ...]:
        """Seeds that a cell of the grid may come to have."""
        return self.seeds if self.goal is None else range(self.seeds[0], self.seeds[0] + self.goal.most)

    def trial_ids(self) -> list[str]:
        """The id of every trial of the grid, cell by cell."""
        return [trial_id for cell in self.cells() for trial_id in cell.ids_of(self.seeds)]

    def trials(self) -> Iterator[Trial]:
        """Every trial of the grid, cell by cell."""
        for cell in self.cells():
            for seed in self.seeds:
                yield cell.with_seed(seed)


def load(path: Path, overrides: Iterable[str] = ()) -> Study:
    """Read, override and validate a study file.

    Args:
        overrides: `key.path=value` with a TOML value, as `--set` takes them.

    Raises:
        StudyError: with every problem found; nothing was written.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise StudyError(str(path), [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise StudyError(str(path), ["is not UTF-8 text"]) from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(str(path), [f"is not valid TOML: {error}"]) from None
    overridden = [apply_override(raw, override) for override in overrides]
    return from_declaration(path.stem, raw, source=str(path), overridden=overridden)


def from_declaration(name: str, raw: dict[str, Any], *, source: str, overridden: Iterable[str] = ()) -> Study:
    """Validate plain data as a study.

    Raises:
        StudyError: with every problem found.
    """
    problems: list[Problem] = []
    try:
        declared = Declared.model_validate(raw)
    except ValidationError as error:
        raise StudyError(source, _lines(problems_of(error, Declared), overridden)) from None
    found = systems_of(declared, problems)
    check_names("grid.architecture", declared.grid.architecture, ARCHITECTURES, "architecture", problems)
    check_names("architectures", list(declared.architectures), ARCHITECTURES, "architecture", problems)
    check_names("regimes", list(declared.regimes), REGIMES, "regime", problems)
    architectures: list[Architecture] = []
    for key in declared.grid.architecture:
        if key in ARCHITECTURES:
            table = declared.architectures.get(key, {})
            architectures += expanded(ARCHITECTURES[key], table, f"architectures.{key}", problems)
    for key in declared.architectures.keys() - set(declared.grid.architecture):
        problems.append(Problem(f"architectures.{key}", f"'{key}' is not in grid.architecture"))
    regimes: list[Regime] = []
    searched: list[tuple[Regime, TauSearch]] = []
    for key, table in declared.regimes.items():
        if key not in REGIMES:
            continue
        if table.get("tau") in ("lyapunov", "uniform"):
            hint = f'{{ search = "{table["tau"]}" }}'
            problems.append(Problem(f"regimes.{key}.tau", f"expected whole numbers, or {hint} to search"))
        elif isinstance(table.get("tau"), dict) and "tau" in REGIMES[key].model_fields:
            searched += searched_regimes(REGIMES[key], table, f"regimes.{key}", problems)
        else:
            regimes += expanded(REGIMES[key], table, f"regimes.{key}", problems)
    trainings = expanded(TrainingSettings, declared.training, "training", problems)
    lengths = [training.sequence_length for training in trainings] or [TrainingSettings().sequence_length]
    taus = [(f"regimes.{r.name}.tau", getattr(r, "tau", 1)) for r in regimes]
    taus += [(f"regimes.{r.name}.tau.low", search.low) for r, search in searched]
    taus += [(f"regimes.{r.name}.tau.high", search.high or 1) for r, search in searched]
    for where, tau in taus:
        if tau > min(lengths):
            expected = f"expected at most training.sequence_length ({min(lengths)}), got {tau}"
            problems.append(Problem(where, expected))
    goal = declared.seeds.goal
    if goal is not None and goal.baseline not in declared.regimes:
        if "baseline" in declared.seeds.model_fields_set:
            near = did_you_mean(declared.seeds.baseline, declared.regimes)
            problems.append(
                Problem("seeds.baseline", f"the study has no regime named '{goal.baseline}'{near}")
            )
        goal = replace(goal, baseline=None)
    for system in found:
        problems += misfits(system, architectures, [*regimes, *(regime for regime, _ in searched)])
        points = system.longest_sequence
        if max(lengths) >= points:
            row = " in a row" if points < system.trained_points else ""
            expected = f"expected less than the {points} points{row} of {system.name}, got {max(lengths)}"
            problems.append(Problem("training.sequence_length", expected))
    if problems:
        raise StudyError(source, _lines(problems, overridden))
    return Study(
        name=name,
        description=declared.description,
        systems=tuple(system.name for system in found),
        architectures=tuple(architectures),
        regimes=tuple(regimes),
        searched=tuple(searched),
        seeds=declared.seeds.sure,
        goal=goal,
        trainings=tuple(trainings),
        evaluation=declared.evaluation,
        source=source,
        report=declared.report,
        declaration=raw,
    )


def _lines(problems: Iterable[Problem], overridden: Iterable[str]) -> list[str]:
    keys = set(overridden)
    return [
        problem.line(note=" (from --set)" if problem.within(keys) else "")
        for problem in dict.fromkeys(problems)
    ]

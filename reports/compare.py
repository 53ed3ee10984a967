"""Every regime against a named baseline, per system × architecture, paired by seed.

Challengers are all other regimes of the same context. A regime with a learning interval τ enters twice:
at the τ nearest to τ_pred (no tuning), and, where several τ were run, at its best τ, chosen on half of
the seeds and scored on the other half (see `selection`). The same holds for every regime with a τ, so
that none loses for lack of tuning.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Sequence

import duckdb

from .comparison import Comparison, Headline, Outcome, Row, Selection, Side
from .selection import best_on, nearest_tau, split_seeds
from .statistics import SMALLEST_SCORE, Estimate, geometric_mean, log_differences, paired_ratio, seeds_needed
from .trials import Cell, Context, ReportError, read_contexts
from .verdict import CEILING_SHARE, headline, verdict

FEW_SEEDS = 8
SHORT_NAMES = {"sparse_forcing": "forcing", "zero_reset": "zero reset"}


def compare(
    connection: duckdb.DuckDBPyConnection,
    baseline: str,
    *,
    studies: Sequence[str] = (),
    measure: str = "d_stsp",
) -> Comparison:
    """Compare every regime with `baseline`, a regime ('clipping') or a label ('clipping(max_norm=1)').

    `studies` keeps the trials of these studies only (of both sides); `measure` is d_stsp or
    d_stsp_published. Raises ReportError where no comparison can be made.
    """
    contexts = read_contexts(connection, measure, studies=studies)
    _check_baseline(contexts, baseline)
    rows: list[Row] = []
    notes: list[str] = []
    for context in contexts:
        base = [cell for cell in context.cells if _is(cell, baseline)]
        others = [cell for cell in context.cells if not _is(cell, baseline)]
        if not base or not others:
            missing = baseline if not base else f"anything but {baseline}"
            notes.append(f"{context.title}: left out, as {missing} was not run there.")
            continue
        for base_cell in _baseline_cells(context, base):
            rows.extend(_rows(context, base_cell, others))
    if not rows:
        raise ReportError(
            f"{baseline} and another regime were never run in the same context: "
            "compare needs both for one system, architecture and settings."
        )
    if all(row.n_pairs == 0 for row in rows):
        raise ReportError(
            f"{baseline} and the other regimes have no seeds in common, so nothing can be paired."
        )
    rows = [dataclasses.replace(row, verdict=verdict(row)) for row in rows]
    notes += _cautions(contexts, rows)
    return Comparison(
        baseline=baseline,
        measure=measure,
        studies=tuple(studies),
        rows=tuple(rows),
        headlines=tuple(_headlines(contexts, rows)),
        contexts=contexts,
        notes=tuple(notes),
    )


def _is(cell: Cell, baseline: str) -> bool:
    return baseline in (cell.regime, cell.label)


def _check_baseline(contexts: Sequence[Context], baseline: str) -> None:
    cells = [cell for context in contexts for cell in context.cells]
    regimes = sorted({cell.regime for cell in cells})
    if not any(_is(cell, baseline) for cell in cells):
        close = difflib.get_close_matches(baseline, [*regimes, *(cell.label for cell in cells)], n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise ReportError(f"No results for the baseline '{baseline}': {hint}There are {', '.join(regimes)}.")
    if all(_is(cell, baseline) for cell in cells):
        raise ReportError(
            f"{baseline} is the only regime with results, so there is nothing to compare it with."
        )


def _families(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells that differ in τ alone, together; forcing first, then zero reset, then by name."""
    families: dict[tuple[bool, bool, str], list[Cell]] = {}
    for cell in cells:
        key = (cell.regime != "sparse_forcing", cell.regime != "zero_reset", cell.family)
        families.setdefault(key, []).append(cell)
    return [families[key] for key in sorted(families)]


def _baseline_cells(context: Context, cells: Sequence[Cell]) -> Iterator[Cell]:
    """One cell per variant of the baseline; where it has a τ, the one nearest τ_pred, or else each."""
    for family in _families(cells):
        if context.tau_pred is not None and all(cell.tau for cell in family):
            yield nearest_tau(family, context.tau_pred)
        else:
            yield from family


def _rows(context: Context, base: Cell, others: Sequence[Cell]) -> Iterator[Row]:
    for family in _families(others):
        if not all(cell.tau for cell in family):
            for cell in family:
                yield _row(context, cell, base, "fixed")
            continue
        choices = len(family)
        if context.tau_pred is not None:
            near = nearest_tau(family, context.tau_pred)
            yield _row(context, near, base, "tau_pred", choices=choices)
        elif choices == 1:
            yield _row(context, family[0], base, "fixed")
        if choices > 1:
            common = set(base.scores) & {seed for cell in family for seed in cell.scores}
            choose_on, score_on = split_seeds(sorted(common))
            # Whether a cell has any seed to be scored on is looked at; what it scored there is not.
            able = [cell for cell in family if set(score_on) & set(cell.scores)]
            best = best_on(able, choose_on)
            if best is not None:
                used = sum(seed in best.scores for seed in choose_on)
                yield _row(context, best, base, "split", choices=choices, only=score_on, chosen_on=used)


def _row(
    context: Context,
    cell: Cell,
    base: Cell,
    selection: Selection,
    *,
    choices: int = 1,
    only: Sequence[int] | None = None,
    chosen_on: int = 0,
) -> Row:
    ours, theirs = cell.scores, base.scores
    common = sorted(set(ours) & set(theirs) & set(ours if only is None else only))
    a, b = [ours[seed] for seed in common], [theirs[seed] for seed in common]
    ratio = paired_ratio(a, b)
    mean, base_mean = geometric_mean(a).value, geometric_mean(b).value
    outcome = _outcome(ratio, mean, base_mean, context.ceiling)
    return Row(
        context_id=context.context_id,
        system=context.system,
        architecture=context.architecture,
        context=context.settings,
        selection=selection,
        challenger=_side(cell, mean, _name(context, cell)),
        baseline=_side(base, base_mean, _name(context, base) + (f" at τ={base.tau}" if base.tau else "")),
        tau_pred=context.tau_pred,
        tau_choices=choices,
        selection_seeds=chosen_on,
        n_pairs=ratio.n,
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        floor=context.floor,
        ceiling=context.ceiling,
        outcome=outcome,
        more_seeds=seeds_needed(log_differences(a, b)) if outcome == "no_difference" else None,
    )


def _outcome(ratio: Estimate, mean: float | None, base: float | None, ceiling: float | None) -> Outcome:
    if mean is None or base is None:
        return "no_common_seeds"
    if ceiling is not None and min(mean, base) >= CEILING_SHARE * ceiling:
        return "both_at_ceiling"
    if ratio.low is None or ratio.high is None:
        return "one_seed"
    if ratio.high < 1:
        return "better"
    return "worse" if ratio.low > 1 else "no_difference"


def _name(context: Context, cell: Cell) -> str:
    """A regime's short name; with its parameters only where another variant stands beside it."""
    variants = {other.family for other in context.cells if other.regime == cell.regime}
    name = SHORT_NAMES.get(cell.regime, cell.regime)
    return name + cell.family.removeprefix(cell.regime) if len(variants) > 1 else name


def _side(cell: Cell, mean: float | None, name: str) -> Side:
    return Side(
        cell_id=cell.cell_id,
        regime=cell.regime,
        label=cell.label,
        family=cell.family,
        name=name,
        tau=cell.tau,
        n=len(cell.trials),
        diverged=cell.count("diverged"),
        unbounded=cell.count("unbounded"),
        failed=cell.count("failed"),
        unscored=sum(trial.score is None and trial.status != "failed" for trial in cell.trials),
        geometric_mean=mean,
    )


def _headlines(contexts: Sequence[Context], rows: Sequence[Row]) -> Iterator[Headline]:
    titles = {context.context_id: context.title for context in contexts}
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.context_id, row.baseline.cell_id), []).append(row)
    for (context_id, base_id), group in groups.items():
        outcome, text = headline(group)
        yield Headline(context_id, titles[context_id], base_id, group[0].baseline.label, outcome, text)


def _cautions(contexts: Sequence[Context], rows: Sequence[Row]) -> Iterator[str]:
    """What a careful reader would ask about these results."""
    compared = {row.context_id for row in rows}
    trials = [
        trial
        for context in contexts
        if context.context_id in compared
        for cell in context.cells
        for trial in cell.trials
    ]
    failed = sum(trial.status == "failed" for trial in trials)
    if failed:
        yield f"{failed} of {len(trials)} trials failed (a bug, no result) and are left out."
    unscored = sum(trial.score is None and trial.status != "failed" for trial in trials)
    if unscored:
        yield f"{unscored} of {len(trials)} trials ended without a score and are left out."
    if any(trial.score is not None and trial.score < SMALLEST_SCORE for trial in trials):
        yield f"Scores below {SMALLEST_SCORE:g} were raised to it, as they have no usable log."
    few = sum(row.n_pairs < FEW_SEEDS for row in rows)
    if few:
        which = "The comparison rests" if len(rows) == 1 else f"{few} of {len(rows)} comparisons rest"
        yield f"{which} on fewer than {FEW_SEEDS} pairs: the interval leans on logs being normal."
    unknown = sorted({row.system for row in rows if row.tau_pred is None})
    if unknown:
        yield f"No τ_pred for {', '.join(unknown)}: nothing can be said about the τ nearest to it."

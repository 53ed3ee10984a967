"""Pairs of cells of one context: which challengers meet which baseline, seed by seed, at which τ.

A τ enters twice: as the one nearest to τ_pred, which is no tuning, and as the best on every second seed,
scored on the others alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .comparison import Outcome, Row, Selection, Side
from .evidence import cliffs_delta, improvement, sign_flip_test
from .selection import best_on, nearest_tau, split_seeds
from .statistics import Estimate, geometric_mean, log_differences, paired_ratio, seeds_needed
from .trials import Cell, Context
from .verdict import CEILING_SHARE, FEWEST_PAIRS

SHORT_NAMES = {"sparse_forcing": "forcing", "zero_reset": "zero reset"}


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


def context_rows(
    context: Context, base: Sequence[Cell], others: Sequence[Cell]
) -> tuple[list[Row], list[str]]:
    """The rows of one context, and a note for every challenger that got none."""
    rows: list[Row] = []
    notes: list[str] = []
    for base_cell in _baseline_cells(context, base):
        for family in _families(others):
            made = list(_rows(context, base_cell, family))
            rows += made
            notes += _passed_over(context, base_cell, family, made)
            if not made:
                pair = f"{regime_name(family[0], context.cells)} against {base_cell.label}"
                notes.append(f"{context.title}: {pair} left out, as {why_no_row([base_cell], family)}.")
    return rows, notes


def _passed_over(context: Context, base: Cell, family: Sequence[Cell], made: Sequence[Row]) -> Iterator[str]:
    """A note on a τ nearer to τ_pred than the one that stands for it."""
    for row in made:
        if row.selection == "tau_pred" and context.tau_pred is not None:
            nearest = nearest_tau(family, context.tau_pred)
            if nearest.cell_id != row.challenger.cell_id:
                pairs = len(nearest.scores.keys() & base.scores.keys())
                yield (
                    f"{context.title}: {row.challenger.name} at τ={nearest.tau} is nearer to τ_pred than at "
                    f"τ={row.tau}, and has {pairs} of the {FEWEST_PAIRS} pairs with {base.label} that it "
                    "takes."
                )


def why_no_row(base: Sequence[Cell], others: Sequence[Cell]) -> str:
    for cells in (base, others):
        if not any(cell.scores for cell in cells):
            return f"no trial of {', '.join(sorted({cell.regime for cell in cells}))} has a score"
    return "there is no τ_pred, and too few seeds are common to choose τ on some and score it on others"


def _rows(context: Context, base: Cell, family: Sequence[Cell]) -> Iterator[Row]:
    """At most two rows: one family against one baseline."""
    if not all(cell.tau for cell in family):
        for cell in family:
            yield _row(context, cell, base, "fixed")
        return
    choices = len(family)
    if choices == 1:  # none was chosen
        yield _row(context, family[0], base, "fixed")
    elif context.tau_pred is not None:
        # A τ of a few pairs decides nothing, however near it is.
        many = [cell for cell in family if len(cell.scores.keys() & base.scores.keys()) >= FEWEST_PAIRS]
        near = nearest_tau(many or family, context.tau_pred)
        yield _row(context, near, base, "tau_pred", choices=choices)
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
    differences = log_differences(a, b)
    more = seeds_needed(differences) if outcome == "undecided" else None
    if more is not None:
        more = max(more, FEWEST_PAIRS - ratio.n)
    if more is not None and selection == "split":
        more *= 2  # of new seeds, only every second one lands in the half that scores
    ranked, ranked_base = cell.for_ranks, base.for_ranks
    x, y = [ranked[seed] for seed in common], [ranked_base[seed] for seed in common]
    return Row(
        context_id=context.context_id,
        system=context.system,
        architecture=context.architecture,
        context=context.settings,
        selection=selection,
        challenger=_side(cell, mean, regime_name(cell, context.cells)),
        baseline=_side(
            base, base_mean, regime_name(base, context.cells) + (f" at τ={base.tau}" if base.tau else "")
        ),
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
        more_seeds=more,
        seeds=tuple(common),
        improvement=improvement(x, y),
        cliffs_delta=cliffs_delta(x, y),
        p_value=sign_flip_test(differences),
    )


def _outcome(ratio: Estimate, mean: float | None, base: float | None, ceiling: float | None) -> Outcome:
    if mean is None or base is None:
        return "no_common_seeds"
    if ceiling is not None and min(mean, base) >= CEILING_SHARE * ceiling:
        return "both_at_ceiling"
    if ratio.low is None or ratio.high is None:
        return "one_seed"
    if ratio.n < FEWEST_PAIRS:
        return "undecided"
    if ratio.high < 1:
        return "better"
    return "worse" if ratio.low > 1 else "undecided"


def regime_name(cell: Cell, among: Iterable[Cell]) -> str:
    """A regime's short name; with its parameters only where another variant is among these cells."""
    variants = {other.family for other in among if other.regime == cell.regime}
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

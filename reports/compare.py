"""Every regime against a named baseline, per system × architecture, paired by seed.

Challengers are all other regimes of the same context. A regime with a learning interval τ enters twice:
at the τ nearest to τ_pred (no tuning), and, where several τ were run, at its best τ, chosen on half of
the seeds and scored on the other half (see `selection`). So no challenger with a τ loses for lack of tuning.
A baseline with a τ may: it enters only at the τ nearest to τ_pred (where τ_pred is unknown, at each of its
τ), never at its best, so that a tuned row against it favours the challenger.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Sequence

import duckdb

from .codes import StaleError, mixed_codes
from .comparison import Comparison, Headline, Row
from .doubts import of_exponents
from .evidence import holm, smallest_p
from .pairing import context_rows, why_no_row
from .reading import read_contexts
from .replicates import seed_rules
from .scope import ALL, Scope
from .statistics import SMALLEST_SCORE
from .trials import (
    Cell,
    Context,
    NothingToCompareError,
    UnknownBaselineError,
)
from .verdict import ALPHA, counted, headline, verdict

FEW_SEEDS = 8
UNTRAINED = {"constructed"}
"""Networks that no regime has trained: nothing to compare a regime with."""


def compare(
    connection: duckdb.DuckDBPyConnection,
    baseline: str,
    *,
    scope: Scope = ALL,
    measure: str = "d_stsp",
    allow_stale: bool = False,
) -> Comparison:
    """Compare every regime with `baseline`, a regime ('clipping') or a label ('clipping(max_norm=1)').

    `scope` is of both sides; `measure` is one of `MEASURES`. Results of different code are compared only with
    `allow_stale`, and then listed in the notes. Raises ReportError where no comparison can be made,
    StaleError where it would pool results of different code.
    """
    read = read_contexts(connection, measure, scope=scope)
    _check_baseline(read, baseline)
    mixed = mixed_codes(connection, read, scope=scope)
    if mixed and not allow_stale:
        raise StaleError(mixed)
    rows: list[Row] = []
    notes: list[str] = []
    met = False
    for context in read:
        notes += _of_given_up(context)
        base = [cell for cell in context.cells if _is(cell, baseline)]
        others = [cell for cell in context.cells if not _is(cell, baseline) and cell.regime not in UNTRAINED]
        if not base or not others:
            missing = baseline if not base else f"anything but {baseline}"
            how = "whole " if context.given_up else ""
            notes.append(f"{context.title}: left out, as {missing} was not run {how}there.")
            continue
        met = True
        made, missing_rows = context_rows(context, base, others)
        rows += made
        notes += missing_rows if made else [f"{context.title}: left out, as {why_no_row(base, others)}."]
    if not met:
        ran = "trained to the end with all seeds" if any(context.given_up for context in read) else "run"
        raise NothingToCompareError(
            f"{baseline} and another regime were never {ran} in the same context: "
            "compare needs both for one system, architecture and settings."
        )
    if all(row.n_pairs == 0 for row in rows):
        failed = sum(cell.count("failed") for context in read for cell in context.cells)
        why = f" ({counted(failed, 'trial')} failed)" if failed else ""
        raise NothingToCompareError(
            f"{baseline} and the other regimes have no seeds in common{why}, so nothing can be paired."
        )
    adjusted = holm([row.p_value for row in rows])
    rows = [dataclasses.replace(row, p_holm=p) for row, p in zip(rows, adjusted, strict=True)]
    rows = [dataclasses.replace(row, verdict=verdict(row)) for row in rows]
    notes += [*_cautions(read, rows), *seed_rules(connection, scope.studies), *mixed]
    return Comparison(
        baseline=baseline,
        measure=measure,
        scope=scope,
        rows=tuple(rows),
        headlines=tuple(_headlines(read, rows)),
        contexts=read,
        notes=tuple(notes),
    )


def without_pairs(
    connection: duckdb.DuckDBPyConnection,
    baseline: str,
    why: str,
    *,
    scope: Scope = ALL,
    measure: str = "d_stsp",
    allow_stale: bool = False,
) -> Comparison:
    """What there is to be said of results of which none can be compared, with the reason as the first note.

    Raises:
        ReportError: there are no results.
        StaleError: it would pool results of different code.
    """
    read = read_contexts(connection, measure, scope=scope)
    mixed = mixed_codes(connection, read, scope=scope)
    if mixed and not allow_stale:
        raise StaleError(mixed)
    notes = (why, *(note for context in read for note in _of_given_up(context)), *mixed)
    return Comparison(baseline, measure, scope, (), (), read, notes)


def _is(cell: Cell, baseline: str) -> bool:
    return baseline in (cell.regime, cell.label)


def _check_baseline(contexts: Sequence[Context], baseline: str) -> None:
    cells = [cell for context in contexts for cell in context.cells]
    regimes = sorted({cell.regime for cell in cells})
    if not any(_is(cell, baseline) for cell in cells):
        if any(_is(cell, baseline) for context in contexts for cell in context.partial):
            raise NothingToCompareError(f"a search gave up some seeds of every {baseline} that there is.")
        close = difflib.get_close_matches(baseline, [*regimes, *(cell.label for cell in cells)], n=1)
        # A regime without τ by its variants, where they are what was asked for.
        its = {cell.label for cell in cells if not cell.tau and baseline.startswith(f"{cell.regime}(")}
        there = sorted(its) or regimes
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise UnknownBaselineError(
            f"No results for the baseline '{baseline}': {hint}There are {', '.join(there)}."
        )
    if all(_is(cell, baseline) for cell in cells):
        given_up = any(context.given_up for context in contexts)
        results = "whose seeds were all trained to the end" if given_up else "with results"
        raise NothingToCompareError(
            f"{baseline} is the only regime {results}, so there is nothing to compare it with."
        )


def _headlines(contexts: Sequence[Context], rows: Sequence[Row]) -> Iterator[Headline]:
    titles = {context.context_id: context.title for context in contexts}
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.context_id, row.baseline.cell_id), []).append(row)
    for (context_id, base_id), group in groups.items():
        outcome, text = headline(group)
        yield Headline(context_id, titles[context_id], base_id, group[0].baseline.label, outcome, text)


def _of_given_up(context: Context) -> Iterator[str]:
    """Which cells are left out since not all of their seeds were trained to the end."""
    if context.given_up:
        yield (
            f"{context.title}: {', '.join(context.given_up)} left out: a search gave some of the seeds up "
            "early, and the others alone would be the luckier ones (`--tau` shows them)."
        )


def _cautions(contexts: Sequence[Context], rows: Sequence[Row]) -> Iterator[str]:
    """What a careful reader would ask about these results."""
    for context in contexts:  # all that were read: a context without a row must not hide what failed there
        trials = [trial for cell in context.cells for trial in cell.trials]
        of_all = f"of {counted(len(trials), 'trial')}"
        failed = sum(trial.status == "failed" for trial in trials)
        left_out = f"and {'is' if failed == 1 else 'are'} left out"
        if failed:
            yield f"{failed} {of_all} failed in {context.title} (a bug, no result) {left_out}."
        unscored = sum(trial.score is None and trial.status != "failed" for trial in trials)
        left_out = f"and {'is' if unscored == 1 else 'are'} left out"
        if unscored:
            yield f"{unscored} {of_all} ended without a score in {context.title} {left_out}."
    scores = [score for c in contexts for cell in c.cells for score in cell.scores.values()]
    if any(score < SMALLEST_SCORE for score in scores):
        yield f"Scores below {SMALLEST_SCORE:g} were raised to it, as they have no usable log."
    few = sum(row.n_pairs < FEW_SEEDS for row in rows)
    if few:
        of_all = f"{few} of {counted(len(rows), 'comparison')}"
        yield f"Fewer than {FEW_SEEDS} pairs in {of_all}: the interval leans on logs being normal."
    decided = [row for row in rows if row.outcome in ("better", "worse")]
    blown_up = sum(row.challenger.blown_up != 0 or row.baseline.blown_up != 0 for row in decided)
    if blown_up:
        yield (
            f"Runs blew up in {blown_up} of {counted(len(decided), 'comparison')} with a clear "
            "interval: where few do, a ratio's interval holds the truth less often than it says. P(better) "
            "does not hang on them."
        )
    unsure = [row for row in decided if (row.p_holm or 0) >= ALPHA]
    if unsure:
        family = sum(row.p_value is not None for row in rows)
        of_all = f"of {counted(len(unsure), 'comparison')} whose interval is clear of 1"
        least = min(smallest_p(row.n_pairs) for row in unsure)
        bound = (
            f"; {max(row.n_pairs for row in unsure)} pairs cannot give less than {least:.2g}"
            if least >= ALPHA / family
            else ""
        )
        yield f"The sign-flip test {of_all} gives p ≥ {ALPHA} once all {family} are counted (Holm){bound}."
    yield from of_exponents(contexts)
    unknown = sorted({row.system for row in rows if row.tau_pred is None})
    if unknown:
        yield f"No τ_pred for {', '.join(unknown)}: nothing can be said about the τ nearest to it."

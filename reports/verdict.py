"""Numbers into sentences: the verdict of a row, the headline of a context, and how to read both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .comparison import Outcome, Row, Selection
from .statistics import SMALLEST_SCORE
from .trials import Context

CEILING_SHARE = 0.95
"""A geometric mean above this share of the ceiling reconstructs nothing."""

FEWEST_PAIRS = 4
"""Of fewer the interval is a matter of how much two or three numbers happen to agree: they decide nothing."""

ALIKE = 1.25
"""Within such a factor of 1 an interval says that two sides are alike, and not that nothing can be said."""

ALPHA = 0.05
"""Above it a test confirms nothing."""

FLOOR_FACTOR = 1.25
"""A geometric mean within this factor of the floor is as good as an independent trajectory of the truth."""

SELECTIONS: dict[Selection, str] = {"tau_pred": "near τ_pred", "split": "tuned", "fixed": ""}
"""How τ was chosen, in a table."""

FAR = "far off"
"""Said of the τ nearest to τ_pred where it is too far from it to stand for it."""

LEGEND = (
    "Ratio: geometric mean over common seeds of {measure} challenger / {measure} baseline; "
    "below 1 the challenger reconstructs better. Interval: 95% t-interval on the logs of the paired ratios.",
    "Pairs: within one seed both regimes start from the same weights and see the same minibatches. "
    "Cells that differ in anything but the seed are never pooled.",
    "Blown-up seeds count: training that diverged and free runs that left every bound score the measure's "
    "ceiling, the worst there is. Failed trials (a bug, no result) are left out, and counted. How many blew "
    "up is of all trials of a cell, those that chose its τ among them.",
    "τ: 'near τ_pred' is the τ nearest, on a log scale, to τ_pred = ln 2 / (λ_max · dt), of those with four "
    "pairs if there are any: no tuning. 'Tuned' is the best τ on every second seed (first, third, …), scored "
    "on the other seeds alone.",
    "'Not enough seeds to tell: about k more': pairs still missing for 80% power at 5% if the effect is as "
    "large as it looks now; of a tuned τ twice as many seeds, as only every second one is scored.",
    "P(better): share of pairs that the challenger wins, ties half, with a Wilson interval; Cliff's δ: the "
    "same over all pairings of their seeds, from −1 to 1. A run that blew up loses against any that did not.",
    "p: sign-flip test of the pairs (every sign below 15 pairs, drawn ones beyond); with n pairs it cannot "
    "fall below 2/2ⁿ. Holm: the same, adjusted for all comparisons of this report.",
    "A mean nearer to the ceiling than to the floor, on a log scale, is no reconstruction, whatever it "
    "beats.",
    "The verdict goes by the interval, and each stands for itself: of 20 comparisons without any effect, one "
    "misses 1. Whoever makes many looks at Holm. Of fewer than four pairs none decides.",
)


NEAR = 1.5
"""A τ within this factor of τ_pred counts as near it."""


def number(value: float | None) -> str:
    """Three significant digits, '–' for none."""
    if value is None:
        return "–"
    if value and (abs(value) < 1e-3 or abs(value) >= 1e6):
        return f"{value:.1e}"
    decimals = 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{decimals}f}"


def times(factor: float | None) -> str:
    """A factor as people say it: '31×', '1.35×', '0.020×'."""
    if factor is None:
        return "–"
    if factor >= 1e6:
        return ">10⁶×"
    if factor < 1e-6:
        return "<10⁻⁶×"
    if factor >= 2:
        return f"{factor:,.{1 if factor < 9.95 else 0}f}×"
    decimals = 2 if factor >= 0.1 else 1 - math.floor(math.log10(factor))
    return f"{factor:.{decimals}f}×"


def p_text(p: float | None) -> str:
    """A p-value, to two digits and no further than a thousandth: '0.031', '<0.001'."""
    if p is None:
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def counted(count: int, noun: str) -> str:
    """'1 trial', '1,200 trials'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def seeds(count: int) -> str:
    """'1 seed', '8 seeds'."""
    return counted(count, "seed")


def selected(row: Row) -> str:
    """The challenger with its τ and how that was chosen."""
    name, tau = row.challenger.name, row.tau
    if tau is None:
        return name
    if row.selection == "split":
        scored = counted(row.n_pairs, "other")
        return f"{name} at τ={tau} (best on {seeds(row.selection_seeds)}, scored on {scored})"
    if row.tau_pred is None:
        return f"{name} at τ={tau}"
    if row.tau_choices == 1:
        return f"{name} at τ={tau} (the only τ run; τ_pred {number(row.tau_pred)})"
    if not near_prediction(row):
        return f"{name} at τ={tau} (far from τ_pred {number(row.tau_pred)})"
    return f"{name} at τ={tau} (near τ_pred {number(row.tau_pred)})"


def near_prediction(row: Row) -> bool:
    """Whether a row's τ can stand for τ_pred: within a factor NEAR of it."""
    return is_near(row.tau, row.tau_pred)


def is_near(tau: int | None, tau_pred: float | None) -> bool:
    """Whether a τ can stand for τ_pred: within a factor NEAR of it."""
    if tau is None or tau_pred is None:
        return False
    return abs(math.log(tau / tau_pred)) <= math.log(NEAR)


def choice(row: Row) -> str:
    """How τ was chosen, in two words; '' where there was no choice."""
    if row.selection == "tau_pred" and not near_prediction(row):
        return FAR
    return SELECTIONS[row.selection]


def tau_choice(row: Row) -> str:
    """τ and how it was chosen."""
    return "–" if row.tau is None else f"{row.tau} {choice(row)}".strip()


def _better_factor(row: Row) -> tuple[float, float, float]:
    """(factor, low, high) by which the better side is better; for rows with an interval."""
    assert row.ratio is not None and row.low is not None and row.high is not None
    if row.outcome == "better":
        return 1 / row.ratio, 1 / row.high, 1 / row.low
    return row.ratio, row.low, row.high


def verdict(row: Row) -> str:
    """One sentence about one row."""
    who, baseline = selected(row), row.baseline.name
    if row.outcome == "no_common_seeds":
        return f"no common seeds: {who} and {baseline} cannot be paired"
    if row.outcome == "both_at_ceiling":
        return f"both at the ceiling: neither {who} nor {baseline} reconstructs ({seeds(row.n_pairs)})"
    if row.outcome == "one_seed":
        scores = f"{number(row.challenger.geometric_mean)} against {number(row.baseline.geometric_mean)}"
        return f"only 1 common seed: no interval; {who} scores {scores} of {baseline}"
    factor, low, high = _better_factor(row)
    evidence = f"(95% {times(low)} to {times(high)}, {seeds(row.n_pairs)}"
    evidence += ")" if row.p_value is None else f", p {p_text(row.p_value)})"
    if row.outcome == "undecided":
        seen = f"{who} scores {times(factor)} {baseline} {evidence}"
        if row.more_seeds is None:
            return (
                f"alike: {seen}{_level(row)}"
                if _alike(row)
                else f"cannot tell: {seen}; even 1000 seeds might not"
            )
        if row.n_pairs < FEWEST_PAIRS:
            seen += f"; fewer than {FEWEST_PAIRS} pairs decide nothing"
        return f"not enough seeds to tell: {seen}; about {row.more_seeds:,} more would"
    return f"{who} scores {times(factor)} {row.outcome} than {baseline} {evidence}{_level(row)}"


def _alike(row: Row) -> bool:
    """Whether an interval about 1 leaves room for no difference worth the name."""
    if row.n_pairs < FEWEST_PAIRS or row.low is None or row.high is None:
        return False
    return row.low * ALIKE >= 1 and row.high <= ALIKE


def reconstructs(at: Row | Context, mean: float | None) -> bool | None:
    """Whether a mean lies nearer to the floor than to the ceiling, on a log scale; None: cannot be said."""
    if mean is None or not at.floor or not at.ceiling:
        return None
    return mean <= math.sqrt(max(at.floor, SMALLEST_SCORE) * at.ceiling)


def _level(row: Row) -> str:
    """How good the better side is in itself: to score better than what fails is not to reconstruct."""
    mean = (row.challenger if row.outcome == "better" else row.baseline).geometric_mean
    nearer = reconstructs(row, mean)
    if mean is None or nearer is None or row.floor is None:
        return ""
    if mean <= FLOOR_FACTOR * row.floor:
        return "; at the floor"
    if nearer:
        return f"; at {number(mean)}, the floor is {number(row.floor)}"
    return f"; but {number(mean)} is no reconstruction, the floor is {number(row.floor)}"


def _clause(row: Row, *, lead: str = "") -> str:
    """The row in a few words, for a headline that already names the challenger, as `lead` does."""
    hollow = _hollow(row) if " beats " in lead else ""
    said = {
        "no_common_seeds": "no common seeds",
        "both_at_ceiling": f"at the ceiling like {row.baseline.name}",
        "one_seed": "only 1 seed",
        "undecided": _undecided(row),
    }.get(row.outcome) or f"{times(_better_factor(row)[0])} {row.outcome}{hollow}"
    if row.tau is None:
        return said
    if row.selection == "split":
        return f"{said} at its best τ={row.tau} (on {counted(row.n_pairs, 'held-out seed')})"
    if f"τ={row.tau}" in said:  # the baseline's τ, named already
        return said
    near = ""
    if row.selection == "tau_pred" and row.tau_choices > 1:
        near = " (near τ_pred)" if near_prediction(row) else " (far from τ_pred)"
    return f"{said} at τ={row.tau}{near}"


def _hollow(row: Row) -> str:
    """To be nearer to the truth than what fails may still be to fail."""
    mean = (row.challenger if row.outcome == "better" else row.baseline).geometric_mean
    return ", no reconstruction," if reconstructs(row, mean) is False else ""


def _undecided(row: Row) -> str:
    if row.more_seeds is None:
        neither = reconstructs(row, row.baseline.geometric_mean) is False
        alike = "alike, no reconstruction" if neither else "alike"
        return f"{alike if _alike(row) else 'cannot tell'} ({times(row.ratio)})"
    return f"not enough seeds to tell ({times(row.ratio)}; about {row.more_seeds:,} more)"


def _lead(rows: Sequence[Row]) -> str:
    """Who wins, from the rows of one challenger; the row without tuning speaks first."""
    first = rows[0]
    name, baseline = first.challenger.name, first.baseline.name
    better = [row.outcome == "better" for row in rows]
    winners = [row.challenger if row.outcome == "better" else row.baseline for row in rows]
    if any(better):
        best = min(
            (row for row in rows if row.outcome == "better"),
            key=lambda row: row.challenger.geometric_mean or math.inf,
        )
        verb = (
            "beats"
            if reconstructs(best, best.challenger.geometric_mean) is not False
            else "comes closer than"
        )
        predicted = "near τ_pred only" if near_prediction(first) else f"at τ={first.tau} only"
        where = "" if all(better) else " " + (predicted if better[0] else "at a tuned τ only")
        return (
            f"{name} {verb} {baseline}{where}{_unconfirmed(row for row in rows if row.outcome == 'better')}"
        )
    verb = "beats" if reconstructs(first, winners[0].geometric_mean) is not False else "comes closer than"
    if first.outcome == "worse":
        elsewhere = [row for row in rows[1:] if row.outcome not in ("worse", "both_at_ceiling")]
        where = "" if not elsewhere else " near τ_pred" if near_prediction(first) else f" at τ={first.tau}"
        return f"{baseline} {verb} {name}{where}{_unconfirmed([first])}"
    if _outcome(rows) == "both_at_ceiling":
        return f"neither {name} nor {baseline} reconstructs"
    if all(row.outcome == "undecided" and row.more_seeds is None and _alike(row) for row in rows):
        return f"{name} and {baseline} are alike"
    return f"undecided between {name} and {baseline}"


def _outcome(rows: Sequence[Row]) -> Outcome:
    """Of one challenger's rows: that of the first, without tuning, unless that stands at the ceiling and
    another τ may not.
    """
    first = rows[0].outcome
    open_still = any(row.outcome != "both_at_ceiling" for row in rows)
    return "undecided" if first == "both_at_ceiling" and open_still else first


def _unconfirmed(rows: Iterable[Row]) -> str:
    """Said of intervals clear of 1 where no sign-flip test confirms any; of four or five pairs none can."""
    least = min((row.p_value for row in rows if row.p_value is not None), default=None)
    return f" (by the interval alone, p {p_text(least)})" if least is not None and least >= ALPHA else ""


def headline(rows: Sequence[Row]) -> tuple[Outcome, str]:
    """The outcome of the leading row, and one line about all rows of one context and baseline.

    Forcing leads where there is any; the other regimes follow, each with its own clause.
    """
    families: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.challenger.regime != "sparse_forcing"):
        families.setdefault(row.challenger.family, []).append(row)
    leading, *others = families.values()
    lead = _lead(leading)
    parts = [f"{lead}: {', '.join(_clause(row, lead=lead) for row in leading)}"]
    parts += [f"{rows[0].challenger.name}: {', '.join(map(_clause, rows))}" for rows in others]
    return _outcome(leading), "; ".join(parts)

"""The verdicts of a comparison, and the tables of its pairs: what the page begins with.

Many contexts have one table of all their rows, and each its own part folded below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..comparison import Comparison, Outcome, Row
from ..evidence import Share
from ..table import blown_up
from ..trials import Context
from ..verdict import choice, counted, number, p_text, times
from .pairs_sql import name_columns, name_of, pairs_query
from .parts import Shown, bullets, element, folded, sql, table, text

MANY = 4
"""Verdicts, from which on they are counted, and their details folded."""

OUTCOMES: dict[Outcome, str] = {
    "better": "better than {baseline}",
    "worse": "worse than {baseline}",
    "undecided": "not told from {baseline}",
    "both_at_ceiling": "at the ceiling like {baseline}",
    "one_seed": "with only one seed in common",
    "no_common_seeds": "with no seed in common",
}
"""Of a leading comparison, in a tally."""

NONE_LEFT = "All of {trials} blew up, in training or running freely: every score is the ceiling."


def shared_settings(comparison: Comparison) -> str:
    """The settings of all contexts, where they have the same; '' where they differ, or are the defaults."""
    settings = {context.settings for context in comparison.contexts}
    return settings.pop() if len(settings) == 1 else ""


def short(title: str, comparison: Comparison) -> str:
    """The title of a context without settings that are those of all, which the page says once."""
    shared = shared_settings(comparison)
    return title.removesuffix(f" [{shared}]") if shared else title


def headlines(comparison: Comparison) -> str:
    """The verdicts, each with a link to its details; a tally first, where there are many."""
    many = len(comparison.headlines) >= MANY
    lines = (
        f'<li class="{line.outcome}"><strong><a href="#{_anchor(place)}">'
        f"{text(short(line.title, comparison))}</a></strong>: {text(line.text)}</li>"
        for place, line in enumerate(comparison.headlines)
    )
    css = "headline many" if many else "headline"
    ran = [t for c in comparison.contexts for cell in c.cells for t in cell.trials if t.status != "failed"]
    none = element("p", NONE_LEFT.format(trials=counted(len(ran), "trial")), css="tally")
    said = f'<ul class="{css}" aria-label="Verdict">{"".join(lines)}</ul>'
    tally = element("p", _tally(comparison), css="tally") if many else ""
    return (none if all(trial.blown_up for trial in ran) else "") + tally + said


def _tally(comparison: Comparison) -> str:
    """'20 verdicts, each by its leading comparison: 18 better than clipping, 2 not told from clipping.'"""
    counts = Counter(line.outcome for line in comparison.headlines)
    said = ", ".join(
        f"{counts[outcome]} {words.format(baseline=comparison.baseline)}"
        for outcome, words in OUTCOMES.items()
        if counts[outcome]
    )
    verdicts = counted(len(comparison.headlines), "verdict")
    return f"{verdicts}, each by its leading comparison: {said}."


def pair_tables(comparison: Comparison) -> list[str]:
    """Ratios and other evidence, context by context.

    p after Holm stands where all of its family is to be seen: of many contexts in the table of them all.
    """
    parts: list[str] = []
    many = len(comparison.headlines) >= MANY
    if many:
        every = [row for line in comparison.headlines for row in comparison.rows_of(line)]
        query = pairs_query(comparison, every, named=True)
        parts += [_overview(comparison, every), sql(query, "The SQL of this table")]
    for place, line in enumerate(comparison.headlines):
        rows = comparison.rows_of(line)
        title = f"{short(line.title, comparison)}, against {line.baseline}"
        content = "\n".join(
            [
                element("p", _facts(comparison.context(line.context_id)), css="soft"),
                _ratios(rows),
                _evidence(rows, adjusted=not many),
                bullets(row.verdict for row in rows),
                sql(pairs_query(comparison, rows, adjusted=not many), "The SQL of these tables"),
            ]
        )
        if many:
            # The target of its link is within, so that following the link opens it.
            parts.append(folded(title, f'<div id="{_anchor(place)}">{content}</div>', css="details context"))
        else:
            parts += [f'<h3 id="{_anchor(place)}">{text(title)}</h3>', content]
    return parts


def _anchor(place: int) -> str:
    return f"pairs-{place}"


def _facts(context: Context) -> str:
    """What is known of the system; what is not, in words."""
    known = [f"floor {number(context.floor)}", f"ceiling {number(context.ceiling)}"]
    chaotic = context.lambda_max is not None and context.lambda_max > 0
    if context.lambda_max is not None:
        error = f" ± {context.lambda_max_se:.2g}" if context.lambda_max_se is not None else ""
        known += [f"λ_max {number(context.lambda_max)}{error}", f"dt {number(context.dt)}"]
    if context.tau_pred is not None:
        return f"τ_pred {number(context.tau_pred)} steps, {', '.join(known)}."
    why = "" if chaotic else f"no positive λ_max is known of {context.system}, so "
    lacks = f"{why}there is no τ_pred to compare τ with"
    return f"{lacks[0].upper()}{lacks[1:]}; {', '.join(known)}."


RATIOS = ("challenger", "choice of τ", "τ", "pairs", "ratio", "95%", "challenger's mean", "baseline's mean",
          "blown up")  # fmt: skip


def _ratios(rows: Sequence[Row]) -> str:
    cells = [
        (
            *_challenger(row),
            row.challenger.geometric_mean,
            row.baseline.geometric_mean,
            f"{blown_up(row.challenger)} : {blown_up(row.baseline)}",
        )
        for row in rows
    ]
    outcomes = [row.outcome for row in rows]
    return table(RATIOS, cells, numeric=(2, 3, 4, 6, 7), css=outcomes, caption="Challenger over baseline.")


def _challenger(row: Row) -> tuple[object, ...]:
    return (
        row.challenger.label,
        choice(row) or None,
        row.tau,
        row.n_pairs,
        Shown(times(row.ratio), row.ratio),
        Shown(None if row.low is None else f"{times(row.low)} to {times(row.high)}", row.low),
    )


def _overview(comparison: Comparison, rows: Sequence[Row]) -> str:
    """All rows in one table, to be sorted by what is asked."""
    named = name_columns(comparison)
    columns = [*named, *RATIOS[:6], "P(better)", "p (Holm)"]
    cells = [
        (
            *(name_of(row, name) for name in named),
            *_challenger(row),
            Shown(
                None if row.improvement.value is None else f"{row.improvement.value:.2f}",
                row.improvement.value,
            ),
            Shown(p_text(row.p_holm), row.p_holm),
        )
        for row in rows
    ]
    numeric = tuple(len(named) + place for place in (2, 3, 4, 6, 7))
    caption = "Every challenger over its baseline; each context's own tables are below."
    return table(columns, cells, numeric=numeric, css=[row.outcome for row in rows], caption=caption)


def _evidence(rows: Sequence[Row], *, adjusted: bool) -> str:
    """What the same pairs say beside their ratio."""
    holm = ["p (Holm)"] if adjusted else []
    columns = ["challenger", "τ", "P(better)", "95%", "Cliff's δ", "p (sign flips)", *holm,
               "blew up", "95%", "baseline's", "95%"]  # fmt: skip
    cells = [
        (
            row.challenger.label,
            row.tau,
            *share(row.improvement, "{:.2f}"),
            row.cliffs_delta,
            Shown(p_text(row.p_value), row.p_value),
            *([Shown(p_text(row.p_holm), row.p_holm)] if adjusted else []),
            *share(row.challenger.blown_up_share, "{:.0%}"),
            *share(row.baseline.blown_up_share, "{:.0%}"),
        )
        for row in rows
    ]
    numeric = [place for place, name in enumerate(columns) if name not in ("challenger", "95%")]
    return table(columns, cells, numeric=numeric, caption="The same pairs, without means.")


def share(share: Share, form: str) -> tuple[Shown, Shown]:
    """A share and its interval."""
    if share.value is None or share.low is None or share.high is None:
        return Shown(None, None), Shown(None, None)
    interval = f"{form.format(share.low)} to {form.format(share.high)}"
    return Shown(form.format(share.value), share.value), Shown(interval, share.low)

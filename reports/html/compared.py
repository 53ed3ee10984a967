"""The tables of a comparison, context by context and over all of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..across import across
from ..comparison import Comparison, Row
from ..evidence import Share
from ..figures import to_svg
from ..figures.across_systems import across_systems
from ..table import across_said, blown_up
from ..verdict import SELECTIONS, number, p_text, times
from .parts import Shown, bullets, element, figure, section, sql, table
from .queries import pairs_query

ACROSS = (
    "Left: the share of runs that score above each level, every context weighing the same, with pointwise "
    "95% bands (stratified bootstrap); dotted: from here on a run reconstructs. Right: mean ranks over "
    "contexts; a bar joins methods of which no two can be told apart at 5% (sign flips over contexts, Holm)."
)


def comparison_tables(comparison: Comparison) -> list[str]:
    """Ratios and evidence of each context, its verdicts and the SQL."""
    columns = [
        "challenger",
        "choice of τ",
        "τ",
        "pairs",
        "ratio",
        "95%",
        "challenger",
        "baseline",
        "blown up",
    ]
    parts: list[str] = []
    for line in comparison.headlines:
        context = comparison.context(line.context_id)
        rows = comparison.rows_of(line)
        facts = f"τ_pred {number(context.tau_pred)} steps, floor {number(context.floor)}"
        if context.lambda_max is not None:
            error = f" ± {context.lambda_max_se:.2g}" if context.lambda_max_se is not None else ""
            facts += f", λ_max {number(context.lambda_max)}{error}, dt {number(context.dt)}"
        parts.append(element("h3", f"{line.title}, against {line.baseline}"))
        parts.append(element("p", f"{facts}, ceiling {number(context.ceiling)}.", css="soft"))
        cells = [
            (
                row.challenger.label,
                SELECTIONS[row.selection] if row.tau_choices > 1 else None,
                row.tau,
                row.n_pairs,
                Shown(times(row.ratio), row.ratio),
                Shown(None if row.low is None else f"{times(row.low)} to {times(row.high)}", row.low),
                row.challenger.geometric_mean,
                row.baseline.geometric_mean,
                f"{blown_up(row.challenger)} : {blown_up(row.baseline)}",
            )
            for row in rows
        ]
        parts.append(table(columns, cells, numeric=(2, 3, 4, 6, 7), css=[row.outcome for row in rows]))
        parts += [_evidence(rows), bullets(row.verdict for row in rows)]
        parts.append(sql(pairs_query(comparison, context, rows), "The SQL of these tables"))
    return parts


def across_section(comparison: Comparison) -> str:
    """All systems together; nothing of one alone."""
    together = across(comparison)
    if together is None:
        return ""
    rows = [
        (method.name, method.count, *_share(method.iqm, "{:.2f}"), *_share(method.reconstructed, "{:.0%}"),
         method.mean_rank)
        for method in together.methods
    ]  # fmt: skip
    columns = ["method", "runs", "interquartile mean", "95%", "reconstruct", "95%", "mean rank"]
    return section(
        "All systems together",
        figure(to_svg(across_systems(together)), ACROSS, "across"),
        table(columns, rows, numeric=(1, 2, 4, 6), caption="Methods that were run everywhere, best first."),
        bullets(across_said(together)),
    )


def _evidence(rows: Sequence[Row]) -> str:
    """What the same pairs say beside their ratio."""
    columns = ["challenger", "τ", "P(better)", "95%", "Cliff's δ", "p (sign flips)", "p (Holm)",
               "blew up", "95%", "baseline's", "95%"]  # fmt: skip
    cells = [
        (
            row.challenger.label,
            row.tau,
            *_share(row.improvement, "{:.2f}"),
            row.cliffs_delta,
            Shown(p_text(row.p_value), row.p_value),
            Shown(p_text(row.p_holm), row.p_holm),
            *_share(row.challenger.blown_up_share, "{:.0%}"),
            *_share(row.baseline.blown_up_share, "{:.0%}"),
        )
        for row in rows
    ]
    return table(columns, cells, numeric=(1, 2, 4, 5, 6, 7, 9), caption="The same pairs, without means.")


def _share(share: Share, form: str) -> tuple[Shown, Shown]:
    """A share and its interval."""
    if share.value is None or share.low is None or share.high is None:
        return Shown(None, None), Shown(None, None)
    interval = f"{form.format(share.low)} to {form.format(share.high)}"
    return Shown(form.format(share.value), share.value), Shown(interval, share.low)

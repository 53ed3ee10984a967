"""The tables of a comparison, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from .across import Across
from .along import Along
from .comparison import Comparison, Headline, Outcome, Row, Side
from .evidence import Share, smallest_p
from .settings import plain
from .statistics import geometric_mean, wilson_interval
from .trials import Cell, Context
from .verdict import counted, number, p_text, tau_choice, times

STYLES: dict[Outcome, str] = {
    "better": "green",
    "worse": "red",
    "undecided": "yellow",
    "one_seed": "yellow",
    "both_at_ceiling": "magenta",
    "no_common_seeds": "yellow",
}


def comparison_table(comparison: Comparison, headline: Headline) -> Table:
    """The ratios of one context against one baseline; fits 80 columns."""
    rows = comparison.rows_of(headline)
    table = grid()
    table.add_column("challenger", overflow="fold", min_width=10)
    table.add_column("τ", justify="left", no_wrap=True)
    table.add_column("seeds", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("95%", justify="left", no_wrap=True)
    table.add_column("means", justify="right")
    table.add_column("blown up", justify="right")
    failed = any(side.failed for row in rows for side in (row.challenger, row.baseline))
    if failed:
        table.add_column("failed", justify="right")
    for row in rows:
        cells: list[str | Text] = [
            Text(row.challenger.name),
            tau_choice(row),
            str(row.n_pairs),
            Text(times(row.ratio), style=STYLES[row.outcome]),
            interval(row),
            f"{number(row.challenger.geometric_mean)} : {number(row.baseline.geometric_mean)}",
            f"{blown_up(row.challenger)} : {blown_up(row.baseline)}",
        ]
        if failed:
            cells.append(f"{row.challenger.failed} : {row.baseline.failed}")
        table.add_row(*cells)
    return table


def evidence_table(comparison: Comparison, headline: Headline) -> Table:
    """What the same pairs say beside their ratio, and how often either side blew up; fits 80 columns."""
    table = grid()
    table.add_column("challenger", overflow="fold", min_width=10)
    table.add_column("τ", justify="left", no_wrap=True)
    for name in ("P(better)", "δ", "p (Holm)"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("blew up", justify="right", no_wrap=True)
    table.add_column("baseline's", justify="right", no_wrap=True)
    for row in comparison.rows_of(headline):
        table.add_row(
            Text(row.challenger.name),
            "–" if row.tau is None else f"{row.tau}{' tuned' if row.selection == 'split' else ''}",
            share(row.improvement),
            signed(row.cliffs_delta),
            p_text(row.p_holm),
            percent(row.challenger.blown_up_share),
            percent(row.baseline.blown_up_share),
        )
    return table


def cells_table(comparison: Comparison, context: Context) -> Table:
    """The cells of a context, where nothing is compared."""
    table = grid()
    table.add_column("regime", overflow="fold", min_width=10)
    for name in ("seeds", comparison.measure_name, "95%", "blew up", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    for cell in context.cells:
        mean = geometric_mean(list(cell.scores.values()))
        blown, ran = cell.blown_up, cell.ran
        table.add_row(
            Text(cell.label),
            str(len(cell.trials)),
            number(mean.value),
            "–" if mean.low is None else f"{number(mean.low)}–{number(mean.high)}",
            percent(Share(blown / ran, *wilson_interval(blown, ran))) if ran else "–",
            str(cell.count("failed")),
        )
    return table


def across_table(together: Across) -> Table:
    """How each method does over all contexts, best rank first."""
    table = grid()
    table.add_column("method", overflow="fold")
    for name in ("runs", "interquartile mean", "reconstruct", "mean rank"):
        table.add_column(name, justify="right")
    for method in together.methods:
        table.add_row(
            Text(method.name),
            str(method.count),
            share(method.iqm),
            percent(method.reconstructed),
            f"{method.mean_rank:.2f}",
        )
    return table


def across_said(together: Across) -> list[str]:
    """What the scale is, which methods cannot be told apart, and which are not in the table."""
    said = [
        "Scale: 1 is the floor, 0 the ceiling, logarithmic between them; from 1/2 on a run reconstructs. "
        "Mean of the middle half of all runs, with a stratified bootstrap interval; contexts weigh the same."
    ]
    names = [method.name for method in together.methods]
    alike = [" and ".join(names[a : b + 1]) for a, b in together.alike]
    pairs = len(names) * (len(names) - 1) // 2
    hopeless = pairs * smallest_p(together.contexts) >= 0.05
    bound = (
        f"; {together.contexts} contexts are too few to tell {counted(pairs, 'pair')} apart"
        if hopeless
        else ""
    )
    said.append(
        f"All alike: p {p_text(together.friedman)} (ranks permuted within contexts). "
        + (f"Not told apart at 5% (Holm): {'; '.join(alike)}{bound}." if alike else "Each differs (Holm).")
    )
    if together.left_out:
        said.append(f"Not in every context, and left out here: {', '.join(together.left_out)}.")
    return said


LONGEST_HEAD = 9
"""Letters of a setting that stand above its values: the title has its name in any case."""


def along_table(one: Along) -> Table:
    """Every method at every value; fits 80 columns."""
    table = grid()
    head = one.setting if len(one.setting) <= LONGEST_HEAD else "value"
    table.add_column(head, justify="right", no_wrap=True)
    table.add_column("method", overflow="fold", min_width=10)
    table.add_column("τ", no_wrap=True)
    for name in ("seeds", "mean", "95%", *(("ratio", "95%") if one.baseline else ()), "blown"):
        table.add_column(name, justify="right", no_wrap=True)
    for value in one.contexts:
        here = [(line.name, point) for line in one.lines for point in line.points if point.value == value]
        for place, (name, point) in enumerate(here):
            row, cell = point.part.row, point.part.cell
            ratio: tuple[Text | str, str] = ("", "")
            if row is not None:
                ratio = Text(times(row.ratio), style=STYLES[row.outcome]), _between(row.low, row.high)
            table.add_row(
                plain(value) if place == 0 else "",
                Text(name),
                "–" if cell.tau is None else f"{cell.tau} far" if point.part.is_far else str(cell.tau),
                str(point.mean.n),
                number(point.mean.value),
                _between(point.mean.low, point.mean.high),
                *(ratio if one.baseline else ()),
                blown_up(cell),
                end_section=place == len(here) - 1,
            )
    return table


def _between(low: float | None, high: float | None) -> str:
    """An interval, no wider than its table: two seeds may leave open eleven decades."""
    if low is None or high is None:
        return "–"
    return f"{'<0.001' if low < 1e-3 else number(low)}–{'>999' if high > 999 else number(high)}"


def facts(measure: str, contexts: Iterable[Context]) -> str:
    """The measure, and what theory and truth say in each context; once where it is the same in all."""
    contexts = list(contexts)
    said = [measure]
    for name, values in (
        ("τ_pred", [context.tau_pred for context in contexts]),
        ("floor", [context.floor for context in contexts]),
        ("ceiling", [context.ceiling for context in contexts]),
    ):
        texts = [number(value) for value in values]
        if any(value is not None for value in values):
            said.append(f"{name} {texts[0] if len(set(texts)) == 1 else ', '.join(texts)}")
    return " · ".join(said)


def grid() -> Table:
    """An empty table in the style of all."""
    return Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )


def interval(row: Row) -> str:
    """The interval of the ratio: '0.035–0.87'."""
    return "–" if row.low is None else f"{times(row.low)[:-1]}–{times(row.high)[:-1]}"


def share(of: Share) -> str:
    """'0.88 (0.53–0.98)'."""
    return "–" if of.value is None else f"{of.value:.2f} ({of.low:.2f}–{of.high:.2f})"


def percent(of: Share) -> str:
    """'12% (2–47)'."""
    if of.value is None or of.low is None or of.high is None:
        return "–"
    return f"{of.value:.0%} ({100 * of.low:.0f}–{100 * of.high:.0f})"


def signed(value: float | None) -> str:
    """'+0.62'."""
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")


def blown_up(side: Side | Cell) -> str:
    """'2/8': of the trials that ran to an outcome, so that failed ones (bugs) are not among them."""
    return f"{side.blown_up}/{side.ran}"

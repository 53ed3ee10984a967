"""A comparison for the terminal: per context a table with its verdicts, then notes, then the headlines.

The headlines come last because the end of the output is what stays in sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from . import along_said
from .across import across
from .along import Along, along
from .comparison import Comparison
from .table import (
    STYLES,
    across_said,
    across_table,
    along_table,
    cells_table,
    comparison_table,
    evidence_table,
    facts,
)  # fmt: skip
from .verdict import LEGEND

TABLES_AT_MOST = 24
"""Of contexts: of more the first, and the verdict on each."""


def render_along(comparison: Comparison, found: Sequence[Along], *, legend: bool = True) -> RenderableType:
    """What there is along a setting, and nothing else of the comparison but its notes."""
    parts = [*_along(comparison, found)]
    parts += [Text(f"Note: {note}", style="yellow") for note in comparison.notes]
    parts += _legend(comparison, (*along_said.LEGEND, *LEGEND[:4])) if legend else []
    return Group(*parts)


def _along(comparison: Comparison, found: Sequence[Along]) -> Iterator[RenderableType]:
    """A table for each, and what is said of it."""
    for one in found:
        yield Text(f"{one.title}, along {one.setting}", style="bold")
        against = f"against {one.baseline} · " if one.baseline else ""
        yield Text(f"{against}{facts(comparison.measure_name, one.contexts.values())}")
        yield along_table(one)
        yield Text()
        yield _bullets(f"{said}." for said in along_said.sentences(one, comparison.measure_name))
        yield Text()


def _legend(comparison: Comparison, lines: Sequence[str]) -> list[RenderableType]:
    return [Text(line.format(measure=comparison.measure_name), style="dim") for line in lines]


def render_comparison(comparison: Comparison, *, legend: bool = True) -> RenderableType:
    """Everything about a comparison, as one rich renderable."""
    parts: list[RenderableType] = []
    shown = comparison.headlines[:TABLES_AT_MOST]
    for headline in shown:
        context = comparison.context(headline.context_id)
        parts.append(Text(headline.title, style="bold"))
        parts.append(Text(f"against {headline.baseline} · {facts(comparison.measure_name, [context])}"))
        parts += [comparison_table(comparison, headline), Text(), evidence_table(comparison, headline)]
        parts += [Text(), _bullets(row.verdict for row in comparison.rows_of(headline)), Text()]
    if not comparison.rows:
        parts.append(Text(f"{comparison.notes[0]}\n", style="yellow"))
        for context in comparison.contexts[:TABLES_AT_MOST]:
            parts += [Text(context.title, style="bold"), cells_table(comparison, context), Text()]
        parts += _along(comparison, along(comparison))
        return Group(*parts, *(Text(f"Note: {note}", style="yellow") for note in comparison.notes[1:]))
    together = across(comparison)
    if len(shown) < len(comparison.headlines):
        rest = len(comparison.headlines) - len(shown)
        parts.append(
            Text(f"Tables of {rest} more contexts: ask for a --system, an --architecture, or --html.\n")
        )
    if together is not None:
        parts += [Text(f"Across {together.contexts} systems and architectures", style="bold")]
        parts += [across_table(together), Text(), *map(Text, across_said(together)), Text()]
    found = along(comparison)
    parts += _along(comparison, found)
    parts += [Text(f"Note: {note}", style="yellow") for note in comparison.notes]
    if legend:
        parts += _legend(comparison, (*LEGEND, *along_said.LEGEND) if found else LEGEND)
    if comparison.notes or legend:
        parts.append(Text())
    parts.append(Text("Verdict", style="bold"))
    parts += [
        Text.assemble((headline.title, "bold"), ": ", (headline.text, STYLES[headline.outcome]))
        for headline in comparison.headlines
    ]
    return Group(*parts)


def _bullets(lines: Iterable[str]) -> Table:
    """One bullet per line, with a hanging indent."""
    bullets = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        bullets.add_row("•", Text(line))
    return bullets

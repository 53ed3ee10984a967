"""The table of theorems for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..verdict import number
from .findings import Finding, architectures

MOST_NAMED = 5
"""Exceptions that are named one by one."""

LEGEND = (
    "Networks meet a premise by what they were measured to do, and are undecided where that took more steps "
    "than were looked at: λ₁ not told from 0, or a transient that outlasts them. Measured: median with its "
    "95% interval, and the range; where networks of different make have none in common, the range. Rates are "
    "per step, from a tenth of the longest time on; a gradient is bounded if it gains less than tenfold in "
    "that time, which a power of T below 1 does too."
)


def render_findings(findings: Sequence[Finding], left_out: Mapping[str, int] | None = None) -> RenderableType:
    """Each claim with what was found, and below them the networks in which one does not hold."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for finding in findings:
        found = Text.assemble((finding.verdict, _style(finding)), evidence(finding))
        table.add_row(finding.claim.name, Text.assemble(finding.claim.says, "\n", found))
    parts: list[RenderableType] = [table, Text()]
    for finding in findings:
        if finding.exceptions:
            parts += [Text.assemble((finding.claim.name, "bold"), f": {exceptions(finding)}"), Text()]
    if left_out:
        parts += [Text(not_counted(left_out)), Text()]
    return Group(*parts, Text(LEGEND, style="dim"))


def not_counted(left_out: Mapping[str, int]) -> str:
    """'Left out, as unbounded, …: 7 trials (urnn 7).'."""
    named = ", ".join(f"{name} {count}" for name, count in left_out.items())
    total = sum(left_out.values())
    return (
        f"Left out as unbounded, diverged, failed or not measured: {total} "
        f"{'trial' if total == 1 else 'trials'} ({named})."
    )


def evidence(finding: Finding) -> str:
    """': 42 constructed and 11 trained networks, 3 undecided; rate / λ₁ 1.00 (0.99 to 1.01), 0.7 to 1.03'."""
    undecided = f"{len(finding.undecided)} undecided" if finding.undecided else ""
    if not finding.networks:
        return f": {undecided or 'no network meets the premise'}"
    counts = {"constructed": finding.count(constructed=True), "trained": finding.count(constructed=False)}
    networks = " and ".join(f"{count} {what}" for what, count in counts.items() if count)
    said = f": {networks} network{'s' if len(finding.networks) > 1 else ''}"
    said += f", {undecided}" if undecided else ""
    if finding.lowest is None:
        return said
    of = f" (of {finding.median.n})" if finding.median.n < len(finding.networks) else ""
    middles = "" if finding.median.value is None else f"{middle(finding)}, "
    return f"{said}; {finding.claim.measured}{of} {middles}{spread(finding)}"


def middle(finding: Finding) -> str:
    """'1.002 (0.998 to 1.01)'."""
    found = finding.median
    if found.value is None:
        return "–"
    interval = "" if found.low is None else f" ({number(found.low)} to {number(found.high)})"
    return f"{number(found.value)}{interval}"


def spread(finding: Finding) -> str:
    """'0.91 to 1.2'."""
    if finding.lowest is None:
        return "–"
    return f"{number(finding.lowest)} to {number(finding.highest)}"


def exceptions(finding: Finding) -> str:
    """'holds in rnn 3 of 4; not in 1a2b3c4d (rnn, clipping, cycle), …'."""
    named = [
        f"{network.trial_id[:8]} ({network.architecture}, {network.regime}, {network.kind})"
        for network in finding.exceptions[:MOST_NAMED]
    ]
    more = len(finding.exceptions) - len(named)
    return f"holds in {architectures(finding)}; not in {', '.join(named)}" + (
        f" and {more} more" if more else ""
    )


def _style(finding: Finding) -> str:
    if not finding.networks:
        return "dim"
    return "green" if finding.verdict == "holds" else "yellow"

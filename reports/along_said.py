"""A comparison along a setting, for the terminal and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from .along import Along, Line, plain
from .comparison import Comparison, Outcome
from .statistics import Estimate
from .table import STYLES, blown_up, grid, interval
from .trend import Trend
from .verdict import ALPHA, number, p_text, times

LEGEND = (
    "Along a setting all else is equal. From the first value to the last: geometric mean of the ratios of "
    "each seed. Rises, falls: seasonal Kendall test, each seed with itself at other values, 5%; Holm: p "
    "adjusted for all trends of this report. A curve that turns has no trend: the table shows it. Every "
    "value of a setting of the system has one data set, and a trend is one of these data.",
)

_SAID: dict[Outcome, str] = {
    "better": "better than {} at {}",
    "worse": "worse than {} at {}",
    "undecided": "not told apart from {} at {}",
    "one_seed": "not told apart from {} at {}",
    "no_common_seeds": "not told apart from {} at {}",
    "both_at_ceiling": "no reconstruction, as with {}, at {}",
}


def facts(one: Along) -> str:
    """What theory and truth say at each value: τ_pred, floor, ceiling; once where it is the same at all."""
    contexts = list(one.contexts.values())
    said = []
    for name, values in (
        ("τ_pred", [context.tau_pred for context in contexts]),
        ("floor", [context.floor for context in contexts]),
        ("ceiling", [context.ceiling for context in contexts]),
    ):
        texts = [number(value) for value in values]
        if any(value is not None for value in values):
            said.append(f"{name} {texts[0] if len(set(texts)) == 1 else ', '.join(texts)}")
    return " · ".join(said)


def headlines(found: Sequence[Along], measure: str) -> tuple[str, ...]:
    """What is said of all, each line with what it is of."""
    return tuple(f"{one.title}, {said}" for one in found for said in sentences(one, measure))


def sentences(one: Along, measure: str) -> Iterator[str]:
    """One about each method: from where to where, which way, and how it stands to the baseline where."""
    for line in one.lines:
        first, last = line.points[0], line.points[-1]
        ends = (
            f"{line.name}: {measure} {number(first.mean.value)} at {one.setting}={plain(first.value)}, "
            f"{number(last.mean.value)} at {plain(last.value)}"
        )
        said = [f"{ends}{_factor(line.ends)}: {_which_way(line.scores)}", *_against(line, one.baseline)]
        if line.ratios.p is not None:
            said.append(f"its ratio to {one.baseline}: {_which_way(line.ratios)}")
        yield "; ".join(said)


def _factor(ends: Estimate) -> str:
    if ends.value is None or ends.low is None:
        return ""
    return f", {times(ends.value)} (95% {times(ends.low)} to {times(ends.high)})"


def _which_way(found: Trend) -> str:
    if found.p is None or found.concordance is None:
        return "no seed at two values"
    way = "no trend" if found.p >= ALPHA else "rises" if found.concordance > 0 else "falls"
    return f"{way} (p {p_text(found.p)}, Holm {p_text(found.p_holm)})"


def _against(line: Line, baseline: str) -> Iterator[str]:
    where: dict[str, list[str]] = {}
    for value, part in line.points:
        if part.row is not None:
            where.setdefault(_SAID[part.row.outcome], []).append(plain(value))
    for said, values in where.items():
        yield said.format(baseline, ", ".join(values))


def render(comparison: Comparison, found: Sequence[Along]) -> Iterator[RenderableType]:
    """A table for each, and what is said of it; fits 90 columns."""
    for one in found:
        yield Text(f"{one.title}, along {one.setting}", style="bold")
        yield Text(f"against {one.baseline} · {comparison.measure_name} · {facts(one)}")
        table = grid()
        table.add_column(one.setting, justify="right", no_wrap=True)
        table.add_column("method", overflow="fold", min_width=10)
        for name in ("τ", "seeds", "mean", "95%", "ratio", "95%", "blew up"):
            table.add_column(name, justify="right", no_wrap=True)
        for value in one.contexts:
            here = [(line, point) for line in one.lines for point in line.points if point.value == value]
            for place, (line, (_, part)) in enumerate(here):
                mean = next(point.mean for point in line.points if point.value == value)
                row = part.row
                table.add_row(
                    plain(value) if place == 0 else "",
                    Text(line.name),
                    "–" if part.cell.tau is None else str(part.cell.tau),
                    str(mean.n),
                    number(mean.value),
                    "–" if mean.low is None else f"{number(mean.low)}–{number(mean.high)}",
                    Text("" if row is None else times(row.ratio), style=STYLES[row.outcome] if row else ""),
                    "" if row is None else interval(row),
                    blown_up(part.cell),
                    end_section=place == len(here) - 1,
                )
        yield table
        yield Text()
        for said in sentences(one, comparison.measure_name):
            yield Text(f"• {said}.")
        yield Text()

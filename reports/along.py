"""Along a setting: how well each method does as one number grows, all else equal.

What grows is any number of the contexts of a comparison, of the system (`noise`, `rho`), of the
architecture (`latent_dim`) or of training (`sequence_length`): contexts that differ in nothing else stand on
one line. They are not independent of each other, so they are compared with each other, and not pooled as
systems are (`across`). A trend is looked for seed by seed (`trend`), in the scores of each method and in its
ratios to the baseline.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from .comparison import Comparison, Row
from .evidence import holm
from .methods import Part, methods_of, written
from .statistics import Estimate, geometric_mean, paired_ratio
from .trend import Trend, trend
from .trials import Context, UnknownNameError


class Point(NamedTuple):
    """A method at one value of the setting."""

    value: float
    part: Part

    @property
    def scores(self) -> dict[int, float]:
        """Seed → score, of the seeds that it is scored on."""
        return {seed: self.part.cell.scores[seed] for seed in self.part.seeds}

    @property
    def mean(self) -> Estimate:
        """Geometric mean of the scores with its 95% interval."""
        return geometric_mean(list(self.scores.values()))


@dataclass(frozen=True)
class Line:
    """A method along the setting, at two values at least."""

    name: str
    points: tuple[Point, ...]
    scores: Trend
    """Of its scores."""
    ratios: Trend
    """Of its ratios to the baseline; without a pair for the baseline itself."""

    @cached_property
    def ends(self) -> Estimate:
        """Score at the last value over that at the first, paired by seed."""
        first, last = self.points[0].scores, self.points[-1].scores
        common = sorted(first.keys() & last.keys())
        return paired_ratio([last[seed] for seed in common], [first[seed] for seed in common])


@dataclass(frozen=True)
class Along:
    """Contexts that differ in one number alone, with every method in at least two of them."""

    setting: str
    """Its name: `noise`."""
    title: str
    """What all have in common: 'lorenz63 × rnn'."""
    baseline: str
    contexts: Mapping[float, Context]
    """By value of the setting, rising."""
    lines: tuple[Line, ...]
    """The baseline first."""

    def as_dicts(self) -> list[dict[str, str | int | float | None]]:
        """A flat row for each method and value, for `--format json|csv`."""
        return [
            {
                "setting": self.setting,
                "value": point.value,
                "system": point.part.context.system,
                "architecture": point.part.context.architecture,
                "context": point.part.context.settings,
                "context_id": point.part.context.context_id,
                "method": line.name,
                "tau": point.part.cell.tau,
                "tau_pred": point.part.context.tau_pred,
                "cell_id": point.part.cell.cell_id,
                "seeds": point.mean.n,
                "mean": point.mean.value,
                "mean_low": point.mean.low,
                "mean_high": point.mean.high,
                "floor": point.part.context.floor,
                "ceiling": point.part.context.ceiling,
                "baseline": self.baseline,
                **_against(point.part.row),
                "trend": line.scores.concordance,
                "trend_p": line.scores.p,
                "trend_p_holm": line.scores.p_holm,
                "ratio_trend": line.ratios.concordance,
                "ratio_trend_p": line.ratios.p,
                "ratio_trend_p_holm": line.ratios.p_holm,
            }
            for line in self.lines
            for point in line.points
        ]


def _against(row: Row | None) -> dict[str, str | float | None]:
    if row is None:
        return {"ratio": None, "ratio_low": None, "ratio_high": None, "outcome": None}
    return {"ratio": row.ratio, "ratio_low": row.low, "ratio_high": row.high, "outcome": row.outcome}


def settings_along(contexts: Sequence[Context]) -> dict[str, str]:
    """Numbers that tell some contexts apart which are otherwise alike: by short name, `noise`, the full one,
    `system.noise`; by that where two would be called the same.
    """
    full = [name for name in _numbers(contexts) if any(len(group) > 1 for group in _groups(contexts, name))]
    short = [name.rpartition(".")[2] for name in full]
    return {one if short.count(one) == 1 else name: name for name, one in zip(full, short, strict=True)}


def along(comparison: Comparison, setting: str | None = None) -> tuple[Along, ...]:
    """The comparison along a setting, or along every one that there is; nothing where there is none.

    p-values are adjusted for all trends that are looked at together (Holm).

    Raises:
        UnknownNameError: no contexts differ in the setting alone.
    """
    known = settings_along(comparison.contexts)
    if setting is not None and setting not in known and setting not in known.values():
        there = _what_there_is(known, comparison.contexts, setting)
        raise UnknownNameError(f"No results along '{setting}': {there}")
    made = [
        one
        for short, full in known.items()
        if setting in (None, short, full)
        for group in _groups(comparison.contexts, full)
        if len(group) > 1
        for one in _along(comparison, short, full, group)
    ]
    trends = [found for one in made for line in one.lines for found in (line.scores, line.ratios)]
    adjusted = iter(holm([found.p for found in trends]))
    return tuple(
        replace(
            one,
            lines=tuple(
                replace(
                    line,
                    scores=line.scores._replace(p_holm=next(adjusted)),
                    ratios=line.ratios._replace(p_holm=next(adjusted)),
                )
                for line in one.lines
            ),
        )
        for one in made
    )


def _what_there_is(known: Mapping[str, str], contexts: Sequence[Context], setting: str) -> str:
    values = {
        value
        for context in contexts
        for name, value in context.values.items()
        if setting in (name, name.rpartition(".")[2])
    }
    one = f"it is {next(iter(values))} in all of them. " if len(values) == 1 else ""
    if not known:
        return f"{one}No two contexts differ in a number alone."
    near = difflib.get_close_matches(setting, known, n=1)
    return f"{one}{f'did you mean {near[0]!r}? ' if near else ''}Contexts differ in {', '.join(known)}."


def _numbers(contexts: Sequence[Context]) -> list[str]:
    """Names of settings with several numbers as their values, in their order."""
    values: dict[str, set[float]] = {}
    for context in contexts:
        for name, value in context.values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                values.setdefault(name, set()).add(float(value))
    return [name for name, found in values.items() if len(found) > 1]


def _groups(contexts: Sequence[Context], name: str) -> list[dict[float, Context]]:
    """Contexts that differ in this number alone, by its value, rising."""
    groups: dict[str, dict[float, Context]] = {}
    for context in contexts:
        value = context.values.get(name)
        if isinstance(value, int | float):
            rest = {key: other for key, other in context.values.items() if key != name}
            groups.setdefault(json.dumps(rest, sort_keys=True), {})[float(value)] = context
    return [dict(sorted(group.items())) for group in groups.values()]


def _along(
    comparison: Comparison, setting: str, full: str, group: Mapping[float, Context]
) -> Iterator[Along]:
    """One for each baseline that there is in at least two of these contexts."""
    ids = {context.context_id for context in group.values()}
    rows = [row for row in comparison.rows if row.context_id in ids]
    taus: dict[tuple[str, str], set[int | None]] = {}
    for row in rows:
        taus.setdefault((row.baseline.family, row.context_id), set()).add(row.baseline.tau)
    by_baseline: dict[tuple[str, int | None], list[Row]] = {}
    for row in rows:  # of which there may be several that differ in τ, where no τ is predicted
        several = any(len(found) > 1 for (family, _), found in taus.items() if family == row.baseline.family)
        key = (row.baseline.family, row.baseline.tau if several else None)
        by_baseline.setdefault(key, []).append(row)
    title = _title(next(iter(group.values())), full)
    for against in by_baseline.values():
        lines = tuple(_lines(group, against))
        if len(lines) > 1:
            yield Along(setting, title, lines[0].name, group, lines)


def _lines(group: Mapping[float, Context], rows: Sequence[Row]) -> Iterator[Line]:
    cells = [cell for context in group.values() for cell in context.cells]
    found = methods_of(group.values(), rows)
    for key, parts in sorted(found.items(), key=lambda one: any(part.row for part in one[1].values())):
        points = tuple(
            Point(value, parts[context.context_id])
            for value, context in group.items()
            if context.context_id in parts
        )
        if len(points) > 1:
            yield Line(written(key, parts.values(), cells), points, _of_scores(points), _of_ratios(points))


def _of_scores(points: Sequence[Point]) -> Trend:
    scores: dict[int, dict[float, float]] = {}
    for value, part in points:
        for seed in part.seeds:
            scores.setdefault(seed, {})[value] = part.cell.for_ranks[seed]
    return trend(scores)


def _of_ratios(points: Sequence[Point]) -> Trend:
    ratios: dict[int, dict[float, float]] = {}
    for value, part in points:
        if part.row is not None:
            base = next(c for c in part.context.cells if c.cell_id == part.row.baseline.cell_id)
            for seed in part.row.seeds:
                one = paired_ratio([part.cell.scores[seed]], [base.scores[seed]]).value
                assert one is not None
                ratios.setdefault(seed, {})[value] = one
    return trend(ratios)


def plain(value: float) -> str:
    """A setting's value as people write it: 30, 0.05."""
    return f"{value:.10g}"


def _title(context: Context, full: str) -> str:
    """The context's title without the setting."""
    place, _, key = full.partition(".")
    base, _, inside = context.system.removesuffix(")").partition("(")
    settings = context.settings
    if place == "system":
        inside = _without(inside, key)
    else:
        settings = _without(settings, full if place == "evaluation" else key)
    return _bracketed(f"{_bracketed(base, inside, '(', ')')} × {context.architecture}", settings, " [", "]")


def _without(settings: str, key: str) -> str:
    return ", ".join(one for one in settings.split(", ") if not one.startswith(f"{key}="))


def _bracketed(name: str, inside: str, opening: str, closing: str) -> str:
    return f"{name}{opening}{inside}{closing}" if inside else name

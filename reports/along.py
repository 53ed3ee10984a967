"""Along a setting: how well each method does as one number grows, all else equal.

What grows is any number of the contexts of a comparison, of the system (`noise`, `rho`), of the
architecture (`latent_dim`) or of training (`sequence_length`): contexts that differ in nothing else stand on
one line. They are not independent of each other, so they are compared with each other, and not pooled as
systems are (`across`). A trend is looked for seed by seed (`trend`), in the scores of each method and in its
ratios to the baseline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from .comparison import Comparison, Row
from .evidence import holm
from .methods import Part, methods_of, written
from .settings import groups, settings_along, title, why_none
from .statistics import Estimate, geometric_mean, log_differences, paired_ratio
from .trend import Trend, trend
from .trials import Context, NothingToCompareError, UnknownNameError
from .verdict import SELECTIONS

NEAREST = "nearest τ_pred"
"""How the τ was chosen that is nearest to τ_pred, be it near or far."""


@dataclass(frozen=True)
class Point:
    """A method at one value of the setting."""

    value: float
    part: Part

    @cached_property
    def scores(self) -> dict[int, float]:
        """Seed → score, of the seeds that it is scored on."""
        return {seed: self.part.cell.scores[seed] for seed in self.part.seeds}

    @cached_property
    def mean(self) -> Estimate:
        """Geometric mean of the scores with its 95% interval."""
        return geometric_mean(list(self.scores.values()))

    @property
    def ratios(self) -> dict[int, float]:
        """Seed → ln of the ratio to the baseline; a run that blew up is worse than any other."""
        row, base = self.part.row, self.part.base
        if row is None or base is None:
            return {}
        ours, theirs = self.part.cell.for_ranks, base.for_ranks
        return {seed: _log_ratio(ours[seed], theirs[seed]) for seed in row.seeds}


def _log_ratio(score: float, base: float) -> float:
    return 0.0 if score == base == math.inf else float(log_differences([score], [base])[0])


@dataclass(frozen=True)
class Line:
    """A method along the setting, at two values at least."""

    name: str
    points: tuple[Point, ...]
    scores: Trend
    """Of its scores."""
    ratios: Trend
    """Of its ratios to the baseline; without a seed for the baseline itself."""

    @cached_property
    def ends(self) -> Estimate:
        """Score at the last value over that at the first, over the seeds that are scored at both."""
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
    """'' where nothing is compared."""
    contexts: Mapping[float, Context]
    """By value of the setting, rising."""
    lines: tuple[Line, ...]
    """The baseline first."""
    left_out: tuple[str, ...] = ()
    """Methods that are at one value alone."""

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
                "far_from_tau_pred": point.part.is_far,
                "cell_id": point.part.cell.cell_id,
                "seeds": point.mean.n,
                "mean": point.mean.value,
                "mean_low": point.mean.low,
                "mean_high": point.mean.high,
                "blown_up": point.part.cell.blown_up,
                "ran": point.part.cell.ran,
                "floor": point.part.context.floor,
                "ceiling": point.part.context.ceiling,
                "baseline": self.baseline,
                **_row(point.part.row),
                "last_over_first": line.ends.value,
                "last_over_first_low": line.ends.low,
                "last_over_first_high": line.ends.high,
                **_trend("trend", line.scores),
                **_trend("ratio_trend", line.ratios),
            }
            for line in self.lines
            for point in line.points
        ]


def _row(row: Row | None) -> dict[str, str | float | None]:
    if row is None:
        return {"ratio": None, "ratio_low": None, "ratio_high": None, "outcome": None}
    return {"ratio": row.ratio, "ratio_low": row.low, "ratio_high": row.high, "outcome": row.outcome}


def _trend(name: str, found: Trend) -> dict[str, float | None]:
    told = {"concordance": found.concordance, "seeds": found.seeds, "p": found.p, "p_holm": found.p_holm}
    return {f"{name}_{key}": value for key, value in told.items()}


def along(comparison: Comparison, setting: str | None = None) -> tuple[Along, ...]:
    """The comparison along a setting, or along every one that there is; nothing where there is none.

    p-values are adjusted for all trends that are looked at together (Holm).

    Raises:
        UnknownNameError: no contexts differ in the setting alone.
        NothingToCompareError: of those that do none has scores.
    """
    contexts = comparison.contexts
    known = settings_along(contexts)
    if setting is not None and setting not in known and setting not in known.values():
        raise UnknownNameError(why_none(setting, known, contexts))
    made = [
        one
        for short, full in known.items()
        if setting in (None, short, full)
        for group in groups(contexts, full)
        if len(group) > 1
        for one in _along(comparison, short, full, group)
    ]
    if setting is not None and not made:
        raise NothingToCompareError(
            f"No results along '{setting}': no method has scores at two values of it."
        )
    return _adjusted(made)


def _adjusted(made: Sequence[Along]) -> tuple[Along, ...]:
    """With p for all trends of them; what several baselines have in common is one."""
    family: dict[object, Trend] = {}
    for one in made:
        for line in one.lines:
            family[_what(line)] = line.scores
            family[one.baseline, _what(line)] = line.ratios
    adjusted = dict(zip(family, holm([found.p for found in family.values()]), strict=True))

    def with_p(one: Along, line: Line) -> Line:
        scores = line.scores._replace(p_holm=adjusted[_what(line)])
        ratios = line.ratios._replace(p_holm=adjusted[one.baseline, _what(line)])
        return replace(line, scores=scores, ratios=ratios)

    return tuple(replace(one, lines=tuple(with_p(one, line) for line in one.lines)) for one in made)


def _what(line: Line) -> tuple[object, ...]:
    return tuple((point.part.cell.cell_id, point.part.seeds) for point in line.points)


def _along(
    comparison: Comparison, setting: str, full: str, group: Mapping[float, Context]
) -> Iterator[Along]:
    """One for each baseline that there is in at least two of these contexts; where there is none, one of all
    cells."""
    ids = {context.context_id for context in group.values()}
    common = title(next(iter(group.values())), full)
    rows = [row for row in comparison.rows if row.context_id in ids]
    made = 0
    for against in _by_baseline(rows):
        lines, left_out = _lines(group, against)
        if len(lines) > 1:
            made += 1
            yield Along(setting, common, lines[0].name, group, lines, left_out)
    if not made and (lines := _of_cells(group)):
        yield Along(setting, common, "", group, lines)


def _by_baseline(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of one baseline, together: of a regime with the τ of each context, but where several of its τ are
    baselines of one context, as no τ is predicted, of each by itself."""
    taus: dict[tuple[str, str], set[int | None]] = {}
    for row in rows:
        taus.setdefault((row.baseline.family, row.context_id), set()).add(row.baseline.tau)
    several = {family for (family, _), found in taus.items() if len(found) > 1}
    found: dict[tuple[str, int | None], list[Row]] = {}
    for row in rows:
        family = row.baseline.family
        found.setdefault((family, row.baseline.tau if family in several else None), []).append(row)
    return list(found.values())


def _lines(group: Mapping[float, Context], rows: Sequence[Row]) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """The methods of these rows, the baseline first, and the names of those at one value alone."""
    cells = [cell for context in group.values() for cell in context.cells]
    found = methods_of(group.values(), rows, far_apart=False)
    lines: list[Line] = []
    left_out: list[str] = []
    for key, parts in sorted(found.items(), key=lambda one: any(part.row for part in one[1].values())):
        name = written(key, parts.values(), cells).replace(SELECTIONS["tau_pred"], NEAREST)
        points = [
            Point(value, parts[context.context_id])
            for value, context in group.items()
            if context.context_id in parts
        ]
        if len(points) > 1:
            lines.append(_line(name, points))
        else:
            left_out.append(name)
    return tuple(lines), tuple(left_out)


def _of_cells(group: Mapping[float, Context]) -> tuple[Line, ...]:
    """Cells that are at two values or more, each with all of its seeds."""
    found: dict[str, list[Point]] = {}
    for value, context in group.items():
        for cell in context.cells:
            if cell.scores:
                part = Part(context, cell, tuple(sorted(cell.scores)))
                found.setdefault(cell.label, []).append(Point(value, part))
    return tuple(_line(name, points) for name, points in found.items() if len(points) > 1)


def _line(name: str, points: Sequence[Point]) -> Line:
    scores: dict[int, dict[float, float]] = {}
    ratios: dict[int, dict[float, float]] = {}
    for point in points:
        for seed in point.part.seeds:
            scores.setdefault(seed, {})[point.value] = point.part.cell.for_ranks[seed]
        for seed, ratio in point.ratios.items():
            ratios.setdefault(seed, {})[point.value] = ratio
    return Line(name, tuple(points), trend(scores), trend(ratios))

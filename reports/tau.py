"""Which τ reconstructs, and is it the one that the Lyapunov time predicts? One answer per system,
architecture and regime with a τ, whether its τ were searched or a grid.

Every point is a τ with its seeds. A curve of ln D_stsp over ln τ is fitted to them (`response`); its lowest
place is τ_opt. Between the τ that were tried nothing was seen, so the interval of τ_opt reaches on to the
next of them on either side. What a search gave up early is shown and not fitted: it was never trained to the
end.

Views relied on: ``results`` and ``pruned``.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import duckdb
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .doubts import of_exponents
from .response import FEWEST_TAUS, Response, fit_response
from .statistics import Estimate, geometric_mean
from .trials import Cell, Context, ReportError, family_of
from .verdict import CEILING_SHARE, number

SURE = 0.95
"""Probability from which it is said that the prior's region holds the optimum, or does not."""


class Prior(Protocol):
    """Where τ was expected: what this report needs to know of it."""

    @property
    def centre(self) -> float | None:
        """In steps; None where every ln τ was as likely."""

    @property
    def region(self) -> tuple[int, int]:
        """The τ between which nine tenths of it lie."""

    def density(self, tau: float) -> float:
        """Per unit of ln τ."""


PriorOf = Callable[[Context, Cell], Prior | None]
"""Gives the prior of a context and a family of cells, of which one is given; None: no τ is predicted
there."""


@dataclass(frozen=True)
class Point:
    """One τ and its seeds."""

    tau: int
    scores: tuple[float, ...]
    """D_stsp, blown-up seeds at the ceiling."""
    blown_up: int
    given_up: tuple[float, ...]
    """D_stsp of the seeds whose training a search ended early, as it was then."""
    cell_id: str | None
    """Of those with scores."""
    labels: tuple[str, ...]
    """Of those that were given up."""

    @property
    def estimate(self) -> Estimate:
        """Geometric mean with its 95% interval."""
        return geometric_mean(self.scores)


@dataclass(frozen=True)
class TauAnswer:
    """One regime of one context."""

    context: Context
    regime: str
    """Its label without τ."""
    points: tuple[Point, ...]
    prior: Prior | None
    response: Response | None
    """None where too few τ or seeds were tried."""

    @cached_property
    def tried(self) -> tuple[int, ...]:
        """The τ that the curve is fitted to: those with scores, and no seed that was given up."""
        return tuple(point.tau for point in self.points if point.scores and not point.given_up)

    @property
    def interval(self) -> tuple[int, int] | None:
        """Between which τ the optimum lies, with 95%: to the next τ that was tried."""
        if self.response is None:
            return None
        known = [point.tau for point in self.points]
        below = [tau for tau in known if tau < self.response.optimum_low]
        above = [tau for tau in known if tau > self.response.optimum_high]
        low = max(below, default=self.response.optimum_low)
        return low, min(above, default=self.response.optimum_high)

    @property
    def at_the_edge(self) -> bool:
        """Whether the optimum may lie beyond the τ that were tried, those that were given up among them."""
        if self.interval is None:
            return False
        first, last = self.points[0].tau, self.points[-1].tau
        return self.interval[0] <= first > 1 or self.interval[1] >= last

    @property
    def reconstructs(self) -> bool:
        """Whether any τ is told from the worst there is, by all of its seeds."""
        values = [point.estimate.value for point in self.points if not point.given_up]
        known = [value for value in values if value is not None]
        ceiling = self.context.ceiling
        return bool(known) and (ceiling is None or min(known) < CEILING_SHARE * ceiling)

    @property
    def share_in_region(self) -> float | None:
        """The probability that the optimum lies within the prior's region."""
        if self.response is None or self.prior is None:
            return None
        return self.response.share_within(*self.prior.region)

    def ratio(self, tau: float) -> float | None:
        """τ / τ_pred."""
        return tau / self.context.tau_pred if self.context.tau_pred else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, a key per column."""
        found = self.response
        low, high = self.interval or (None, None)
        region = self.prior.region if self.prior else (None, None)
        return {
            "context_id": self.context.context_id,
            "system": self.context.system,
            "architecture": self.context.architecture,
            "context": self.context.settings,
            "regime": self.regime,
            "taus": len(self.tried),
            "seeds": sum(len(point.scores) for point in self.points),
            "given_up": sum(len(point.given_up) for point in self.points),
            "tau_pred": self.context.tau_pred,
            "prior_low": region[0],
            "prior_high": region[1],
            "tau_opt": found.optimum if found else None,
            "tau_opt_low": low,
            "tau_opt_high": high,
            "ratio": self.ratio(found.optimum) if found else None,
            "ratio_low": self.ratio(low) if low is not None else None,
            "ratio_high": self.ratio(high) if high is not None else None,
            "share_in_region": self.share_in_region,
            "answer": sentence(self),
        }


def read_tau(
    connection: duckdb.DuckDBPyConnection, contexts: Sequence[Context], prior_of: PriorOf
) -> tuple[TauAnswer, ...]:
    """The answers, in the order of the contexts; none for regimes that were tried with a single τ.

    Raises:
        ReportError: no regime was tried with several τ.
    """
    given_up = _given_up(connection, contexts)
    answers = []
    for context in contexts:
        families: dict[str, list[Cell]] = defaultdict(list)
        for cell in (*context.cells, *context.partial):
            if cell.tau:
                families[cell.family].append(cell)
        for family, cells in sorted(families.items()):
            early = given_up.get((context.context_id, family), {})
            points = _points(cells, early)
            if len(points) < 2:
                continue
            # Where some seeds were given up those that were not are the lucky ones.
            fitted = fit_response({p.tau: p.scores for p in points if not p.given_up})
            answers.append(TauAnswer(context, family, points, prior_of(context, cells[0]), fitted))
    if not answers:
        raise ReportError("No regime was tried with more than one τ, so there is nothing to say about τ.")
    return tuple(answers)


def _points(cells: Sequence[Cell], early: Mapping[int, Mapping[str, Sequence[float]]]) -> tuple[Point, ...]:
    by_tau = {cell.tau: cell for cell in cells if cell.tau}
    points = []
    for tau in sorted(by_tau.keys() | early.keys()):
        cell, labelled = by_tau.get(tau), early.get(tau, {})
        trials = cell.trials if cell else ()
        scores = tuple(trial.score for trial in trials if trial.score is not None)
        given_up = tuple(itertools.chain.from_iterable(labelled.values()))
        blown_up = sum(trial.blown_up for trial in trials)
        points.append(Point(tau, scores, blown_up, given_up, cell.cell_id if cell else None, tuple(labelled)))
    return tuple(point for point in points if point.scores or point.given_up)


def _given_up(
    connection: duckdb.DuckDBPyConnection, contexts: Sequence[Context]
) -> dict[tuple[str, str], dict[int, dict[str, Sequence[float]]]]:
    """(context, regime without τ) → τ → label → D_stsp of the seeds that a search gave up."""
    found: dict[tuple[str, str], dict[int, dict[str, Sequence[float]]]] = defaultdict(dict)
    ids = [context.context_id for context in contexts]
    for context_id, label, tau, scores in connection.execute(
        """
        SELECT context_id, regime_label, tau, list(d_stsp_score ORDER BY seed) FROM pruned
        WHERE context_id IN (SELECT unnest(?)) AND d_stsp_score IS NOT NULL AND tau IS NOT NULL GROUP BY ALL
        """,
        [ids],
    ).fetchall():
        found[context_id, family_of(label)].setdefault(tau, {})[label] = scores
    return found


def sentence(answer: TauAnswer) -> str:
    """Where the optimum is, and whether it is where the prior expects it."""
    found, context = answer.response, answer.context
    if not answer.reconstructs:
        return "no τ reconstructs: all are at the ceiling, so there is no optimum to speak of"
    if found is None or answer.interval is None:
        best = min((p for p in answer.points if p.tau in answer.tried), key=lambda p: p.estimate.value or 0.0)
        return (
            f"τ={best.tau} is lowest of {len(answer.tried)}; a curve takes {FEWEST_TAUS} τ, one of them with "
            "two seeds at least"
        )
    low, high = answer.interval
    said = f"τ_opt = {found.optimum} ({low} to {high})"
    ratio, ratio_low, ratio_high = (answer.ratio(tau) for tau in (found.optimum, low, high))
    if ratio is not None and context.tau_pred is not None:
        said += f", {ratio:.2g} times τ_pred {context.tau_pred:.3g} ({ratio_low:.2g} to {ratio_high:.2g})"
    if answer.at_the_edge:
        return f"{said}; it may lie beyond the τ that were tried: more of them are needed to say where"
    share = answer.share_in_region
    if share is None or answer.prior is None:
        return said + "; nothing predicts τ here"
    a, b = answer.prior.region
    where = f"the prior's region, {a} to {b},"
    if answer.prior.centre is None:
        return said
    if share >= SURE:
        return f"{said}: {where} holds the optimum (probability {share:.0%})"
    if share <= 1 - SURE:
        return f"{said}: {where} does not hold the optimum (probability {share:.0%})"
    return f"{said}: whether {where} holds the optimum is open (probability {share:.0%})"


LEGEND = (
    "D_stsp: geometric mean over seeds, blown-up ones at the ceiling. τ_opt: where the fitted curve is "
    "lowest, with a 95% interval that reaches to the next τ tried (`perhaps`: within, short of that). The "
    "prior's region: nine tenths of what is predicted."
)


def render_tau(answers: Sequence[TauAnswer]) -> RenderableType:
    """A table per answer and the sentence, for the terminal."""
    parts: list[RenderableType] = []
    for answer in answers:
        context = answer.context
        seeds = sum(len(point.scores) for point in answer.points)
        facts = f"{answer.regime} · {len(answer.tried)} τ, {seeds} seeds"
        facts += f" · τ_pred {context.tau_pred:.3g}" if context.tau_pred else ""
        facts += f" · floor {number(context.floor)} · ceiling {number(context.ceiling)}"
        parts += [Text(context.title, style="bold"), Text(facts), _table(answer), Text()]
    parts.append(Text("Verdict", style="bold"))
    for answer in answers:
        name = f"{answer.context.title}, {answer.regime}: "
        parts.append(Text.assemble((name, "bold"), sentence(answer)))
    notes = of_exponents(answer.context for answer in answers)
    parts += [Text(), *(Text(f"Note: {note}", style="yellow") for note in notes)]
    return Group(*parts, Text(LEGEND, style="dim"))


def _table(answer: TauAnswer) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("τ", "τ/τ_pred", "seeds", "D_stsp", "95%", "blown up", "given up", "τ_opt"):
        table.add_column(name, justify="left" if name in ("95%", "τ_opt") else "right")
    found = answer.response if answer.reconstructs else None
    for point in answer.points:
        estimate = point.estimate
        ratio = answer.ratio(point.tau)
        spread = "–" if estimate.low is None else f"{number(estimate.low)}–{number(estimate.high)}"
        within = found is not None and found.optimum_low <= point.tau <= found.optimum_high
        table.add_row(
            str(point.tau),
            "–" if ratio is None else f"{ratio:.2g}",
            str(len(point.scores)),
            number(estimate.value),
            spread,
            f"{point.blown_up}/{len(point.scores)}" if point.scores else "–",
            str(len(point.given_up)) if point.given_up else "",
            "" if not within else "here" if found and point.tau == found.optimum else "perhaps",
        )
    return table

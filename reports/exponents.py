"""λ of the trained networks beside λ of their data, per regime and τ: does forcing recover the exponent?

A network recovers the exponent where it is chaotic, running freely, and its own largest exponent is within
`WITHIN` of the data's. A network that blew up, or that rests or cycles, does not; it counts. One that seems
quasi-periodic, of which too few steps were looked at to tell an exponent like the data's from 0, does not
count. Shares have Wilson intervals. Medians are over the networks that have an exponent, of Kaplan-Yorke
dimensions over chaotic ones.

Views relied on: ``results``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import duckdb
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .doubts import of_exponents
from .selection import nearest_tau
from .statistics import wilson_interval
from .trials import Cell, Context, ReportError, family_of
from .verdict import is_near, number

WITHIN = 0.2
"""Of the data's exponent: what counts as recovered. Estimates of both are good to a few per cent."""

BLOWN_UP = ("diverged", "unbounded")
KINDS = ("chaotic", "quasi_periodic", "cycle", "fixed_point", "unbounded")
"""Classes of free runs, and in which order they are counted."""


@dataclass(frozen=True)
class Exponents:
    """One cell: the exponents of its networks against the data's."""

    context_id: str
    cell_id: str
    system: str
    architecture: str
    context: str
    regime: str
    """Its label."""
    tau: int | None
    trials: int
    """That ran to an outcome."""
    measured: int
    """Of these, with an exponent, or known to be unbounded or diverged: what the share is over."""
    recovered: int
    share_low: float
    share_high: float
    median: float | None
    """λ_max of the networks, 1/time unit of the system."""
    lowest: float | None
    highest: float | None
    kaplan_yorke: float | None
    """Median over the chaotic networks."""
    kinds: dict[str, int]
    """Class of the free run → networks."""
    values: tuple[float, ...]
    """λ_max of each network that has one, rising."""
    of_data: float
    of_data_se: float | None
    kaplan_yorke_of_data: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, a key per column; the classes one by one, single networks left out."""
        row = asdict(self)
        kinds = row.pop("kinds")
        del row["values"]
        return {**row, **{kind: kinds.get(kind, 0) for kind in KINDS}}


def read_exponents(
    connection: duckdb.DuckDBPyConnection, contexts: Sequence[Context]
) -> tuple[Exponents, ...]:
    """One row per cell, in the order of the contexts; none where no trial of a context has a class.

    Contexts of systems without a positive exponent are left out: there is nothing to recover.
    """
    ids = [trial.trial_id for context in contexts for cell in context.cells for trial in cell.trials]
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for cell_id, *values in connection.execute(
        """
        SELECT cell_id, status, CASE WHEN NOT undecided THEN dynamics END,
               CASE WHEN isfinite(net_lambda_max) AND NOT undecided THEN net_lambda_max END,
               net_kaplan_yorke, kaplan_yorke
        FROM (
            SELECT *, coalesce(dynamics = 'quasi_periodic' AND lambda_max > 0
                AND (dynamics_evidence->>'resolution')::DOUBLE > ? * lambda_max * dt, false) AS undecided
            FROM results WHERE trial_id IN (SELECT unnest(?))
        ) ORDER BY cell_id, seed
        """,
        [1 - WITHIN, ids],
    ).fetchall():
        found[cell_id].append(tuple(values))
    rows = []
    for context in contexts:
        ran = [values for cell in context.cells for values in found[cell.cell_id] if values[0] != "failed"]
        # Rows of before exponents were taken have none, and say nothing.
        measured = any(values[1] is not None for values in ran) or all(v[0] in BLOWN_UP for v in ran)
        if measured and context.lambda_max is not None and context.lambda_max > 0:
            rows += [
                _exponents(context, cell, found[cell.cell_id], context.lambda_max) for cell in context.cells
            ]
    return tuple(rows)


def _exponents(context: Context, cell: Cell, values: Iterable[tuple[Any, ...]], of_data: float) -> Exponents:
    ran = [value for value in values if value[0] != "failed"]
    # Rows of before exponents were taken say nothing, unless the network blew up.
    known = [value for value in ran if value[1] is not None or value[0] in BLOWN_UP]
    exponents = sorted(value[2] for value in known if value[2] is not None)
    chaotic = [value for value in known if value[1] == "chaotic" and value[2] is not None]
    recovered = sum(abs(value[2] - of_data) <= WITHIN * of_data for value in chaotic)
    low, high = wilson_interval(recovered, len(known))
    kinds: dict[str, int] = defaultdict(int)
    for _, kind, *_ in known:
        if kind is not None:
            kinds[kind] += 1
    return Exponents(
        context_id=context.context_id,
        cell_id=cell.cell_id,
        system=context.system,
        architecture=context.architecture,
        context=context.settings,
        regime=cell.label,
        tau=cell.tau,
        trials=len(ran),
        measured=len(known),
        recovered=recovered,
        share_low=low,
        share_high=high,
        median=_median(exponents),
        lowest=exponents[0] if exponents else None,
        highest=exponents[-1] if exponents else None,
        kaplan_yorke=_median([value[3] for value in chaotic if value[3] is not None]),
        kinds=dict(kinds),
        values=tuple(exponents),
        of_data=of_data,
        of_data_se=context.lambda_max_se,
        kaplan_yorke_of_data=next((value[4] for value in ran if value[4] is not None), None),
    )


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def answer(context: Context, rows: Sequence[Exponents]) -> str:
    """In a sentence: whether forcing near τ_pred recovers the exponent, and which regime does most often."""
    own = [row for row in rows if row.context_id == context.context_id and row.measured]
    if not own:
        return "no network's exponent is known"
    said = []
    best = max(own, key=lambda row: (row.recovered / row.measured, row.measured))
    forced = {row.tau for row in own if row.regime.startswith("sparse_forcing")}
    cells = [cell for cell in context.cells if cell.regime == "sparse_forcing" and cell.tau in forced]
    near = nearest_tau(cells, context.tau_pred) if cells and context.tau_pred else None
    for row in own:
        if near is not None and row.regime == near.label:
            far = "" if is_near(near.tau, context.tau_pred) else ", far from τ_pred"
            where = f"nearest τ_pred of those measured{far}"
            said.append(f"at τ={row.tau} ({where}) forcing recovers λ_max in {share(row)}")
            if row.recovered / row.measured == best.recovered / best.measured:
                best = row  # others do no better
    if best.recovered == 0:
        said.append("no regime does in any network")
    elif near is None or best.regime != near.label:
        said.append(f"most often does {best.regime}, in {share(best)}")
    return ", ".join(said)


def share(row: Exponents) -> str:
    """'4 of 5 (38–96%)', of the networks, with a 95% interval."""
    return f"{row.recovered} of {row.measured} ({row.share_low:.0%}–{row.share_high:.0%})".replace("%–", "–")


def classes(row: Exponents) -> str:
    """'4 chaotic, 1 fixed point'."""
    return ", ".join(f"{row.kinds[kind]} {kind.replace('_', '-')}" for kind in KINDS if row.kinds.get(kind))


def render_exponents(contexts: Sequence[Context], rows: Sequence[Exponents]) -> RenderableType:
    """A table per context and the answer of each, for the terminal.

    Raises:
        ReportError: no trial has an exponent.
    """
    if not rows:
        raise ReportError(
            "No network's exponent is known: trials have them from version 5 of the results on, "
            "for systems whose own is positive."
        )
    parts: list[RenderableType] = []
    for context in contexts:
        own = [row for row in rows if row.context_id == context.context_id]
        if not own:
            continue
        error = "" if context.lambda_max_se is None else f" ± {context.lambda_max_se:.2g}"
        dimension = own[0].kaplan_yorke_of_data
        facts = f"λ_max of the data {number(own[0].of_data)}{error}"
        facts += "" if dimension is None else f", Kaplan-Yorke dimension {dimension:.2f}"
        parts += [Text(context.title, style="bold"), Text(facts), _table(own), Text()]
        parts += [Text.assemble((context.title, "bold"), ": ", answer(context, own)), Text()]
    shown = {row.context_id for row in rows}
    notes = of_exponents(context for context in contexts if context.context_id in shown)
    parts += [Text(f"Note: {note}", style="yellow") for note in notes]
    parts.append(
        Text(
            f"Recovered: chaotic, running freely, with a λ_max within {WITHIN:.0%} of the data's; networks "
            "that blew up count as not. λ_max: median and range over networks, per time unit of the system. "
            "D_KY: median Kaplan-Yorke dimension of chaotic ones.",
            style="dim",
        )
    )
    return Group(*parts)


def _table(rows: Sequence[Exponents]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    right = {"τ", "λ_max", "D_KY", "chaotic"}
    for name in ("regime", "τ", "λ_max", "range", "D_KY", "recovered", "chaotic"):
        table.add_column(name, overflow="fold", justify="right" if name in right else "left")
    for row in rows:
        spread = "–" if row.lowest is None else f"{number(row.lowest)} to {number(row.highest)}"
        table.add_row(
            family_of(row.regime),
            "" if row.tau is None else str(row.tau),
            number(row.median),
            spread,
            "–" if row.kaplan_yorke is None else f"{row.kaplan_yorke:.2f}",
            share(row) if row.measured else "not measured",
            f"{row.kinds.get('chaotic', 0)}/{row.measured}",
        )
    return table

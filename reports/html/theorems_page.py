"""The table of theorems and its figure as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from ..figures.style import to_svg
from ..figures.theorems_figure import LINEAR, theorems_figure
from ..scope import ALL, Scope
from ..theorems.claims import GRADIENT, JACOBIAN
from ..theorems.findings import Finding, architectures
from ..theorems.networks import LATE, Network
from ..theorems.table import LEGEND, exceptions, middle, not_counted, spread
from .answered import ROWS, answered
from .document import Page
from .parts import element, figure, table
from .queries import LONGEST_ID

CAPTION = (
    "One mark per network, filled where it was constructed, open where it was trained. (a) Jacobian products "
    "along the free run, by class. (b), (c) rates in the long run against the largest exponent, black: what "
    "theory says; in (c) gradients are taken from the data, and a long chaotic transient lies above it. "
    "(d) the largest exponent against what the norm of the Jacobian nowhere exceeds. Between ±{linear:g} "
    "scales of rates are linear, beyond it logarithmic."
)

MEASURED = (
    "The networks that the claims are looked up in: class, exponent, and the rates that are drawn. All that "
    "was measured of them is in the table `gradients`."
)


def theorems_page(
    findings: Sequence[Finding],
    networks: Sequence[Network],
    connection: duckdb.DuckDBPyConnection,
    measured: str,
    *,
    left_out: Mapping[str, int],
) -> Page:
    """The table, the figure, where a claim does not hold, and what was measured of each network.

    Args:
        measured: `networks_query` of the same scope as the networks.
    """
    svg = to_svg(theorems_figure(networks))
    title = "Gradients and dynamics: what the paper claims, and what networks do"
    constructed = sum(network.constructed for network in networks)
    columns = ["claim", "what it says", "measured", "median (95%)", "range", "constructed", "trained",
               "undecided",
               "holds in", "verdict"]  # fmt: skip
    rows = [
        (
            finding.claim.name,
            finding.claim.says,
            finding.claim.measured,
            middle(finding),
            spread(finding),
            finding.count(constructed=True),
            finding.count(constructed=False),
            len(finding.undecided),
            architectures(finding) or None,
            finding.verdict,
        )
        for finding in findings
    ]
    found = [finding for finding in findings if finding.exceptions]
    listed = [f"{finding.claim.name}: {exceptions(finding)}" for finding in found]
    sections = [
        element("h1", title),
        element(
            "p", f"{constructed} constructed and {len(networks) - constructed} trained networks", css="soft"
        ),
        table(columns, rows, numeric=(5, 6, 7), label="The claims"),
        element("p", not_counted(left_out), css="soft") if left_out else "",
        element("p", LEGEND, css="soft"),
        element("h2", "Where a claim does not hold") if found else "",
        "<ul>" + "".join(element("li", line) for line in listed) + "</ul>" if found else "",
        element("h2", "Rates against exponents"),
        figure(svg, CAPTION.format(linear=LINEAR)),
        answered(connection, measured, caption=MEASURED, at_most=ROWS),
    ]
    return Page(title, sections, svg)


def networks_query(scope: Scope = ALL) -> str:
    """What is in the figure: of each network its class, λ₁, and the rates of Jacobians and gradients."""
    return f"""WITH late AS (
    SELECT trial_id, quantity, lag, value
    FROM (FROM gradients QUALIFY epoch = max(epoch) OVER (PARTITION BY trial_id))
    WHERE quantity IN ('{JACOBIAN}', '{GRADIENT}')
    QUALIFY lag * {LATE} >= max(lag) OVER (PARTITION BY trial_id, quantity)
), rates AS (
    SELECT trial_id, quantity,
           CASE WHEN count(*) < 2 THEN NULL WHEN isinf(arg_max(value, lag)) THEN arg_max(value, lag)
                ELSE regr_slope(value, lag) FILTER (isfinite(value)) END AS rate
    FROM late GROUP BY trial_id, quantity
)
SELECT left(trial_id, {LONGEST_ID}) AS trial, system, architecture, regime_label AS regime, seed,
       dynamics AS class, net_lambda_max * dt AS "λ₁ per step",
       any_value(rate) FILTER (quantity = '{JACOBIAN}') AS "rate of ‖∂z_T/∂z_1‖",
       any_value(rate) FILTER (quantity = '{GRADIENT}') AS "rate of ‖∂L_T/∂θ‖",
       any_value((dynamics_evidence->>'jacobian_bound')::DOUBLE) AS "‖J‖ at most",
       any_value((dynamics_evidence->>'resolution')::DOUBLE) AS "λ₁ told from 0 above"
FROM (FROM {scope.rows}) LEFT JOIN rates USING (trial_id)
WHERE status = 'ok' AND dynamics <> 'unbounded' AND net_lambda_max IS NOT NULL
  AND trial_id IN (SELECT trial_id FROM gradients)
GROUP BY trial_id, system, architecture, regime_label, seed, dynamics, net_lambda_max, dt
ORDER BY system, architecture, regime_label, seed, trial_id"""

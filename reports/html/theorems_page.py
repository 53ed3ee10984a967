"""The table of theorems and its figure as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..figures.style import to_svg
from ..figures.theorems_figure import LINEAR, theorems_figure
from ..theorems.findings import Finding, architectures
from ..theorems.networks import Network
from ..theorems.table import LEGEND, exceptions, middle, not_counted, spread
from .document import Page
from .parts import element, figure, table

CAPTION = (
    "One mark per network, filled where it was constructed, open where it was trained. (a) Jacobian products "
    "along the free run, by class. (b), (c) rates in the long run against the largest exponent, black: what "
    "theory says; in (c) gradients are taken from the data, and a long chaotic transient lies above it. "
    "(d) the largest exponent against what the norm of the Jacobian nowhere exceeds. Between ±{linear:g} "
    "scales of rates are linear, beyond it logarithmic."
)


def theorems_page(
    findings: Sequence[Finding], networks: Sequence[Network], *, left_out: Mapping[str, int]
) -> Page:
    """The table, the figure, and where a claim does not hold."""
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
    ]
    return Page(title, sections, svg)

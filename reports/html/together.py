"""All systems together: what the page says of more contexts than one."""

from __future__ import annotations

from ..across import across
from ..comparison import Comparison
from ..figures import to_svg
from ..figures.across_systems import across_systems
from ..table import across_said
from .pairs import share
from .parts import bullets, figure, section, sql, table
from .together_sql import together_query

ACROSS = (
    "Left: the share of runs that score above each level, every context weighing the same, with pointwise "
    "95% bands (stratified bootstrap); dotted: from here on a run reconstructs. Right: mean ranks over "
    "contexts; a bar joins methods of which no two can be told apart at 5% (sign flips over contexts, Holm)."
)

METHODS = (
    "Methods that were run everywhere, best first. The interval of the interquartile mean is from runs drawn "
    "anew, which its SQL does not draw."
)


def across_section(comparison: Comparison) -> str:
    """All systems together; nothing of one alone."""
    together = across(comparison)
    if together is None:
        return ""
    rows = [
        (method.name, method.count, *share(method.iqm, "{:.2f}"), *share(method.reconstructed, "{:.0%}"),
         method.mean_rank)
        for method in together.methods
    ]  # fmt: skip
    columns = ["method", "runs", "interquartile mean", "95%", "reconstruct", "95%", "mean rank"]
    return section(
        "All systems together",
        figure(to_svg(across_systems(together)), ACROSS, "across"),
        table(columns, rows, numeric=(1, 2, 4, 6), caption=METHODS),
        sql(together_query(comparison, together)),
        bullets(across_said(together)),
    )

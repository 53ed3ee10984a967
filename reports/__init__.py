"""Reports: a question to the results database, answered with its evidence.

A leaf of the project: it is handed an open read-only DuckDB connection and relies on the documented views
`results` and `study_trials` alone.

    comparison = compare(connection, "clipping")
    Console().print(render_comparison(comparison))
    html.comparison_page(comparison, connection).write(Path("results/reports"), stem="clipping")

Figures and pages are in `reports.figures` and `reports.html`, which take half a second to import.
"""

from .along import along
from .along_said import headlines as along_headlines
from .codes import StaleError, mixed_codes
from .compare import compare, without_pairs
from .comparison import Comparison, Headline, Row, Side
from .exponents import Exponents, read_exponents, render_exponents
from .measures import MEASURES, Measure
from .reading import contexts_of, read_contexts
from .scope import Scope
from .statistics import Estimate, geometric_mean, paired_ratio, seeds_needed, wilson_interval
from .table import comparison_table
from .terminal import render_along, render_comparison
from .trials import (
    Cell,
    Context,
    NothingToCompareError,
    ReportError,
    Trial,
    UnknownBaselineError,
    UnknownNameError,
    UnknownStudyError,
)
from .verdict import LEGEND

__all__ = [
    "LEGEND",
    "MEASURES",
    "Cell",
    "Comparison",
    "Context",
    "Estimate",
    "Exponents",
    "Headline",
    "Measure",
    "NothingToCompareError",
    "ReportError",
    "Row",
    "Scope",
    "Side",
    "StaleError",
    "Trial",
    "UnknownBaselineError",
    "UnknownNameError",
    "UnknownStudyError",
    "along",
    "along_headlines",
    "compare",
    "comparison_table",
    "contexts_of",
    "geometric_mean",
    "mixed_codes",
    "paired_ratio",
    "read_contexts",
    "read_exponents",
    "render_along",
    "render_comparison",
    "render_exponents",
    "seeds_needed",
    "wilson_interval",
    "without_pairs",
]

"""What is known of a series before training, as one HTML file that needs nothing else: no network, no script.

The verdict comes first, then what must be warned of, the figures, each with how to read it, and the facts
with all that is needed to have them again.
"""

from __future__ import annotations

import html
from pathlib import Path

from ...systems.analysis.overview import Overview
from ..figures import to_svg
from ..figures.series_overview import series_figures
from ..series.facts import COLUMN_HEADER, Row, column_rows, facts, settings_rows, slope_facts
from ..series.verdict import headlines, tau_grid, warnings
from ..series.words import time_unit
from .document import document, write
from .parts import element, table, text
from .themed_svg import themed

CAPTIONS = {
    "series": (
        "The beginning of the series.",
        "Look for what should not be there: steps, spikes, clipping, a trend, stretches that are constant. "
        "A dozen mean periods are shown, or what there is.",
    ),
    "portrait": (
        "The series in a plane.",
        "One variable against another, or against its own past. Deterministic dynamics draw lines that keep "
        "together and leave holes; noise draws a cloud or a tangle.",
    ),
    "divergence": (
        "Divergence of neighbours.",
        "In chaos the distance of two close states grows exponentially: its log (above) rises along a "
        "straight line and the slope of that (below) is level, until they are as far apart as any two. λ_max "
        "is the slope in the shaded window, to be believed only if the curve is straight there, whatever "
        "part is taken, and steeper than the surrogates' curves, noise of the same values and spectrum.",
    ),
    "delay": (
        "How long the series remembers.",
        "Autocorrelation (above) sees linear dependence only, mutual information (below) any. The dot is the "
        "suggested delay, as a rule the first minimum of the mutual information: by then the value says "
        "something new and is not yet unrelated.",
    ),
    "neighbours": (
        "How many delays unfold it.",
        "Neighbours are false if one more delay drives them apart: they were close in projection only. The "
        "circle is the suggested number of delays, the first with under 1% (dashed); noise keeps false "
        "neighbours in any number.",
    ),
    "dimension": (
        "Correlation dimension.",
        "How fast the number of near pairs grows with what is called near. A level stretch (thick) at the "
        "same height whatever the number of delays is the dimension of the attractor; for noise the height "
        "rises with every delay.",
    ),
    "spectrum": (
        "Power spectrum.",
        "A line stands for a period, a broad band for chaos or noise: the spectrum alone cannot tell these "
        "two apart. Flows fall off exponentially at high frequencies; where a floor ends the fall, "
        "measurement noise begins.",
    ),
}


def write_series_page(overview: Overview, path: Path, *, provenance: str = "") -> Path:
    """Write the page, whole or not at all.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, render_series_page(overview, provenance=provenance))


def render_series_page(overview: Overview, *, provenance: str = "") -> str:
    """The page as text."""
    system = overview.system
    warned = warnings(overview)
    sections = [
        element("h1", system.name),
        element("p", " · ".join(filter(None, [system.description, system.source])), css="soft"),
        _headlines(overview),
        *([element("h2", "Warnings"), _list(warned, css="warnings")] if warned else []),
        *_figures(overview),
        element("h2", "Facts"),
        _pairs(facts(overview, with_slope=overview.exponent is None)),
        element("h2", "Columns"),
        table(
            COLUMN_HEADER,
            column_rows(overview),
            numeric=tuple(range(1, len(COLUMN_HEADER))),
            label="Columns",
        ),
        element(
            "p",
            "Drifts are from the first twentieth of the series to the last; those that Kendall's test finds "
            "monotone are marked with !. Period: one over the mean frequency of the spectrum, in steps, as "
            "is the delay.",
            css="soft",
        ),
        *_preparation(overview),
        element("h2", "How the slope was estimated"),
        *_estimation(overview),
    ]
    return document(f"{system.name} before training", sections, provenance=provenance)


def _headlines(overview: Overview) -> str:
    lines = [
        f'<li class="{line.css}"><strong>{text(line.title)}</strong>: {text(line.text)}</li>'
        for line in headlines(overview)
    ]
    said = f'<ul class="headline">{"".join(lines)}</ul>'
    grid = tau_grid(overview)
    if grid:
        name = overview.system.name
        taus = ",".join(map(str, grid))
        said += element("pre", f"orch study new {name}_tau --system {name} --architecture rnn --tau {taus}")
    return said


def _figures(overview: Overview) -> list[str]:
    """Two beside each other where there is room; beside the divergence curve its numbers."""
    drawn = series_figures(overview, unit=time_unit(overview))
    shown = {name: _figure(name, themed(to_svg(figure), name)) for name, figure in drawn.items()}
    numbers = f"<div>{element('h3', 'In numbers')}{_pairs(slope_facts(overview))}</div>"
    pairs = {
        "The series": [shown.get("series"), shown.get("portrait")],
        "Divergence": [shown.get("divergence"), numbers if "divergence" in shown else None],
        "Embedding": [shown.get("delay"), shown.get("neighbours")],
        "Dimension and spectrum": [shown.get("dimension"), shown.get("spectrum")],
    }
    parts = []
    for title, pair in pairs.items():
        there = [one for one in pair if one is not None]
        if there:
            parts += [element("h2", title), f'<div class="pair">{"".join(there)}</div>']
    return parts


def _figure(name: str, svg: str) -> str:
    title, how = CAPTIONS[name]
    label = html.escape(f"{title} {how}")
    caption = f"<figcaption><strong>{text(title)}</strong> {text(how)}</figcaption>"
    return f'<figure class="themed"><div role="img" aria-label="{label}">{svg}</div>{caption}</figure>'


def _preparation(overview: Overview) -> list[str]:
    if not overview.system.is_recorded:
        return []
    parts = [element("h2", "Preparation")]
    if overview.gaps:
        columns = ("column", "values missing", "gaps", "longest", "first at row")
        rows = [(gap.column, gap.missing, gap.gaps, gap.longest, gap.first_row) for gap in overview.gaps]
        parts.append(table(columns, rows, numeric=(1, 2, 3, 4), label="Gaps"))
    else:
        parts.append(element("p", "No values are missing."))
    steps = getattr(overview.system, "steps", ())
    parts.append(
        "<ol>" + "".join(element("li", step) for step in steps) + "</ol>"
        if steps
        else element("p", "No steps: the series is used as it was recorded.")
    )
    return parts


def _estimation(overview: Overview) -> list[str]:
    if overview.settings is None:
        return [element("p", "Not at all: see the warnings.")]
    rows: list[Row] = settings_rows(overview.settings)
    if overview.exponent is not None:
        first, last = overview.exponent.slope.window
        rows.append(("window taken", f"steps {first} to {last}"))
    return [_pairs(rows)]


def _pairs(rows: list[Row]) -> str:
    return f'<div class="facts">{table(("fact", "value"), rows, label="Facts")}</div>'


def _list(lines: tuple[str, ...], *, css: str) -> str:
    return f'<ul class="{css}">' + "".join(element("li", line) for line in lines) + "</ul>"

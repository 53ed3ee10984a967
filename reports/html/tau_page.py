"""What was found about τ as one HTML file that needs nothing else: sentences, figure, points."""

from __future__ import annotations

from collections.abc import Sequence

from ..figures.style import to_svg
from ..figures.tau_response import tau_response
from ..tau import LEGEND, TauAnswer, sentence
from .document import Page
from .parts import element, figure, table

CAPTION = (
    "D_stsp against the learning interval τ. Circles: the τ that were tried, geometric means over seeds with "
    "95% intervals, dots single seeds; triangles: given up early by a search. Line and band: the fitted "
    "curve with its 95% band. Hatched: the prior of τ. Diamond and bar: τ_opt with its 95% interval."
)


def tau_page(answers: Sequence[TauAnswer], *, notes: Sequence[str] = ()) -> Page:
    """The sentences, the figure, and the points of it."""
    svg = to_svg(tau_response(answers))
    title = "Which τ reconstructs"
    said = [f"{answer.context.title}, {answer.regime}: {sentence(answer)}" for answer in answers]
    columns = ["system", "architecture", "settings", "regime", "τ", "τ/τ_pred", "seeds", "D_stsp", "95% low",
               "95% high", "blown up", "given up early"]  # fmt: skip
    rows = [
        (
            answer.context.system,
            answer.context.architecture,
            answer.context.settings or None,
            answer.regime,
            point.tau,
            answer.ratio(point.tau),
            len(point.scores),
            point.estimate.value,
            point.estimate.low,
            point.estimate.high,
            point.blown_up,
            len(point.given_up),
        )
        for answer in answers
        for point in answer.points
    ]
    sections = [
        element("h1", title),
        "<ul>" + "".join(element("li", line) for line in said) + "</ul>",
        *(element("p", note, css="soft") for note in notes),
        figure(svg, CAPTION),
        element("p", LEGEND, css="soft"),
        element("h2", "The points"),
        table(columns, rows, numeric=tuple(range(4, 12)), label="The points"),
    ]
    return Page(title, sections, svg)

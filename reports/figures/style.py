"""How every figure of a report looks: legible in colour, to the colour-blind, and in black and white.

Colours are those of Okabe and Ito (2008), each with its own marker. The same data gives the same bytes: no
date, no random identifiers. Text stays text in the SVG of a page. In a file that goes into a paper it looks
the same wherever it is opened: PDF holds its fonts as TrueType (publishers refuse Type 3), and in SVG letters
are paths.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, get_args

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#707070"

FileFormat = Literal["svg", "pdf", "png"]
FILE_FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)
DOTS_PER_INCH = 200

RC: dict[str, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "orchestrator",
    "pdf.fonttype": 42,
    "font.size": 10.0,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.unicode_minus": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def styled() -> Iterator[None]:
    """The style, for the length of a block: figures are laid out both when drawn and when written."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's matplotlibrc must not change the bytes of a report
        matplotlib.rcParams.update(RC)  # type: ignore[arg-type,unused-ignore]
        yield


def colour_and_marker(name: str, names: Sequence[str]) -> tuple[str, str]:
    """The colour and the marker of `name` among `names`; past the palette they repeat."""
    place = list(names).index(name)
    return COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]


def hide_unused(axes: Sequence[Axes], used: int) -> None:
    """Blank the panels of a grid beyond the first `used`."""
    for spare in axes[used:]:
        spare.set_axis_off()


def _names_as_they_are(artist: Artist) -> None:
    """A name with dollars in it is no formula; only ticks of logarithmic axes are, which are not looked at:
    to ask for them makes them."""
    for child in artist.get_children():
        if isinstance(child, Axis):
            child.label.set_parse_math(False)
        elif isinstance(child, Text):
            child.set_parse_math(False)
        else:
            _names_as_they_are(child)


def to_svg(figure: Figure, *, outlines: bool = False) -> str:
    """The figure as SVG text, the same bytes for the same figure; `outlines`: letters as paths."""
    buffer = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with styled(), warnings.catch_warnings():
        if not outlines:  # what our font lacks is written in one that the reader's machine has
            warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        matplotlib.rcParams["svg.fonttype"] = "path" if outlines else "none"
        FigureCanvasSVG(figure)
        _names_as_they_are(figure)
        figure.savefig(buffer, format="svg", metadata=nothing)
    return "\n".join(line.rstrip() for line in buffer.getvalue().decode("utf-8").splitlines()) + "\n"


def encoded(figure: Figure, form: FileFormat) -> bytes:
    """The figure as a file for a paper, its fonts with it; the same bytes for the same figure."""
    if form == "svg":
        return to_svg(figure, outlines=True).encode()
    buffer = io.BytesIO()
    # Dates, and versions of what drew it, which would change the bytes of the same figure.
    keys = ("CreationDate", "Creator", "Producer") if form == "pdf" else ("Software",)
    nothing: dict[str, Any] = dict.fromkeys(keys)
    with styled():
        _names_as_they_are(figure)
        figure.savefig(buffer, format=form, dpi=DOTS_PER_INCH, metadata=nothing)
    return buffer.getvalue()

"""The paper's figures by number: what each shows, the study that runs it, and how it is made.

A figure shows the contexts and cells of its study's file and no others. What of them was not run is a gap in
the figure, and a sentence with the command that would run it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORCING = ("sparse_forcing", "clipping")


@dataclass(frozen=True, kw_only=True)
class PaperFigure:
    """One figure of the paper."""

    number: str
    kind: Literal["sweep", "attractors", "exponents", "preparation", "exponents and sweep"]
    shows: str
    study: str | None = None
    """The shipped study that runs it; None: it stands on a recording alone."""
    systems: tuple[str, ...] = ()
    """Of the figure, the authors' own data first; the first with results, or whose recording is here."""
    regimes: tuple[str, ...] = FORCING
    published: dict[str, str] = field(default_factory=dict)
    """Measure (`d_stsp`, `d_h`, `psc`) → the authors' figure that shows it, as `reports/published.csv` calls
    it."""
    published_system: str = ""
    """Which of our systems their figure is of."""
    taus: tuple[int, ...] = ()
    """Of figures of attractors: too small, right, too large."""
    architecture: str = "lstm"
    """Whose attractors are shown."""
    dimensions: tuple[int, ...] = ()
    """Delays whose divergence curves, or correlation sums, are shown."""


def _published(system: str) -> dict[str, str]:
    return {"d_stsp": f"{system}_klx", "d_h": f"{system}_hld", "psc": f"{system}_psc"}


LORENZ = ("lorenz63_published", "lorenz63")
ROESSLER = ("roessler_published", "roessler")
JENA = ("jena_published", "jena")
MANY_DELAYS = (5, 6, 7, 8, 9, 10)

FIGURES = {
    figure.number: figure
    for figure in (
        PaperFigure(
            number="1a", kind="sweep", shows="Lorenz-63", study="lorenz_tau", systems=LORENZ,
            published=_published("Lorenz"), published_system="lorenz63_published",
        ),
        PaperFigure(
            number="1b", kind="sweep", shows="the Duffing oscillator", study="duffing_tau",
            systems=("duffing_published", "duffing"),
        ),
        PaperFigure(
            number="2", kind="attractors", shows="attractors of Lorenz-63", study="lorenz_tau",
            systems=LORENZ, regimes=("sparse_forcing",), taus=(5, 30, 200),
        ),
        PaperFigure(
            number="3a", kind="exponents", shows="λ_max of the temperature at Jena", systems=JENA,
            dimensions=(4, 5, 6),
        ),
        PaperFigure(
            number="3b", kind="sweep", shows="the temperature at Jena", study="jena_tau", systems=JENA
        ),
        PaperFigure(
            number="4", kind="preparation", shows="how the temperature at Jena is prepared",
            systems=("jena", "jena_published"), dimensions=MANY_DELAYS,
        ),
        PaperFigure(
            number="5", kind="sweep", shows="Rössler", study="roessler_tau", systems=ROESSLER,
            published=_published("Roessler"), published_system="roessler_published",
        ),
        PaperFigure(
            number="6", kind="attractors", shows="attractors of Rössler", study="roessler_tau",
            systems=ROESSLER, regimes=("sparse_forcing",), taus=(5, 30, 200),
        ),
        PaperFigure(
            number="7", kind="sweep", shows="Mackey-Glass", study="mackey_glass_tau",
            systems=("mackey_glass",),
        ),
        PaperFigure(
            number="8", kind="sweep", shows="Lorenz-63, partially observed", study="lorenz_partial_tau",
            systems=("lorenz63_partial",),
        ),
        PaperFigure(
            number="9", kind="sweep", shows="Lorenz-63 with windows that start from zero",
            study="lorenz_tau", systems=LORENZ, regimes=("sparse_forcing", "zero_reset"),
            published={"d_stsp": "Windowing_klx", "d_h": "Windowing_hld"},
            published_system="lorenz63_published",
        ),
        PaperFigure(
            number="10", kind="preparation", shows="how the EEG is prepared", systems=("eeg_published",),
            dimensions=MANY_DELAYS,
        ),
        PaperFigure(
            number="11", kind="exponents and sweep", shows="the EEG: λ_max, and scores against τ",
            study="eeg_tau", systems=("eeg_published",), dimensions=(8, 9, 10),
        ),
    )
}  # fmt: skip
"""By number."""


@dataclass(frozen=True)
class Made:
    """A figure, and what there is to say of it: what it stands on, and what it lacks, with the command."""

    figure: "Figure"
    said: tuple[str, ...]


def paper_figure(number: str) -> PaperFigure:
    """The figure of this number.

    Raises:
        UsageError: there is none; says which there are.
    """
    found = FIGURES.get(number.strip().lower())
    if found is None:
        raise UsageError(f"the paper has no figure '{number}' to make: there are {', '.join(FIGURES)}")
    return found


def make(
    number: str,
    results: Path,
    *,
    measure: str | None = None,
    study: str | None = None,
    overrides: Sequence[str] = (),
    allow_stale: bool = False,
    results_option: Path | None = None,
) -> Made:
    """Make a figure of the paper from the results database, or from the recording that it is of.

    Args:
        measure: of the left panel of a sweep; where a published curve is overlaid the authors' own
            definition by default, and else the clean one.
        study: another study's name or file in the place of the shipped one.
        overrides: `key.path=value`, as `--set` takes them.
        allow_stale: whether results of different code may be pooled.
        results_option: what a command that is printed must say of the results folder.

    Raises:
        UsageError: no such figure, or an option that it has no use for.
        OrchError: there is nothing yet that it could show; the message has the command.
    """
    from . import recordings as of_recordings
    from . import sweeps as of_trials
    from .wanted import Asked

    spec = paper_figure(number)
    if spec.study is None:
        given = {"--measure": measure, "--study": study, "--set": overrides}
        for option, value in given.items():
            if value:
                raise UsageError(f"figure {spec.number} is of a recording: it takes no {option}")
        return of_recordings.make(spec)
    asked = Asked(
        spec, results, measure, study or spec.study, tuple(overrides), study is None, allow_stale,
        results_option,
    )  # fmt: skip
    if spec.kind == "attractors":
        from .attractors import attractors

        return attractors(asked)
    if spec.kind == "exponents and sweep":
        return of_recordings.make_with_sweep(spec, of_trials.sweep(asked, or_empty=True))
    made = of_trials.sweep(asked)
    from ..reports.figures.paper import sweep_figure

    return Made(sweep_figure(made.sweep), made.said)

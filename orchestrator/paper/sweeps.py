"""What the paper's figures over τ show, and what is said beneath them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import systems
from ..errors import OrchError, UsageError
from ..reports import Context
from ..reports.published import published_curves
from .catalogue import PaperFigure
from .wanted import Asked, NothingRunError, lacks, nothing, read, stands_on, wanted

if TYPE_CHECKING:
    from ..reports.figures.paper import Sweep

MEASURES = ("d_stsp", "d_stsp_published", "d_h", "d_h_published")
"""Of a left panel; the right one is PSC by the same definition."""


STATISTICS = (
    "Left: geometric mean over all seeds with 95% t-interval on logs. Right: median over all seeds with 95% "
    "interval of order statistics (from 6 seeds on). A run that blew up, or stands still where spectra are "
    "correlated, counts as the worst there is. Lines break where a τ was not run. Perfect, or floor: what "
    "the system scores against itself."
)


@dataclass(frozen=True)
class SweepMade:
    """A sweep and what to say of it."""

    sweep: "Sweep"
    said: tuple[str, ...]


def sweep(asked: Asked, *, or_empty: bool = False) -> SweepMade:
    """The cells of a sweep, with what to say of them.

    Args:
        or_empty: whether a figure without any result is worth making.

    Raises:
        OrchError: there are no results, or they come from different code.
    """
    from ..reports.figures.paper import Sweep

    spec = asked.spec
    measure = asked.measure or ("d_stsp_published" if spec.published else "d_stsp")
    if measure not in MEASURES:
        raise UsageError(f"--measure {measure}: a figure can show {', '.join(MEASURES)}; PSC is beside it")
    want = wanted(asked)
    psc = "psc_published" if measure.endswith("_published") else "psc"
    try:
        distances, correlations = read(asked, want, (measure, psc))
    except NothingRunError:
        if not or_empty:
            raise OrchError(nothing(asked, want)) from None
        distances, correlations = [], []
    overlaid = {
        key: published_curves(spec.published[key], spec.regimes)
        for key in (measure.removesuffix("_published"), "psc")
        if key in spec.published
    }
    curves, spectra = overlaid.get(measure.removesuffix("_published"), ()), overlaid.get("psc", ())
    caption = [STATISTICS, *settings(distances)]
    if curves or spectra:
        caption.append(_of_authors(spec, want.system, measure))
    return SweepMade(
        Sweep(
            title=want.system,
            measure=measure,
            distances=distances,
            correlations=correlations,
            names=want.names,
            taus=want.taus(distances),
            regimes=[r for r in spec.regimes if r in want.regimes or any(c.regime == r for c in curves)],
            wanted=[regime for regime in spec.regimes if regime in want.regimes],
            published=curves,
            published_correlations=spectra,
            caption=caption,
        ),
        (*stands_on(asked, want, distances), *lacks(asked, want)),
    )


def settings(contexts: Sequence[Context]) -> list[str]:
    texts = list(dict.fromkeys(context.settings for context in contexts if context.settings))
    return [f"Settings other than the defaults: {'; '.join(texts)}."] if texts else []


def _of_authors(spec: PaperFigure, system: str, measure: str) -> str:
    said = (
        "Authors: means ± standard errors over the runs that survived, read from the graphics of their "
        "repository (github.com/DurstewitzLab/ChaosRNN)"
    )
    if system != spec.published_system:
        theirs, ours = systems.get(spec.published_system), systems.get(system)
        if theirs.constants == ours.constants:
            said += f"; theirs are of {theirs.name}, the same equations standardised otherwise"
        else:
            said += f"; theirs are of {_described(theirs.name, theirs.constants)}, "
            said += f"ours of {_described(ours.name, ours.constants)}"
    if not measure.endswith("_published"):
        said += "; theirs by their own definition of the measures, ours by another"
    return said + "."


def _described(name: str, constants: Mapping[str, float]) -> str:
    values = ", ".join(f"{key} {value:.4g}" for key, value in constants.items())
    return f"{name} ({values})"

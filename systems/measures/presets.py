"""Named sets of measure definitions. A further set is one more entry in `PRESETS`.

`orch`: the clean definitions, and the default. Box from the truth with a margin, every bin counts, points
outside are counted and cost, spectra normalised last. `published`: what the code released with Mikhaeil,
Monfared & Durstewitz (NeurIPS 2022) does, faults included, for comparison with their figures. D_stsp: box
of ±2 SD about zero, points outside dropped, first bin of every dimension dropped; 30 bins, which the
plateaus and floors of their Lorenz and Rössler figures betray (the code at head says 10). D_H: not 0 for
identical series. PSC: from a lead, see `power_spectrum_correlation`.
"""

from __future__ import annotations

from collections.abc import Mapping

from .base import Definition
from .hellinger import Hellinger
from .mixture_divergence import MixtureDivergence
from .outside_share import OutsideShare
from .power_spectrum_correlation import PowerSpectrumCorrelation
from .state_space_divergence import StateSpaceDivergence

PRESETS: Mapping[str, Mapping[str, Definition]] = {
    "orch": {
        "d_stsp": StateSpaceDivergence(),
        "d_h": Hellinger(),
        "psc": PowerSpectrumCorrelation(),
        "outside_share": OutsideShare(),
    },
    "published": {
        "d_stsp": StateSpaceDivergence(
            box="zero_centred", box_width=2.0, keep_first_bin=False, outside="dropped"
        ),
        "d_h": Hellinger(
            pieces=50,
            sigma_bins=2.0,
            radius_sigmas=5.0,
            edges="zero",
            cut_bins=500,
            normalise="before_cut",
            quadrature="trapezoid",
        ),
        "psc": PowerSpectrumCorrelation(
            pieces=50, z_score=False, sigma_bins=1.0, order="log_first", cut_share=None, cut_bins=100
        ),
    },
}

DEFAULT_PRESETS = ("orch", "published")


BINNED_UP_TO = 4
"""Dimensions up to which D_stsp is binned; beyond, most bins hold no point of the truth: of the paper's own
five-dimensional series, 5900 points of temperature, one half scores 12.1 against the other, where 12.6 is the
worst there is. As in the authors' code."""


def definitions(
    presets: tuple[str, ...] = DEFAULT_PRESETS, *, dimension: int
) -> dict[str, dict[str, Definition]]:
    """Definitions by preset and measure for data of `dimension` columns.

    Beyond `BINNED_UP_TO` dimensions D_stsp is that of Gaussian mixtures in `orch`, and left out in
    `published`, whose mixtures are drawn at random.

    Raises:
        ValueError: a preset does not exist; the message names those that do.
    """
    chosen = {}
    for preset in presets:
        if preset not in PRESETS:
            raise ValueError(f"unknown preset {preset!r}: known presets: {', '.join(PRESETS)}")
        chosen[preset] = dict(PRESETS[preset])
        if dimension > BINNED_UP_TO:
            del chosen[preset]["d_stsp"]
            if preset == "orch":
                chosen[preset] = {"d_stsp": MixtureDivergence(), **chosen[preset]}
    return chosen

"""One electrode of an EEG at rest, in time: what `eeg_published` is not.

Oz of the recording that the sparse-forcing paper names (first subject, run 1: a minute with open eyes at 160
Hz), prepared by the paper's steps (A.6.5) as far as they make sense in time. Chosen here: Oz, over the visual
cortex, where the rhythm of about 10 Hz is strongest; a straight line is taken out; three iterations of noise
reduction in 10 delays of one step; a Gaussian of 2 steps (12.5 ms), which leaves 73% of a wave of 10 Hz and
nothing of the mains' 60 Hz; ten dimensions, as the paper has them, with the first minimum of the mutual
information, 30 steps, as delay.

In this embedding the slope of the log-divergence curve is 0.13 a step, 21 a second; 0.17 a step in eight
dimensions, 0.27 in five. It is over within four steps, and noise of the same spectrum has the same: a minute
of one electrode is no evidence of chaos, and the τ_pred of 5 steps no more than a guess. The recording is
not shipped: `orch data fetch eegmmidb_s001r01`.
"""

from __future__ import annotations

from .analysis.exponent import SlopeSettings
from .base import FloatArray
from .edf import read_channels
from .preparation import step
from .raw import EEG as RAW
from .recorded import Recorded

CHANNEL = "Oz"


def read() -> FloatArray:
    """The electrode in µV, (9760, 1)."""
    return read_channels(RAW.found(), names=(CHANNEL,))


EEG = Recorded(
    name="eeg",
    description="EEG at rest, one electrode (Oz) in ten dimensions by delays",
    source="Schalk et al. (2004), PhysioNet; prepared after Mikhaeil, Monfared & Durstewitz (2022), A.6.5",
    variables=tuple(f"Oz_{i}" for i in range(10)),
    columns=("Oz",),
    read=read,
    digest=RAW.sha256 or "",
    raw_points=9_760,
    raw_dt=1 / 160,
    dt=1 / 160,
    time_unit="s",
    n_points=9_490,
    steps=(
        step("detrend", order=1),
        step("standardise"),
        step("reduce_noise", dimension=10, manifold=3, iterations=3),
        step("smooth", sigma=2.0),
        step("standardise"),
        step("embed", dimension=10, delay=30),
    ),
    slope=SlopeSettings(theiler=200, steps=160, dimension=10, delay=30),
    reader_modules=frozenset({__name__, f"{__package__}.edf"}),
)

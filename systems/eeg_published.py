"""The EEG series of the sparse-forcing paper (A.6.5): electrode after electrode, not instant after instant.

The recording is that of the first subject at rest (run 1), 64 electrodes at 160 Hz. The released intermediate
files begin with the first 976 samples of all 64 electrodes, written one instant after the other: a value's
neighbour is the next *electrode* at the same instant. What is declared here reproduces these files from the
recording: standardised (to the last digit), eight iterations of ghkss with m = 15, delay 1000, q = 3 and at
least 50 neighbours (to the digits printed; the options were not recorded, but none near these fit), the
first value left out, a Gaussian of 30 steps, standardised. The text then embeds in ten dimensions with
delay 500 and keeps every third point. A released array of an embedding with delay 50 is of another series,
of unknown origin.

The paper reads off λ_max = 0.007 a step, so τ_pred = 33, and a dimension of 1.8. Times here are in electrode
steps: a 64th of 6.25 ms each, if they were times. Over steps 50 to 150 of the curve, delay 30, the slope is
0.0123, 0.0088 and 0.0073 in 5, 8 and 10 dimensions; noise of the same spectrum has the same slopes, and the
correlation sum has no plateau: its local slope falls from 4 to 1. The recording is not shipped: `orch data
fetch eegmmidb_s001r01`.
"""

from __future__ import annotations

from .analysis.exponent import SlopeSettings
from .base import FloatArray
from .edf import read_channels
from .preparation import step
from .raw import EEG
from .recorded import Recorded

SAMPLES, ELECTRODES = 976, 64


def read() -> FloatArray:
    """The interleaved series in µV, (SAMPLES · ELECTRODES, 1)."""
    return read_channels(EEG.found())[:SAMPLES].reshape(-1, 1)


EEG_PUBLISHED = Recorded(
    name="eeg_published",
    description="EEG as in Mikhaeil et al. (2022): 64 electrodes in turn, in ten dimensions by delays",
    source="Schalk et al. (2004), PhysioNet; Mikhaeil, Monfared & Durstewitz, NeurIPS (2022), appendix A.6.5",
    variables=tuple(f"v_{i}" for i in range(10)),
    columns=("v",),
    read=read,
    digest=EEG.sha256 or "",
    raw_points=SAMPLES * ELECTRODES,
    raw_dt=1.0,
    dt=3.0,
    time_unit="electrode steps",
    n_points=19_321,
    steps=(
        step("standardise"),
        step("reduce_noise", dimension=15, delay=1000, manifold=3, neighbours=50, iterations=8),
        step("crop", first=1),
        step("smooth", sigma=30.0),
        step("standardise"),
        step("embed", dimension=10, delay=500),
        step("subsample", every=3),
    ),
    slope=SlopeSettings(theiler=500, steps=700, window=(50, 150), dimension=10, delay=30),
    reader_modules=frozenset({__name__, f"{__package__}.edf"}),
)

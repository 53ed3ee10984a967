"""The temperature at Jena as it is in the data file released with the sparse-forcing paper.

The file holds 5900 rows of a delay embedding of a series of 7900 points, in five dimensions with delay 500;
that series is put together again and embedded, which gives the file exactly. Which part of the recording it
is, and how it was prepared, is not recorded. It is not shipped: `orch data fetch jena_published`.

The paper reads off λ_max = 0.016 a step, τ_pred = 43.3 (from embeddings in 4 to 6 dimensions) and a
dimension of 2.8. Here, over the first 60 steps of the curve, delay 500: 0.0219, 0.0182 and 0.0162 a step in
4, 5 and 6 dimensions; 0.0085 in 5 with a delay of 100. Noise of the same spectrum has the same slopes, and
the correlation sum has no plateau: the number can be had again, and is no evidence of chaos.
"""

from __future__ import annotations

import numpy as np

from .analysis.exponent import SlopeSettings
from .base import DataError, FloatArray
from .preparation import step
from .raw import JENA_PUBLISHED
from .recorded import Recorded

DELAY = 500


def read() -> FloatArray:
    """The series of which the released array is the embedding, (7900, 1)."""
    path = JENA_PUBLISHED.found()
    try:
        released = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    if released.ndim != 2 or released.shape[1] != 5:
        raise DataError(f"{path} has shape {released.shape}: expected (5900, 5)")
    series: FloatArray = np.concatenate([released[:, 4], released[-4 * DELAY :, 0]])[:, None]
    return series


JENA_TEMPERATURE_PUBLISHED = Recorded(
    name="jena_published",
    description="temperature at Jena as in the data released with Mikhaeil et al. (2022)",
    source="data file of Mikhaeil, Monfared & Durstewitz, NeurIPS (2022)",
    variables=tuple(f"T_{i}" for i in range(5)),
    columns=("T",),
    read=read,
    digest=JENA_PUBLISHED.sha256 or "",
    raw_points=7_900,
    raw_dt=1.0,
    dt=1.0,
    time_unit="steps",
    n_points=5_900,
    steps=(step("embed", dimension=5, delay=DELAY),),
    slope=SlopeSettings(theiler=500, steps=150, window=(0, 60), dimension=6, delay=DELAY),
    reader_modules=frozenset({__name__}),
)

"""The temperature at Jena, 2009 to 2016, prepared as in the sparse-forcing paper's A.4.

Every ten minutes, from the weather station of the Max Planck Institute for Biogeochemistry. The recording is
not shipped: `orch data fetch jena`.

The text declares: trend and yearly cycle removed, nonlinear noise reduction (ghkss), Gaussian smoothing of
200 points, every fifth point kept, five delays of 500 of the points that are left. What it leaves open, and
what was chosen here: rows stand on the grid of their times (the file repeats some and lacks others, in gaps
that are filled by straight lines); the trend is a straight line; the yearly cycle is its first two
harmonics; noise reduction has TISEAN's default settings and one iteration, since smoothing over 33 hours
follows. The exponent is estimated as for `jena_published`, which says how it moves with the embedding.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from .analysis.exponent import SlopeSettings
from .base import FloatArray, SeriesError
from .preparation import step
from .raw import JENA
from .recorded import Recorded
from .tables import read_columns

RAW_POINTS = 420_768
"""Ten-minute steps from 2009-01-01 00:10 to 2017-01-01 00:00, both included."""
KNOWN, BEGINNING = 4_000, "43fbb340629ffc06902320204508fc1ea1ddce9b46f3c517863e0da1ec47b9aa"
"""SHA-256 of so many first temperatures, as little-endian doubles."""
YEAR = 365.2425 * 144
"""Steps."""


def read() -> FloatArray:
    """Degrees Celsius on the grid of times, (RAW_POINTS, 1), NaN where the file has no row.

    Raises:
        MissingDataError: the file is not there.
        SeriesError: it is not whole, or does not begin as the recording does.
    """
    path = JENA.found()
    series = temperatures(path, points=RAW_POINTS)
    # No checksum of the file is published; of its first weeks the values are known.
    begins = hashlib.sha256(series[:KNOWN, 0].astype("<f8").tobytes()).hexdigest()
    if begins != BEGINNING or not np.isfinite(series[-1, 0]):
        raise SeriesError(
            f"{path} is not the recording from 2009-01-01 00:10 to 2017-01-01 00:00, whole: "
            "`orch data fetch jena --force` replaces it"
        )
    return series


def temperatures(path: Path, *, points: int) -> FloatArray:
    """The temperature in a file of the station's, on a grid of ten minutes from its first row on.

    Of rows of one time the first counts.

    Raises:
        SeriesError: a time lies off the grid, or beyond `points` steps.
    """
    table = read_columns(path, columns=["T (degC)"], time="Date Time", time_format="%d.%m.%Y %H:%M:%S")
    assert table.times is not None
    place = (table.times - table.times[0]) / 600.0
    wrong = np.flatnonzero((place != np.round(place)) | (place < 0) | (place >= points))
    if len(wrong):
        raise SeriesError(
            f"{path}, row {wrong[0] + 1}: the time is not one of {points:,} ten-minute steps from the first"
        )
    grid = np.full((points, 1), np.nan)
    # Backwards, so that of rows of one time the first is what stays.
    grid[place.astype(np.int64)[::-1]] = table.values[::-1]
    return grid


STEPS = (
    step("fill_gaps", longest=1_000),
    step("detrend", order=1),
    step("remove_cycle", period=YEAR, harmonics=2),
    step("standardise"),
    step("reduce_noise", dimension=5, delay=1, manifold=2, neighbours=50, iterations=1),
    step("smooth", sigma=200.0),
    step("subsample", every=5),
    step("standardise"),
    step("embed", dimension=5, delay=500),
)

JENA_TEMPERATURE = Recorded(
    name="jena",
    description="temperature at Jena 2009-2016, yearly cycle removed, smoothed, in five dimensions by delays",
    source="weather station of the Max Planck Institute for Biogeochemistry; Mikhaeil et al. (2022), A.4",
    variables=tuple(f"T_{i}" for i in range(5)),
    columns=("T",),
    read=read,
    digest=BEGINNING,
    raw_points=RAW_POINTS,
    raw_dt=1.0,
    dt=5.0,
    time_unit="10 min",
    n_points=82_154,
    steps=STEPS,
    slope=SlopeSettings(theiler=500, steps=150, window=(0, 60), dimension=6, delay=500),
    reader_modules=frozenset({__name__}),
)

"""What the paper's own figures show, as numbers.

`published.csv` holds facts read from the vector graphics of the authors' repository,
github.com/DurstewitzLab/ChaosRNN, folder figures/, commit 0e84b300, to about 1e-6: of Lorenz and Rössler, the
only systems that the repository has figures of. Columns: figure (as its file is called), system, measure,
architecture, regime, tau, mean and sem over seeds as plotted, source_file.

What must be known before a curve of one's own is held against them:

- Means are means over the runs that survived (`nanmean`), with standard errors; an empty `sem` often says
  that some runs were dropped.
- Lorenz is (σ, ρ, β) = (10, 38, 8/3), `lorenz63_published` here, not the text's (16, 45.92, 4).
- D_stsp has their bins: very likely 30 a dimension, the box ±2 SD around zero, bin 0 of each dimension
  dropped, one mean and one SD for all columns of Lorenz. The preset `published` does the same.
- Some 0.05 to 0.07 on Lorenz is the floor of that definition, a perfect score; 16 to 17 is its ceiling; 7.18
  to 7.70 on Lorenz is one outcome that recurs.
- Rössler's dashed line of the RNN may pool runs of the PLRNN with it. The flat lines of clipping and the
  sweeps over its threshold are different runs.
- The figure `chaos_gradients_vsT` is exactly exponential, as powers of one matrix are: no estimate of λ_max.

`tau` is what the figure has on its abscissa: τ for `sparse_forcing` (and `sparse_forcing_offpage`, points
beyond the page), None for a flat line; of other regimes a threshold, a window, a truncation length or T.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FORCED = ("sparse_forcing", "sparse_forcing_offpage")
FLAT = {"clipping": "clipping", "windowing": "zero_reset"}
"""Regimes drawn as flat lines → what they are called here."""


@dataclass(frozen=True)
class PublishedPoint:
    """One row of the file."""

    figure: str
    system: str
    measure: str
    architecture: str
    regime: str
    tau: float | None
    mean: float
    sem: float | None
    source_file: str


@dataclass(frozen=True)
class PublishedCurve:
    """One architecture under one regime: points by rising τ, or one level without τ."""

    architecture: str
    """As architectures are called here: `lstm`, `plrnn`, `rnn`."""
    regime: str
    """As regimes are called here: `sparse_forcing`, `clipping`, `zero_reset`."""
    points: tuple[PublishedPoint, ...]


@cache
def read_published() -> tuple[PublishedPoint, ...]:
    """Every row, in the order of the file."""
    with files(__package__).joinpath("published.csv").open(encoding="utf-8") as file:
        return tuple(
            PublishedPoint(
                row["figure"],
                row["system"],
                row["measure"],
                row["architecture"],
                row["regime"],
                float(row["tau"]) if row["tau"] else None,
                float(row["mean"]),
                float(row["sem"]) if row["sem"] else None,
                row["source_file"],
            )
            for row in csv.DictReader(file)
        )


def published_curves(figure: str, regimes: Sequence[str]) -> tuple[PublishedCurve, ...]:
    """The curves over τ of one of the authors' figures, of these regimes; none where it shows none."""
    found: dict[tuple[str, str], list[PublishedPoint]] = {}
    for point in read_published():
        if point.figure != figure:
            continue
        regime = "sparse_forcing" if point.regime in FORCED else FLAT.get(point.regime)
        if regime in regimes and (point.tau is None) == (regime != "sparse_forcing"):
            found.setdefault((point.architecture.lower(), regime or ""), []).append(point)
    return tuple(
        PublishedCurve(architecture, regime, tuple(sorted(points, key=lambda point: point.tau or 0.0)))
        for (architecture, regime), points in sorted(found.items())
    )

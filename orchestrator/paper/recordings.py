"""The paper's figures of recordings: exponents from data, and how the data were prepared."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .. import systems
from ..errors import OrchError
from ..systems.preparation import prepare, time_stretch
from ..systems.raw import RAW_FILES
from .catalogue import Made, PaperFigure

if TYPE_CHECKING:
    from ..reports.figures.paper import Divergence, Preparation
    from ..systems import Recorded
    from .sweeps import SweepMade

RECORDINGS = {
    "jena": "jena",
    "jena_published": "jena_published",
    "eeg": "eegmmidb_s001r01",
    "eeg_published": "eegmmidb_s001r01",
}
"""System → its recording, as `orch data fetch` calls it."""

SNIPPET = 4_000
"""Steps of the recording that are shown."""

REFERENCES = 20_000
"""Points whose neighbours are followed: in slopes the fourth digit differs from that over all points."""

Array = NDArray[np.float64]


def missing_recording(system: str) -> str | None:
    """The command that fetches the recording that a system is made of, where it is not here; else None."""
    name = RECORDINGS.get(system)
    if name is None or RAW_FILES[name].path.is_file():
        return None
    return f"`orch data fetch {name}`"


def make(spec: PaperFigure) -> Made:
    """Figures 3a, 4 and 10, of the first of their systems whose recording is here.

    Raises:
        OrchError: no recording is here; the message has the command that fetches it.
    """
    from ..reports.figures.paper import exponent_figure, preparation_figure

    system = _recording(spec)
    _say(spec, system)
    if spec.kind == "exponents":
        found = divergences(system, spec.dimensions)
        figure = exponent_figure(found, title=system.name, caption=[_of_slopes(system)])
        return Made(figure, (_stands_on(spec, system), *_absent(spec, system)))
    shown = preparation(system, spec.dimensions)
    figure = preparation_figure(shown, title=system.name, caption=_of_preparation(system, shown))
    return Made(figure, (_stands_on(spec, system), *_absent(spec, system)))


def make_with_sweep(spec: PaperFigure, made: "SweepMade") -> Made:
    """Figure 11: the exponent of the recording above what was trained on it, each as far as it is to be had.

    Raises:
        OrchError: neither is.
    """
    from ..reports.figures.paper import exponent_and_sweep_figure, sweep_figure

    try:
        system = _recording(spec)
    except OrchError as error:
        if not made.sweep.distances:
            raise
        return Made(sweep_figure(made.sweep), (*made.said, str(error)))
    _say(spec, system)
    figure = exponent_and_sweep_figure(
        divergences(system, spec.dimensions),
        made.sweep,
        title=system.name,
        caption=[f"(a) {_of_slopes(system)}", "(b) " + made.sweep.caption[0], *made.sweep.caption[1:]],
    )
    return Made(figure, (_stands_on(spec, system), *made.said))


def divergences(system: "Recorded", delays: Sequence[int]) -> list["Divergence"]:
    """The divergence curves in so many delays, with the slope over the system's declared window."""
    from ..reports.figures.paper import Divergence

    found = []
    for m in delays:
        settings = replace(system.slope, dimension=m)
        curve = settings.curve(system.learned(), references=REFERENCES)
        found.append(Divergence(m, curve, settings.slope(curve), m == system.slope.dimension))
    return found


def _recording(spec: PaperFigure) -> "Recorded":
    """The first of the figure's systems whose recording is here."""
    for name in spec.systems:
        if missing_recording(name) is None:
            found = systems.get(name)
            assert isinstance(found, systems.Recorded)
            return found
    commands = " or ".join(command for name in spec.systems if (command := missing_recording(name)))
    raise OrchError(f"figure {spec.number} is of a recording that is not here: {commands} brings it")


def _say(spec: PaperFigure, system: "Recorded") -> None:
    if any(step.name == "reduce_noise" for step in system.steps):
        said = f"orch: preparing {system.name}: noise reduction takes a minute or more …"
        print(said, file=sys.stderr, flush=True)


def _stands_on(spec: PaperFigure, system: "Recorded") -> str:
    return f"figure {spec.number} stands on {system.raw_points} points of {system.name}, no trials"


def _absent(spec: PaperFigure, system: "Recorded") -> list[str]:
    """What a figure of the recording itself lacks where only prepared data are here."""
    if spec.kind != "preparation" or _noisy(system) is not None:
        return []
    command = missing_recording(spec.systems[0])
    return [
        f"figure {spec.number} lacks the recording before its preparation, which {system.name} does not hold"
        + (f": {command} brings it" if command else "")
    ]


def _of_slopes(system: "Recorded") -> str:
    slope = system.slope
    first, last = slope.window or (0, 0)
    return (
        f"{system.name}: mean ln distance of nearest neighbours in m delays of {slope.delay} steps (Theiler "
        f"window {slope.theiler}), and its slope over steps {first} to {last}, per step, with the standard "
        "error over blocks of the series; *: the embedding in which λ_max is read off here. Noise of the "
        "same spectrum has such slopes too, so they are no evidence of chaos: `orch system show` has them."
    )


def _noisy(system: "Recorded") -> int | None:
    """At which step of the preparation noise is reduced; None where that was done before it was recorded."""
    names = [step.name for step in system.preparation]
    return names.index("reduce_noise") if "reduce_noise" in names else None


def preparation(system: "Recorded", dimensions: Sequence[int]) -> "Preparation":
    """What a figure shows of how a recording was prepared, with correlation sums in so many delays."""
    from ..reports.figures.paper import Preparation
    from ..systems.analysis.correlation_dimension import correlation_sum

    measured = system.measured()
    at = _noisy(system)
    every = round(time_stretch(system.preparation))
    count = SNIPPET // every
    recorded: Array | None = None
    first = (len(measured) - count) // 2
    cleaned = measured[first : first + count, 0]
    if at is not None:
        raw = prepare(system.read(), system.preparation[:at])[:, 0]
        # A crop moves the beginning; what is shown begins in the middle, at one time in both.
        cropped = sum(int(s.parameters.get("first", 0)) for s in system.preparation[at:] if s.name == "crop")
        whole = raw[cropped::every]
        # Smoothing takes variance, and the prepared series has SD 1 again: each is in SDs of its own.
        recorded = ((whole - whole.mean()) / whole.std())[first : first + count]
    learned, theiler = system.learned(), system.slope.theiler
    spaces = {m: replace(system.slope, dimension=m).points(learned) for m in dimensions}
    sums = [(m, correlation_sum(points, theiler=theiler)) for m, points in spaces.items()]
    return Preparation(
        recorded=recorded,
        cleaned=np.asarray(cleaned),
        step=float(every) * system.raw_dt,
        sums=sums,
        delays=system.prepared(),
        names=system.variables,
        time_unit=system.time_unit or "steps",
        without="not in the released file" if recorded is None else "",
    )


def _of_preparation(system: "Recorded", shown: "Preparation") -> list[str]:
    steps = "; ".join(map(str, system.steps))
    flat = {m: plateau for m, found in shown.sums if (plateau := found.plateau()) is not None}
    said = "No curve has a plateau to read a dimension off."
    if flat:
        values = ", ".join(f"{plateau.dimension:.2f} (m = {m})" for m, plateau in flat.items())
        others = "" if len(flat) == len(shown.sums) else "; the other curves have none"
        said = f"Plateaus: {values}{others}."
    return [
        f"{system.name}: {steps}.",
        f"(a) {len(shown.cleaned)} points from the middle, each line in SDs of its whole. (b) In m delays of "
        f"{system.slope.delay} steps, Theiler window {system.slope.theiler}, of 30 near pairs or more. "
        f"{said} (c) What is trained on.",
    ]

"""What the paper's figures of attractors show: the network with the median score at each of three τ."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import lookup, systems, trained
from ..errors import OrchError, UsageError
from ..reports import Cell
from ..store import Store
from .catalogue import Made
from .sweeps import settings
from .wanted import Asked, NothingRunError, Wanted, lacks, nothing, read, wanted

if TYPE_CHECKING:
    from ..reports.figures.paper import Portrait

STEPS = 5_000
"""Of the free run, and of the true trajectory: the attractor is filled, and a file of it is small."""


def attractors(asked: Asked) -> Made:
    """Free runs of the networks whose seeds have the median score of their cells.

    Raises:
        OrchError: there are no results, or they come from different code.
    """
    from ..reports.figures.paper import attractor_figure
    from ..reports.measures import MEASURES

    spec = asked.spec
    measure = asked.measure or "d_stsp"
    if not measure.startswith("d_") or measure not in MEASURES:
        raise UsageError(f"--measure {measure}: the seeds are chosen by d_stsp or d_h, or `…_published`")
    want = wanted(asked)
    _check_has_its_networks(asked, want)
    try:
        (contexts,) = read(asked, want, (measure,))
    except NothingRunError:
        raise OrchError(nothing(asked, want)) from None
    taus = want.taus(contexts).get("sparse_forcing", ())
    cells = {
        cell.tau: cell
        for context in reversed(contexts)  # of several settings of the architecture the first
        if context.architecture == spec.architecture
        for cell in context.cells
        if cell.regime == "sparse_forcing"
    }
    if not cells:
        raise OrchError(nothing(asked, want))
    portraits, said, drawn = [], [], set()
    for tau in spec.taus:
        nearest = min(taus, key=lambda one: abs(math.log(one / tau)))
        portrait, stands_on = _portrait(asked, cells.get(nearest), nearest)
        portraits.append(portrait)
        drawn.add(nearest)
        note = "" if nearest == tau else f" (the paper's τ, {tau}, is not in the study)"
        said.append(f"figure {spec.number}, τ = {nearest}: {stands_on}{note}")
    system = systems.get(want.system)
    shown = replace(
        want,
        cells=tuple(
            cell
            for cell in want.cells
            if cell.first.architecture.name == spec.architecture and cell.first.tau in drawn
        ),
        others=(),
    )
    figure = attractor_figure(
        portraits,
        system.trajectory(1, n_points=STEPS),
        variables=system.variables,
        called=f"free run of a network ({spec.architecture})",
        caption=[
            f"{want.system}: a trajectory of {STEPS} steps of the system, and as many of a network that was "
            "trained by sparse forcing and runs freely; τ is meant to be (a) too small, (b) right, (c) too "
            f"large. Shown is the seed with the median {MEASURES[measure].title} of its cell, which is its "
            "score; a run that blew up counts as the worst, and of an even number of seeds it is the better "
            "of the middle two.",
            *settings(contexts),
        ],
    )
    return Made(figure, (*said, *lacks(asked, shown)))


def _check_has_its_networks(asked: Asked, want: Wanted) -> None:
    """Raises UsageError where the study, however much of it is run, has no network that the figure shows."""
    spec = asked.spec
    firsts = [cell.first for cell in want.cells] + [planned.search.first for planned in want.searches]
    forced = {first.architecture.name for first in firsts if first.regime.name == "sparse_forcing"}
    if spec.architecture not in forced:
        has = f"has {', '.join(sorted(forced))}" if forced else "has no sparse forcing"
        raise UsageError(
            f"figure {spec.number} shows {spec.architecture} trained by sparse forcing; {asked.study} {has}"
        )


def _portrait(asked: Asked, cell: Cell | None, tau: int) -> tuple["Portrait", str]:
    """The panel, and what it stands on."""
    from ..reports.figures.paper import Portrait

    title = f"τ = {tau}"
    trial = cell.median_trial if cell is not None else None
    if cell is None or trial is None:
        return Portrait(title, None, "not run yet"), "not run yet"
    stands_on = f"seed {trial.seed}, the median of {len(cell.scores)}, trial {trial.trial_id[:12]}"
    if trial.status == "diverged":
        return Portrait(title, None, f"seed {trial.seed}, the median, diverged in training"), stands_on
    title += f"\nscore {trial.score:.3g}, seed {trial.seed}" + (", blew up" if trial.blown_up else "")
    try:
        with Store(asked.results).reading() as (connection, _):
            row = lookup.find(connection, trial.trial_id)
        run = trained.load(row, asked.results).generate(STEPS)
    except OrchError as error:
        return Portrait(title, None, "its network cannot be had"), f"{stands_on}; {error}"
    return Portrait(title, run), stands_on

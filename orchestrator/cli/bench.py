"""`orch bench`: how fast training is on this machine, and how long studies take here."""

import sys
from typing import Annotated, Any

import typer

from .output import Format, FormatOption, ResultsOption, print_rows


def bench(
    tau: Annotated[list[int] | None, typer.Option(help="Learning intervals; repeatable.", min=1)] = None,
    architecture: Annotated[
        list[str] | None, typer.Option(help="Architectures; repeatable.", show_default="rnn, plrnn, lstm")
    ] = None,
    members: Annotated[int, typer.Option(help="Networks in the stack.", min=1)] = 5,
    length: Annotated[int, typer.Option(help="Sequence length T.", min=1)] = 200,
    rounds: Annotated[int, typer.Option(help="Timed rounds; each times both sides in turn.", min=1)] = 7,
    studies: Annotated[bool, typer.Option(help="Say also how long the shipped studies take here.")] = True,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Time an epoch of training against the usual loop, one network and one step after the other.

    One thread; M 30, R 32, 10 minibatches an epoch. `share` is of what one core can do at most in products.
    """
    from ..bench.ceiling import most_per_second
    from ..bench.side_by_side import Timed, side_by_side
    from ..catalogue import results_folder
    from ..cluster import cpus
    from ..errors import UsageError, did_you_mean
    from ..models import ARCHITECTURES
    from ..worker import prepare

    names = architecture or ["rnn", "plrnn", "lstm"]
    for name in names:
        if name not in ARCHITECTURES:
            raise UsageError(f"no architecture is named '{name}'{did_you_mean(name, ARCHITECTURES)}")
    prepare(threads=1)
    peak = most_per_second()
    found: list[Timed] = []
    for one in side_by_side(names, tau or [5, 30, 200], members=members, length=length, rounds=rounds):
        print(f"orch: {one.architecture} at τ = {one.tau}: {_middle(one.ratios):.3g}×", file=sys.stderr)
        found.append(one)
    by = {one.computed_by for one in found}
    print(f"orch: computed by {'; '.join(sorted(by))}", file=sys.stderr)
    if peak is not None:
        print(f"orch: one core does {peak / 1e9:.0f} GFLOP/s at most", file=sys.stderr)
    columns = [
        "architecture",
        "tau",
        "textbook_s",
        "tuned_s",
        "ours_s",
        "ratio",
        "least",
        "greatest",
        "share",
    ]
    rows: list[list[Any]] = [
        [
            one.architecture,
            one.tau,
            *(round(_middle(times), 5) for times in (one.textbook, one.tuned, one.stack)),
            *(round(value, 1) for value in (_middle(one.ratios), one.ratios.min(), one.ratios.max())),
            None if (share := one.share(peak)) is None else round(share, 3),
        ]
        for one in found
    ]
    print_rows(columns, rows, form)
    if studies:
        _studies(found, names, members, length, cpus(), results_folder(results) / "systems", form)


def _middle(values: Any) -> float:
    import numpy as np

    return float(np.median(values))


def _studies(found: Any, names: Any, members: int, length: int, cores: int, cache: Any, form: Format) -> None:
    from ..bench.studies import evaluation_seconds, expected
    from ..durations import in_words

    print("orch: timing an evaluation of each architecture", file=sys.stderr)
    evaluation = evaluation_seconds(names, members=members, cache=cache)
    written = in_words if form.for_people else round
    rows = [
        [one.name, one.trials, written(one.seconds), written(one.usual_seconds)]
        for one in expected(found, evaluation=evaluation, cores=cores, length=length)
    ]
    cores_said = "one core" if cores == 1 else f"{cores} cores"
    print_rows(["study", "trials", f"time on {cores_said}", "of the usual loop"], rows, form)

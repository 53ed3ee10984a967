"""`orch bench`: how fast training is on this machine, and how long studies take here."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import Format, FormatOption, ResultsOption, print_json, print_mappings

if TYPE_CHECKING:
    from ..bench.side_by_side import Timed
    from ..systems.dataset import Dataset


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

    One thread; M 30, R 32, 10 minibatches an epoch. `share` is of what one core can do at most, in products
    and elementary functions. Hours of studies are without what starting takes, evaluated as Lorenz-63 is.
    """
    from ..catalogue import results_folder
    from ..errors import OrchError, UsageError, did_you_mean
    from ..models import ARCHITECTURES

    names = list(dict.fromkeys(architecture or ["rnn", "plrnn", "lstm"]))
    taus = list(dict.fromkeys(tau or [5, 30, 200]))
    for name in names:
        if name not in ARCHITECTURES:
            raise UsageError(f"no architecture is named '{name}'{did_you_mean(name, ARCHITECTURES)}")
    if studies and form is Format.csv:
        _say("csv holds one table: studies are left out")
        studies = False
    # These take torch, which takes a second: a wrong name is told before.
    from ..bench.ceiling import ceilings
    from ..bench.side_by_side import Timed, side_by_side
    from ..cluster import cpus
    from ..systems.dataset import load
    from ..worker import prepare

    folder = results_folder(results)
    try:  # before the time is spent
        data = load("lorenz63", cache=folder / "systems") if studies else None
    except OSError as error:
        raise OrchError(f"{folder} cannot be written: {error.strerror}") from None
    prepare(threads=1)
    most = ceilings()
    found: list[Timed] = []
    for one in side_by_side(names, taus, members=members, length=length, rounds=rounds):
        _say(f"{one.architecture} at τ = {one.tau}: {_middle(one.ratios):.3g}×")
        found.append(one)
    _say(f"computed by {'; '.join(sorted({one.computed_by for one in found}))}")
    if isinstance(most, str):
        _say(f"what one core does at most is not known: {most}")
    else:
        _say(
            f"one core does {most.operations / 1e9:.0f} GFLOP/s in products and {most.functions / 1e9:.2g} "
            f"billion logistic functions a second, and reads {most.cache / 1e9:.0f} GB/s from its second "
            f"cache and {most.memory / 1e9:.0f} from memory, at most"
        )
    epochs: list[dict[str, Any]] = [
        {
            "architecture": one.architecture,
            "tau": one.tau,
            "textbook_s": round(_middle(one.textbook), 5),
            "tuned_s": round(_middle(one.tuned), 5),
            "ours_s": round(_middle(one.stack), 5),
            "ratio": round(_middle(one.ratios), 1),
            "least": round(one.ratios.min(), 1),
            "greatest": round(one.ratios.max(), 1),
            "share": None if isinstance(most, str) or (share := one.share(most)) is None else round(share, 3),
        }
        for one in found
    ]
    if form is not Format.json or data is None:
        print_mappings(epochs, form)
    if data is not None:
        hours = _studies(found, names, members, length, cpus(), data, form)
        if form is Format.json:
            print_json({"epochs": epochs, "studies": hours})
        else:
            print_mappings(hours, form)


def _say(what: str) -> None:
    print(f"orch: {what}", file=sys.stderr)


def _middle(values: Any) -> float:
    import numpy as np

    return float(np.median(values))


def _studies(
    found: "list[Timed]",
    names: list[str],
    members: int,
    length: int,
    cores: int,
    data: "Dataset",
    form: Format,
) -> list[dict[str, Any]]:
    from ..bench.studies import evaluation_seconds, expected
    from ..durations import in_words

    _say("timing an evaluation of each architecture")
    evaluation = evaluation_seconds(names, members=members, data=data)
    counted, left = expected(found, evaluation=evaluation, cores=cores, length=length)
    for name, why in left.items():
        _say(f"{name} is left out: {why}")
    if not form.for_people:
        return [
            {
                "study": one.name,
                "trials": one.trials,
                "cores": cores,
                "seconds": round(one.seconds),
                "usual_seconds": round(one.usual_seconds),
            }
            for one in counted
        ]
    on_cores = "one core" if cores == 1 else f"{cores} cores"
    return [
        {
            "study": one.name,
            "trials": one.trials,
            f"time on {on_cores}": in_words(one.seconds),
            "of the usual loop": in_words(one.usual_seconds),
        }
        for one in counted
    ]

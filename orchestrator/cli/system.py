"""`orch system`: what systems there are, what is known of them, and their trajectories."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OrchError, UsageError
from .add import add
from .analyse import analyse
from .output import Format, FormatOption, ResultsOption, print_mappings, print_rows
from .series import SeriesOption, check_suffix, write_series

if TYPE_CHECKING:
    from ..systems import System
    from ..systems.dataset import Dataset

app = typer.Typer(help="Systems: their exponents, floors and trajectories.", no_args_is_help=True)

app.command("add")(add)
app.command("analyse")(analyse)

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A system by name; 'lorenz63(rho=40, noise=0.05)' is one with other settings, "
        "which stand in quotes here.",
    ),
]


@app.command("list")
def list_systems(
    compute: Annotated[
        bool, typer.Option("--compute", help="Work out what is not known yet: up to a minute or two each.")
    ] = False,
    dysts: Annotated[
        bool, typer.Option("--dysts", help="Those of the package dysts instead, if it is installed.")
    ] = False,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """List the systems with λ_max, τ_pred and the floor of each measure, as far as they are known here."""
    from .. import systems
    from ..systems.dataset import peek

    cache = _cache(results)
    rows = []
    for name in systems.collected() if dysts else systems.names():
        try:
            system = systems.get(name)
        except systems.DataError as error:  # one description that is not valid must not hide the others
            print(f"orch: {error}", file=sys.stderr)
            continue
        data = peek(system, cache=cache)
        if data is None and compute:
            try:
                data = _load(system, cache)
            except systems.DataError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
        rows.append(_row(system, data))
    if dysts and not rows:
        raise UsageError("the package dysts is not installed: pip install 'orch-dsr[dysts]'")
    # Before anything is computed, most columns are empty.
    print_mappings(rows, form, spare=set(rows[0]) if rows else ())
    unknown = [row["system"] for row in rows if row["lambda_max"] is None]
    if unknown and not compute:
        said = f"{len(unknown)} systems were" if len(unknown) > 1 else f"{unknown[0]} was"
        print(
            f"{said} not computed here yet: --compute, or `orch system show NAME`, does it", file=sys.stderr
        )


@app.command("show")
def show(name: NameArgument, form: FormatOption = Format.table, results: ResultsOption = None) -> None:
    """Print all that is known of a system; computes what is not known yet."""
    system = _get(name)
    data = _load(system, _cache(results))
    spectrum = data.spectrum
    row: dict[str, Any] = {
        "system": system.name,
        "description": system.description,
        "source": system.source,
        "variables": ", ".join(system.variables),
        "parameters": ", ".join(f"{key} = {value:g}" for key, value in system.constants.items()),
        "dt": system.dt,
        "points": system.n_points,
        "standardisation": system.standardisation,
        **_trained_on(system),
        **_recording(system),
        "exponents": ", ".join(
            f"{value:.4g} ± {error:.2g}"
            for value, error in zip(spectrum.exponents, spectrum.standard_errors, strict=True)
        ),
        "method": spectrum.method
        + ("" if system.is_recorded else f" ({spectrum.members} members of time {spectrum.time:g})"),
    }
    if spectrum.other_windows is not None:
        row["lambda_max_read_otherwise"] = "{:.4g} to {:.4g}".format(*spectrum.other_windows)
    if spectrum.surrogates:
        row["lambda_max_of_surrogates"] = (
            f"{min(spectrum.surrogates):.4g} to {max(spectrum.surrogates):.4g}"
            + (": no evidence of chaos, as noise has this slope too" if data.lambda_from == "noise" else "")
        )
    row["tau_pred"] = data.tau_pred
    for preset, values in data.floors.items():
        for measure, floor in values.items():
            known = f"{floor:.4g}" if math.isfinite(floor) else "–"  # too short a series for this measure
            row[f"{measure} ({preset})"] = f"floor {known}, ceiling {data.ceilings[preset][measure]:.4g}"
    if form.for_people:
        print_rows(["field", "value"], [[key, value] for key, value in row.items()], form)
    else:
        print_mappings([row], form)


@app.command("simulate")
def simulate(
    name: NameArgument,
    out: SeriesOption,
    steps: Annotated[
        int | None,
        typer.Option(help="Points of the trajectory; by default as many as are trained on.", min=2),
    ] = None,
    index: Annotated[
        int, typer.Option(help="Which trajectory: 0 is the one trained on, 1 the one tested on.", min=0)
    ] = 0,
) -> None:
    """Write a trajectory in the system's own units, a row per time step."""
    system = _get(name)
    check_suffix(out)
    try:
        series = system.trajectory(index, n_points=steps)
    except ArithmeticError as error:
        raise OrchError(str(error)) from None
    write_series(out, series, system.variables)


def _trained_on(system: "System") -> dict[str, str]:
    """What of the trajectory, where it is not all of it as it is."""
    said = [f"the first {system.trained_points:,} points"] if system.train_points else []
    said += [f"with noise of {system.noise:g} SD of each variable"] if system.noise else []
    return {"trained_on": ", ".join(said)} if said else {}


def _recording(system: "System") -> dict[str, str]:
    """How a recording becomes the data."""
    from ..systems import Recorded

    if not isinstance(system, Recorded):
        return {}
    return {
        "time_unit": system.time_unit,
        **({"parts": str(system.parts)} if system.raw_parts else {}),
        "preparation": "; ".join(map(str, system.steps)),
        "tested_on": f"the last {system.test_points} points" if system.test_points else "the same points",
    }


def _row(system: "System", data: "Dataset | None") -> dict[str, Any]:
    floors = data.floors if data else {}
    return {
        "system": system.name,
        "dimension": system.dimension,
        "dt": system.dt,
        "lambda_max": data.lambda_max if data else None,
        "error": data.lambda_max_standard_error if data else None,
        "tau_pred": data.tau_pred if data else None,
        "lambda_from": data.lambda_from if data else None,
        **{f"floor_{measure}": floors.get("orch", {}).get(measure) for measure in ("d_stsp", "d_h", "psc")},
        "floor_d_stsp_published": floors.get("published", {}).get("d_stsp"),
        "source": system.source,
    }


def _get(name: str) -> "System":
    from .. import systems

    try:
        return systems.get(name)
    except systems.UnknownSystemError as error:
        raise UsageError(str(error)) from None


def _load(system: "System", cache: Path) -> "Dataset":
    from ..systems.dataset import generate, keep, peek

    found = peek(system, cache=cache)
    if found is None:
        print(f"computing {system.name} …", file=sys.stderr, flush=True)
        found = generate(system)
        try:
            keep(found, system, cache=cache)
        except OSError as error:  # what took a minute to compute is shown all the same
            print(
                f"orch: {cache} cannot be written ({error.strerror}): what was computed is not kept",
                file=sys.stderr,
            )
    return found


def _cache(results: Path | None) -> Path:
    from ..catalogue import results_folder

    return results_folder(results) / "systems"

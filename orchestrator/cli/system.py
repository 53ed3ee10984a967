"""`orch system`: what systems there are, what is known of them, and their trajectories."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OrchError, UsageError
from .output import Format, FormatOption, ResultsOption, print_mappings, print_rows
from .series import SeriesOption, check_suffix, write_series

if TYPE_CHECKING:
    from ..systems import System
    from ..systems.dataset import Dataset

app = typer.Typer(help="Systems: their exponents, floors and trajectories.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A system by name.")]


@app.command("list")
def list_systems(
    compute: Annotated[
        bool, typer.Option("--compute", help="Work out what is not known yet: up to a minute or two each.")
    ] = False,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """List the systems with λ_max, τ_pred and the floor of each measure, as far as they are known here."""
    from .. import systems
    from ..systems.dataset import peek

    cache = _cache(results)
    rows = []
    for name in systems.names():
        system = systems.get(name)
        data = _load(name, cache) if compute else peek(name, cache=cache)
        rows.append(_row(system, data))
    print_mappings(rows, form)
    unknown = [row["system"] for row in rows if row["lambda_max"] is None]
    if unknown:
        said = f"{len(unknown)} systems were" if len(unknown) > 1 else f"{unknown[0]} was"
        print(
            f"{said} not computed here yet: --compute, or `orch system show NAME`, does it", file=sys.stderr
        )


@app.command("show")
def show(name: NameArgument, form: FormatOption = Format.table, results: ResultsOption = None) -> None:
    """Print all that is known of a system; computes what is not known yet."""
    system = _get(name)
    data = _load(name, _cache(results))
    row: dict[str, Any] = {
        "system": system.name,
        "description": system.description,
        "source": system.source,
        "variables": ", ".join(system.variables),
        "parameters": ", ".join(f"{key} = {value:g}" for key, value in system.constants.items()),
        "dt": system.dt,
        "points": system.n_points,
        "standardisation": system.standardisation,
        "exponents": ", ".join(
            f"{value:.4f} ± {error:.4f}"
            for value, error in zip(data.spectrum.exponents, data.spectrum.standard_errors, strict=True)
        ),
        "method": f"{data.spectrum.method} ({data.spectrum.members} members of time {data.spectrum.time:g})",
        "tau_pred": data.tau_pred,
    }
    for preset, values in data.floors.items():
        for measure, floor in values.items():
            row[f"{measure} ({preset})"] = f"floor {floor:.4g}, ceiling {data.ceilings[preset][measure]:.4g}"
    if form is Format.table:
        print_rows(["field", "value"], [[key, value] for key, value in row.items()], form)
    else:
        print_mappings([row], form)


@app.command("simulate")
def simulate(
    name: NameArgument,
    out: SeriesOption,
    steps: Annotated[int, typer.Option(help="Points of the trajectory.", min=2)] = 100_000,
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


def _row(system: "System", data: "Dataset | None") -> dict[str, Any]:
    floors = data.floors if data else {}
    return {
        "system": system.name,
        "dimension": system.dimension,
        "dt": system.dt,
        "lambda_max": data.lambda_max if data else None,
        "error": data.lambda_max_standard_error if data else None,
        "tau_pred": data.tau_pred if data else None,
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


def _load(name: str, cache: Path) -> "Dataset":
    from ..systems.dataset import load, peek

    found = peek(name, cache=cache)
    if found is None:
        print(f"computing {name} …", file=sys.stderr, flush=True)
        found = load(name, cache=cache)
    return found


def _cache(results: Path | None) -> Path:
    from ..catalogue import results_folder

    return results_folder(results) / "systems"

"""`orch trial …` and `orch why`: single trials."""

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import OrchError, UsageError
from .output import Format, FormatOption, ResultsOption, print_mappings, print_rows
from .series import SeriesOption, check_suffix, csv_bytes, write_series

app = typer.Typer(help="Single trials: their settings, their networks.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A trial_id, or its first digits.")]


@app.command("show")
def show(trial: IdArgument, form: FormatOption = Format.table, results: ResultsOption = None) -> None:
    """Print all that is known of a trial: settings, outcome, provenance."""
    row = {key: value for key, value in _find(trial, results)[0].items() if value is not None}
    if form is Format.json:
        print_rows(list(row), [list(row.values())], form)
    else:
        wide = 80 if form is Format.table else sys.maxsize
        rows = [[key, _wrapped(value, wide)] for key, value in row.items()]
        print_rows(["field", "value"], rows, form)


@app.command("history")
def history(trial: IdArgument, form: FormatOption = Format.table, results: ResultsOption = None) -> None:
    """Print every row that the journal has of a trial, such as before --retry-stale; the first one counts."""
    from .. import lookup
    from ..store import Store

    row, folder = _find(trial, results)
    with Store(folder).reading() as (connection, _):
        found = lookup.history(connection, folder, row["trial_id"])
    always = {"counts", "finished_at", "status", "d_stsp", "code_fingerprint"}
    told = list(found[0])
    if form is Format.table:  # else it is wider than any terminal
        told = [name for name in told if name in always or len({one[name] for one in found}) > 1]
        found = [{name: _wrapped(value, 36) for name, value in one.items()} for one in found]
    print_mappings([{name: one[name] for name in told} for one in found], form)


@app.command("generate")
def generate(
    trial: IdArgument,
    out: SeriesOption,
    steps: Annotated[int, typer.Option(help="Length of the free run.", min=1)] = 10_000,
    start: Annotated[
        str | None,
        typer.Option(
            help="A value for each variable, such as 1.5,-2,20, in the units that are written: the run goes "
            "on from there. By default from where it was evaluated.",
        ),
    ] = None,
    standardised: Annotated[
        bool, typer.Option("--standardised", help="In units of the training data's SD, not the system's own.")
    ] = False,
    results: ResultsOption = None,
) -> None:
    """Let a trained network run freely and write the trajectory, a row per step."""
    import numpy as np

    from .. import trained

    check_suffix(out)
    point = _point(start)
    network = trained.load(*_find(trial, results))
    series = network.generate(steps, start=point, standardised=standardised)
    write_series(out, series, network.data.variables)
    wrong = np.flatnonzero(~np.isfinite(series).all(axis=1))
    if len(wrong):
        print(f"orch: not finite from step {wrong[0] + 1:,} on", file=sys.stderr)


@app.command("dynamics")
def dynamics(
    trial: IdArgument,
    longest: Annotated[
        int, typer.Option("--period", metavar="K", help="Look for cycles of up to K steps.", min=1, max=1000)
    ] = 1,
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Print the fixed points and cycles of a trained network, with their stability.

    They are looked for by Newton's method from 128 starts; unstable ones, which no run shows, are found as
    well, though not surely all. Where they lie is printed in the units of the system. λ is the largest
    exponent of the cycle, per time unit of the system.
    """
    from .. import trained

    row, folder = _find(trial, results)
    network = trained.load(row, folder)
    what = "diverged in training" if row["status"] == "diverged" else row["dynamics"] or "not recorded"
    said = [f"free run: {what}"]
    if row["net_lambda_max"] is not None:
        said.append(
            f"λ_max {row['net_lambda_max']:.4g} ± {row['net_lambda_max_se']:.2g}, "
            f"of {row['system']} {network.data.lambda_max:.4g}"
        )
    print("; ".join(said), file=sys.stderr)
    columns = ["period", "stability", "multiplier", "lambda", *network.data.variables, "found"]
    rows = [
        [
            cycle.period, cycle.stability, abs(cycle.multipliers[0]), cycle.exponent / network.data.dt,
            *network.observed(cycle.points[:1])[0].tolist(), cycle.found,
        ]
        for cycles in network.cycles(range(1, longest + 1)).values()
        for cycle in cycles
    ]  # fmt: skip
    print_rows(columns, rows, form)


@app.command("export")
def export(
    trial: IdArgument,
    out: Annotated[Path | None, typer.Option(help="Folder to make; trial-ID by default.")] = None,
    results: ResultsOption = None,
) -> None:
    """Write a trial as a folder: parameters (safetensors), settings and outcome (JSON), curves (CSV).

    `network.json` says what it takes to run the network elsewhere: equations, units, start.
    """
    from .. import durable, lookup, trained, weights
    from ..store import Store

    row, folder = _find(trial, results)
    target = out or Path(f"trial-{row['trial_id'][:12]}")
    if target.exists():
        raise UsageError(f"{target} exists already")
    parameters = weights.path_of(folder, row["trial_id"], row["parameters_digest"])
    files: dict[str, bytes] = {}
    if parameters.exists():
        files["parameters.safetensors"] = parameters.read_bytes()
        try:
            network = trained.load(row, folder).described()
            files["network.json"] = json.dumps(network, indent=2, ensure_ascii=False).encode()
        except OrchError as error:
            print(f"orch: without network.json, as {error}", file=sys.stderr)
    with Store(folder).reading() as (connection, _):
        cursor = connection.execute(
            "SELECT epoch, quantity, value FROM curves WHERE trial_id = ? ORDER BY quantity, epoch",
            [row["trial_id"]],
        )
        curves = csv_bytes(["epoch", "quantity", "value"], cursor.fetchall())
    # JSON has no word for ∞, which stands for a floor that there is none of.
    plain = {name: None if isinstance(x, float) and not math.isfinite(x) else x for name, x in row.items()}
    described = {"settings": lookup.settings(row), "row": plain}
    try:
        durable.write(target / "trial.json", json.dumps(described, indent=2, default=str).encode())
        durable.write(target / "curves.csv", curves)
        for name, content in files.items():
            durable.write(target / name, content)
    except OSError as error:
        raise OrchError(f"{target} cannot be written: {error.strerror}") from None
    for path in sorted(target.iterdir()):
        print(f"wrote {path}", file=sys.stderr)
    if not parameters.exists():
        print(f"orch: without its network, which is not in {parameters.parent}", file=sys.stderr)


def _point(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(value) for value in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--start {text}: expected numbers, separated by commas, such as 1.5,-2,20"
        ) from None


def why(
    one: Annotated[str, typer.Argument(metavar="TRIAL", help="A trial_id, or its first digits.")],
    other: Annotated[str, typer.Argument(metavar="TRIAL", help="Another.")],
    form: FormatOption = Format.table,
    results: ResultsOption = None,
) -> None:
    """Print the fields in which two trials differ: settings first, then how the numbers came about."""
    from .. import lookup

    a, b = _find(one, results)[0], _find(other, results)[0]
    found = lookup.differences(a, b)
    if a["trial_id"] == b["trial_id"]:
        print("orch: these are one and the same trial", file=sys.stderr)
    elif not any(part == "identity" for part, *_ in found):
        print("orch: no setting that this version knows differs", file=sys.stderr)
    if found or not form.for_people:
        print_rows(["part", "field", a["trial_id"][:12], b["trial_id"][:12]], found, form)


def _find(trial: str, results: Path | None) -> tuple[dict[str, Any], Path]:
    from .. import lookup
    from ..catalogue import results_folder
    from ..store import Store

    folder = results_folder(results)
    with Store(folder).reading() as (connection, _):
        return lookup.find(connection, trial), folder


def _wrapped(value: Any, width: int) -> Any:
    """Text cut into lines, for JSON without a space in a table."""
    if not isinstance(value, str) or len(value) <= width:
        return value
    return "\n".join(value[i : i + width] for i in range(0, len(value), width))

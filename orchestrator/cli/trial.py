"""`orch trial …` and `orch why`: single trials."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OrchError, UsageError
from .output import Format, FormatOption, ResultsOption, print_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = typer.Typer(help="Single trials: their settings, their networks.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A trial_id, or its first digits.")]
SUFFIXES = (".npy", ".csv", ".parquet")


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


@app.command("generate")
def generate(
    trial: IdArgument,
    out: Annotated[Path, typer.Option(help="File to write: .npy, .csv or .parquet.")],
    steps: Annotated[int, typer.Option(help="Length of the free run.", min=1)] = 10_000,
    standardised: Annotated[
        bool, typer.Option("--standardised", help="In units of the training data's SD, not the system's own.")
    ] = False,
    results: ResultsOption = None,
) -> None:
    """Let a trained network run freely and write the trajectory, a row per step."""
    from .. import durable, lookup

    if out.suffix not in SUFFIXES:
        raise UsageError(f"--out {out}: expected a name that ends in {', '.join(SUFFIXES)}")
    row, folder = _find(trial, results)
    run, variables = lookup.generate(row, folder, steps=steps, standardised=standardised)
    try:
        durable.write(out, _encoded(run, variables, out.suffix))
    except OSError as error:
        raise OrchError(f"{out} cannot be written: {error.strerror}") from None
    print(f"wrote {out}: {len(run)} steps of {', '.join(variables)}", file=sys.stderr)


@app.command("export")
def export(
    trial: IdArgument,
    out: Annotated[Path | None, typer.Option(help="Folder to make; trial-ID by default.")] = None,
    results: ResultsOption = None,
) -> None:
    """Write a trial as a folder: parameters (safetensors), settings and outcome (JSON), curves (CSV)."""
    from .. import durable, lookup, weights
    from ..store import Store

    row, folder = _find(trial, results)
    target = out or Path(f"trial-{row['trial_id'][:12]}")
    if target.exists():
        raise UsageError(f"{target} exists already")
    parameters = weights.path_of(folder, row["trial_id"])
    with Store(folder).reading() as (connection, _):
        cursor = connection.execute(
            "SELECT epoch, quantity, value FROM curves WHERE trial_id = ? ORDER BY quantity, epoch",
            [row["trial_id"]],
        )
        curves = _csv(["epoch", "quantity", "value"], cursor.fetchall())
    described = {"settings": lookup.settings(row), "row": row}
    try:
        durable.write(target / "trial.json", json.dumps(described, indent=2, default=str).encode())
        durable.write(target / "curves.csv", curves)
        if parameters.exists():
            durable.write(target / "parameters.safetensors", parameters.read_bytes())
    except OSError as error:
        raise OrchError(f"{target} cannot be written: {error.strerror}") from None
    for path in sorted(target.iterdir()):
        print(f"wrote {path}", file=sys.stderr)


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


def _encoded(run: "NDArray[np.float64]", variables: list[str], suffix: str) -> bytes:
    import numpy as np

    file = io.BytesIO()
    if suffix == ".npy":
        np.save(file, run, allow_pickle=False)
    elif suffix == ".csv":
        return _csv(variables, run.tolist())
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(dict(zip(variables, run.T, strict=True))), file)
    return file.getvalue()


def _csv(columns: list[str], rows: Any) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()

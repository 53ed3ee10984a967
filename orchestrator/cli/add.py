"""`orch system add`: a series of one's own becomes a system."""

import csv
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import UsageError

if TYPE_CHECKING:
    from ..systems.preparation import Step


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the series is to be called.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="A .csv (or .csv.gz, .tsv, .txt), .npy, .npz, .parquet or .mat file (MATLAB's, saved "
            "with -v7). Several are recordings of one system: nothing goes across the breaks between them.",
        ),
    ],
    columns: Annotated[
        str | None,
        typer.Option(
            help="Columns to take, separated by commas; by default all but the times. Of .npz and .mat files "
            "arrays, and NAME_0, NAME_1 … for columns of one."
        ),
    ] = None,
    dt: Annotated[
        float | None,
        typer.Option(help="Time between rows, in the unit that λ is wanted in; by default from --time."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column that holds times, as numbers or dates; 'index' is a first one without a name.",
        ),
    ] = None,
    time_format: Annotated[
        str | None, typer.Option(help="How dates are written if not 2009-12-31 23:50:00: '%d.%m.%Y %H:%M'.")
    ] = None,
    time_unit: Annotated[
        str,
        typer.Option(
            help="Name of the unit of time, such as s or h. Times that are dates are converted to it: "
            "ms, s, min, h or d; s by default."
        ),
    ] = "",
    decimal: Annotated[
        str, typer.Option(metavar=".|,", help="What stands before the decimals: ',' for 1,25.")
    ] = ".",
    rows: Annotated[
        str | None,
        typer.Option(metavar="FIRST:LAST", help="Take these rows, counted from 1; all by default."),
    ] = None,
    fill_gaps: Annotated[
        int | None,
        typer.Option(
            min=1, help="Fill gaps of up to so many rows by straight lines; else none may be missing."
        ),
    ] = None,
    split_gaps: Annotated[
        bool,
        typer.Option(
            "--split-gaps", help="Take longer gaps, or all, for breaks between recordings of one system."
        ),
    ] = False,
    detrend: Annotated[
        int | None, typer.Option(min=0, help="Take out a polynomial trend of this order.")
    ] = None,
    cycle: Annotated[
        list[float] | None, typer.Option(help="Take out a cycle of this many rows; repeatable.")
    ] = None,
    reduce_noise: Annotated[
        int | None, typer.Option(min=1, help="Nonlinear noise reduction (ghkss), so many iterations.")
    ] = None,
    smooth: Annotated[
        float | None, typer.Option(help="Smooth by a Gaussian with an SD of this many rows.")
    ] = None,
    subsample: Annotated[int | None, typer.Option(min=2, help="Keep one row of so many.")] = None,
    embed: Annotated[
        str | None,
        typer.Option(
            metavar="DIMENSION,DELAY|auto",
            help="Embed a single column by delays; delay in rows that are left.",
        ),
    ] = None,
    test_share: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share at the end to test on; 0 tests on the training data.")
    ] = 0.2,
    description: Annotated[str, typer.Option(help="One line about the series.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a series of this name.")] = False,
) -> None:
    """Register a series of your own as a system: checked, prepared, ready for studies.

    Preparation runs in the order of the options here. It is written to NAME.toml in the data folder
    (ORCH_DATA, or ./data), where other steps and parameters can be set by hand.
    """
    from .. import adding

    added = adding.add(
        name,
        *files,
        columns=_columns(columns),
        dt=dt,
        time=time,
        time_format=time_format,
        time_unit=time_unit,
        decimal=decimal,
        rows=_rows(rows),
        fill_gaps=fill_gaps,
        split_gaps=split_gaps,
        steps=_steps(detrend, cycle, reduce_noise, smooth, subsample),
        embed=_embed(embed),
        test_share=test_share,
        description=description,
        force=force,
    )
    system = added.system
    for path in added.files:
        print(path)
    test = f", {system.test_points:,} to test on" if system.test_points else ", which are tested on, too"
    parts = f" in {len(system.raw_parts)} parts" if system.raw_parts else ""
    print(
        f"{name}: {', '.join(system.variables)}; {system.n_points:,} points to train on{test}{parts}, "
        f"dt {system.dt:g} {system.time_unit}".rstrip(),
        file=sys.stderr,
    )
    for remark in added.remarks:
        print(remark, file=sys.stderr)
    if added.missing:
        rows = f", {added.rows_added} whole rows among them" if added.rows_added else ""
        print(f"{added.missing} missing values are filled in by straight lines{rows}", file=sys.stderr)
    print(
        f"`orch system analyse {name}` says what is in it; "
        f"`orch study new STUDY --system {name} …` begins a study",
        file=sys.stderr,
    )


def _steps(
    detrend: int | None,
    cycles: list[float] | None,
    reduce_noise: int | None,
    smooth: float | None,
    subsample: int | None,
) -> "list[Step]":
    from ..systems.preparation import step

    wanted: list[tuple[str, dict[str, Any]]] = [
        ("detrend", {"order": detrend}),
        *(("remove_cycle", {"period": period}) for period in cycles or []),
        ("reduce_noise", {"iterations": reduce_noise}),
        ("smooth", {"sigma": smooth}),
        ("subsample", {"every": subsample}),
    ]
    try:
        return [step(name, **given) for name, given in wanted if None not in given.values()]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _embed(text: str | None) -> tuple[int, int] | Literal["auto"] | None:
    if text is None or text == "auto":
        return "auto" if text else None
    numbers = re.fullmatch(r"\s*([1-9][0-9]*)\s*,\s*([1-9][0-9]*)\s*", text)
    if numbers is None:
        raise UsageError(f"--embed {text}: expected dimension and delay, such as 5,12, or auto")
    return int(numbers[1]), int(numbers[2])


def _columns(text: str | None) -> list[str]:
    if text is None:
        return []
    names = [name.strip() for name in next(csv.reader([text]), [])]
    if not all(names) or not names:
        raise UsageError(f"--columns {text!r}: expected names of columns, separated by commas")
    return names


def _rows(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    numbers = re.fullmatch(r"([0-9]+):([0-9]+)", text)
    if numbers is None:
        raise UsageError(f"--rows {text}: expected the first and the last row, such as 101:5000")
    return int(numbers[1]), int(numbers[2])

"""Writing a trajectory where a user wants it: .npy, .csv or .parquet, by the name of the file."""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import durable
from ..errors import OrchError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = (".npy", ".csv", ".parquet")

SeriesOption = Annotated[Path, typer.Option("--out", help="File to write: .npy, .csv or .parquet.")]


def check_suffix(out: Path) -> None:
    """Before anything is computed.

    Raises:
        UsageError: the name does not say which format is wanted.
    """
    if out.suffix not in SUFFIXES:
        raise UsageError(f"--out {out}: expected a name that ends in {', '.join(SUFFIXES)}")


def write_series(out: Path, series: "NDArray[np.float64]", variables: Sequence[str]) -> None:
    """Write a series (T, N) whole or not at all, and say so.

    Raises:
        OrchError: the file cannot be written.
    """
    try:
        durable.write(out, _encoded(series, variables, out.suffix))
    except OSError as error:
        raise OrchError(f"{out} cannot be written: {error.strerror}") from None
    print(f"wrote {out}: {len(series)} steps of {', '.join(variables)}", file=sys.stderr)


def _encoded(series: "NDArray[np.float64]", variables: Sequence[str], suffix: str) -> bytes:
    import numpy as np

    file = io.BytesIO()
    if suffix == ".npy":
        np.save(file, series, allow_pickle=False)
    elif suffix == ".csv":
        return csv_bytes(variables, series.tolist())
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(dict(zip(variables, series.T, strict=True))), file)
    return file.getvalue()


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows under a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()

"""The formats in which somebody's series come: text, NumPy's, MATLAB's and Parquet.

Whatever cannot be made sense of raises SeriesError, which says what is wrong, where, and what was expected.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .base import SeriesError
from .table_arrays import from_matlab, from_numpy
from .table_text import from_text

SUFFIXES = (".csv", ".csv.gz", ".txt", ".dat", ".tsv", ".npy", ".npz", ".mat", ".parquet")


def check_there(path: Path) -> None:
    """Refuse a path at which no file is.

    Raises:
        SeriesError: it is a folder, or nothing.
    """
    if path.is_dir():
        raise SeriesError(f"{path} is a folder: expected a file")
    if not path.is_file():
        raise SeriesError(f"{path}: there is no such file")


def read_file(path: Path, *, as_text: Sequence[str] = (), decimal: str = ".") -> dict[str, Any]:
    """Columns by name, as pyarrow or numpy arrays, of several lengths where the file is of arrays.

    Args:
        as_text: columns that are left as the text that they are, where the file is text.
        decimal: what stands before the decimals in text, "." or ",".

    Raises:
        SeriesError: the file cannot be read, or names a column twice.
    """
    import pyarrow as pa

    check_there(path)
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise SeriesError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    try:
        columns = _columns(path, as_text, decimal)
    except (OSError, ValueError, EOFError, pa.ArrowException, zlib.error, zipfile.BadZipFile) as error:
        if isinstance(error, SeriesError):
            raise
        kind = "NumPy array" if name.endswith((".npy", ".npz")) else "table"
        said = (str(error).splitlines() or [""])[0].encode("unicode_escape").decode()[:100]
        raise SeriesError(f"{path} cannot be read as a {kind}: {said}") from None
    names = [name for name, _ in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice == "":
        places = [str(place) for place, name in enumerate(names, start=1) if not name]
        raise SeriesError(f"{path}: columns {' and '.join(places)} have no name: give them names in the file")
    if twice is not None:
        raise SeriesError(f"{path}: two columns are named {twice!r}")
    return dict(columns)


def _columns(path: Path, as_text: Sequence[str], decimal: str) -> list[tuple[str, Any]]:
    import pyarrow.parquet as pq

    name = path.name.lower()
    if name.endswith((".npy", ".npz")):
        return from_numpy(path)
    if name.endswith(".mat"):
        return from_matlab(path)
    parquet = name.endswith(".parquet")
    table = pq.read_table(path) if parquet else from_text(path, as_text=as_text, decimal=decimal)
    return list(zip((column.strip() for column in table.column_names), table.columns, strict=True))

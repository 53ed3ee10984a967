"""Series from files of arrays: NumPy's .npy and .npz, MATLAB's .mat.

An array of a .npz or .mat file is a column, or several, by its name. What can be none is handed on as it is,
and refused where it is asked for (`table_cells.numbers`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from .base import SeriesError

HDF5 = b"\x89HDF\r\n\x1a\n"
"""What HDF5 begins with, in MATLAB's files after 512 bytes of their own."""

Columns = list[tuple[str, Any]]
"""Names, and arrays of (T,) where they are numbers."""


def from_numpy(path: Path) -> Columns:
    """Columns of a file that NumPy wrote: x_1, x_2 … of a single array, else by name.

    Raises:
        SeriesError: a single array is not (time, variables).
        OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error: it cannot be read.
    """
    with path.open("rb") as file:  # NumPy leaves one that it cannot read open
        found = np.load(file, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return _from_one(found, path)
        return _from_many((name, _member(found, name)) for name in found.files)


def from_matlab(path: Path) -> Columns:
    """Columns of a .mat file of MATLAB's, by name.

    Raises:
        SeriesError: it cannot be read.
    """
    from scipy.io import loadmat

    with path.open("rb") as file:
        if HDF5 in file.read(512 + len(HDF5)):
            raise SeriesError(
                f"{path} is HDF5, as MATLAB saves with -v7.3, which is not read here: save it with -v7, or "
                "as CSV"
            )
    try:
        found = loadmat(path, appendmat=False)
    except Exception as error:  # of whatever kind, where a file is damaged
        said = (str(error).splitlines() or [""])[0].encode("unicode_escape").decode()[:100]
        raise SeriesError(
            f"{path} cannot be read as MATLAB's: {said}; expected what MATLAB saves with -v7"
        ) from None
    return _from_many((name, array) for name, array in found.items() if not name.startswith("__"))


def _from_one(array: Any, path: Path) -> Columns:
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise SeriesError(
            f"{path} holds {array.dtype} of shape {array.shape}: expected numbers (time, variables)"
        )
    if array.shape[1] > array.shape[0]:
        raise SeriesError(f"{path} has shape {array.shape}: expected (time, variables), transpose it")
    return [(f"x_{i + 1}", array[:, i]) for i in range(array.shape[1])]


def _member(archive: Any, name: str) -> Any:
    try:
        return archive[name]
    except ValueError:  # Python objects, which are not loaded
        return np.array(None)


def _from_many(arrays: Iterable[tuple[str, Any]]) -> Columns:
    columns: Columns = []
    for name, found in arrays:
        # Sparse matrices, too, are objects to NumPy.
        array = found if isinstance(found, np.ndarray) else np.array(found, dtype=object)
        if array.dtype.kind in "fiumM" and array.ndim <= 2 and array.size == max(array.shape, default=1) > 0:
            columns.append((name, _vector(array.ravel())))
        elif array.dtype.kind in "fiu" and array.ndim == 2 and array.shape[0] >= array.shape[1] > 0:
            columns += [(f"{name}_{i}", array[:, i]) for i in range(array.shape[1])]
        else:
            columns.append((name, array))
    return columns


def _vector(array: Any) -> Any:
    """(T,) of numbers as it is; of NumPy's dates as pyarrow's, like those of other files."""
    import pyarrow as pa

    if array.dtype.kind not in "mM":
        return array
    unit, _ = np.datetime_data(array.dtype)
    plain = unit if unit in ("s", "ms", "us", "ns") else "ns" if unit in ("ps", "fs", "as") else "s"
    return pa.chunked_array([pa.array(array.astype(f"{array.dtype.kind}8[{plain}]"))])

"""Arrays and metadata in one file, read whole or not at all, written whole or not at all.

The file is an uncompressed .npz without pickled objects; metadata are JSON, as bytes, in the entry
`metadata`. Written under a temporary name in the same folder, fsynced and renamed: processes that race
leave one whole file, and one that dies leaves at most a hidden `.tmp`. Reading checks the CRC of every
entry.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_METADATA = "metadata"

_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error)
"""What damage can raise, by where it strikes: file, zip directory, array header, JSON."""


def read(path: Path, *, content_hash: str) -> tuple[dict[str, FloatArray], dict[str, Any]] | None:
    """Arrays and metadata; None if there is no such file, it is damaged, or it holds another hash."""
    try:
        # Opened here, since np.load leaks the file that it opened itself where the content is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            metadata: dict[str, Any] = json.loads(archive[_METADATA].tobytes())
            if metadata["content_hash"] != content_hash:
                return None
            arrays = {key: archive[key] for key in archive.files if key != _METADATA}
    except _DAMAGE:
        return None
    return arrays, metadata


def is_whole(path: Path) -> bool:
    """Whether all of a file can be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return all(archive[key] is not None for key in archive.files)
    except _DAMAGE:
        return False


def write(
    path: Path, *, content_hash: str, arrays: Mapping[str, FloatArray], metadata: Mapping[str, Any]
) -> None:
    """Put both in `path`, in place of what is there. Raises OSError if the folder cannot be written."""
    text = json.dumps({**metadata, "content_hash": content_hash})
    entries: dict[str, Any] = {**arrays, _METADATA: np.frombuffer(text.encode(), dtype=np.uint8)}
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, **entries)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private; a results folder may be shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

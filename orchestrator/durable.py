"""Files that are there whole or not at all, whatever is killed and whenever."""

import contextlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write(target: Path, content: bytes | Callable[[BinaryIO], object], *, sync: bool = True) -> None:
    """Write a file under a temporary name, fsync it, rename it, and fsync its folder.

    Args:
        content: the bytes, or a function that writes them into an open file.
        sync: whether it is to outlive a machine that stops; what the next second replaces need not.

    Raises:
        OSError: the disk is full or the folder cannot be written; no partial file is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong is raised, not that nothing can be tidied
            temporary.unlink(missing_ok=True)
        raise
    if sync:
        _fsync_folder(target.parent)


def _fsync_folder(folder: Path) -> None:
    """Make the rename itself durable (a no-op where folders cannot be opened, as on Windows)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

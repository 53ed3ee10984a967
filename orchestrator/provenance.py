"""What produced a number: code version and commit, packages, host."""

import platform
import socket
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from . import __version__
from .identity import canonical_json

PACKAGES = ("torch", "numpy", "scipy", "ray", "optuna", "duckdb", "pyarrow")


@cache
def collect() -> dict[str, Any]:
    """Columns of a trial's row that say where it came from; the same for the life of a process."""
    commit, dirty = _commit(Path(__file__).resolve().parent)
    return {
        "code_version": __version__,
        "code_commit": commit,
        "code_dirty": dirty,
        "host": socket.gethostname(),
        "packages": canonical_json({"python": platform.python_version(), **_versions()}),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit(package: Path) -> tuple[str | None, bool | None]:
    """Commit and whether the tree differs from it; (None, None) outside a checkout of this project."""
    root = package.parent
    if not (root / ".git").exists() or not (root / "pyproject.toml").exists():
        return None, None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit, bool(_git(root, "status", "--porcelain"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()

"""What produced a number: the code's fingerprint, commit and uncommitted changes, packages, host.

The fingerprint is of what the modules that shape a result say, not of how they are laid out: comments,
docstrings and white space have no part in it. Code that changed makes old results `stale`, which plans and
reports tell; it never makes them run again.
"""

import contextlib
import hashlib
import platform
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from . import __path__ as rooms
from . import __version__, systems
from .identity import Trial, canonical_json
from .models import ARCHITECTURES
from .models.regimes import REGIMES
from .systems.collected import MODULES as COLLECTION
from .systems.substance import substance

PACKAGES = ("torch", "numpy", "scipy", "ray", "optuna", "duckdb", "pyarrow", "safetensors")

LARGE_BYTES = 1_000_000
"""An untracked file that is larger is no code."""

SHAPING = (
    "models",
    "systems",
    "compiler.py",
    "diagnostics.py",
    "evaluation.py",
    "settings.py",
    "training_run.py",
    "trial.py",
)
"""Folders and files of the package in which a change can change a result."""

SOURCES = (".py", ".c", ".h")

DESCRIBING = ("systems/analysis/", "systems/own.py", "systems/raw.py", "systems/table")
"""Modules among them that bring and describe data, which are known by their content,"""
MEASURING = tuple(
    f"systems/analysis/{name}"
    for name in (
        "correlation_dimension.py",
        "mutual_information.py",
        "near_pairs.py",
        "near_pairs.c",
        "neighbours.py",
    )
)
"""but for these, which the measure of the correlation dimension stands on."""


@cache
def collect() -> dict[str, Any]:
    """Columns of a trial's row that say where it came from; the same for the life of a process."""
    commit, changes = _commit(Path(__file__).resolve().parent)
    return {
        "code_version": __version__,
        "code_commit": commit,
        "code_dirty": None if changes is None else bool(changes),
        "code_changes": changes or None,
        "host": socket.gethostname(),
        "packages": packages(),
    }


def packages(**others: str) -> str:
    """Versions of what computes, as JSON; with others, as what computed losses and gradients (`training`) and
    free runs (`free_runs`), where that is known.
    """
    known = {what: said for what, said in others.items() if said}
    return canonical_json({"python": platform.python_version(), **_versions(), **known})


def card(device: str) -> dict[str, str]:
    """Where a GPU computes: its name, and the version of CUDA."""
    if not device.startswith("cuda"):
        return {}
    import torch

    return {"gpu": torch.cuda.get_device_name(), "cuda": str(torch.version.cuda)}


def fingerprint(trial: Trial) -> str:
    """What the code that shapes a trial's result says, as four hashes: `shared-system-architecture-regime`.

    Two trials of one context come from the same code where the first three are equal, two of one cell
    where all are. Of systems, architectures and regimes only the trial's own enter: a new one leaves
    old results as they are.
    """
    return _fingerprint(trial.system, type(trial.architecture), type(trial.regime))


def code_of(trials: Iterable[Trial]) -> dict[str, str]:
    """What the code that shapes these trials says, by what it is of; what all have in common as `shared`."""
    found: dict[str, str] = {}
    for trial in trials:
        names = ("shared", trial.system, trial.architecture.name, trial.regime.name)
        found.update(zip(names, fingerprint(trial).split("-"), strict=True))
    return found


@cache
def _fingerprint(system: str, architecture: type, regime: type) -> str:
    others = set().union(*map(_system_modules, systems.shipped()), map(_file, COLLECTION))
    others = others.union(*map(_class_modules, (*ARCHITECTURES.values(), *REGIMES.values())))
    shared = set(_modules()) - others
    parts = (shared, _system_modules(system), _class_modules(architecture), _class_modules(regime))
    return "-".join(map(_hash, parts))


def _hash(names: set[str]) -> str:
    modules = _modules()
    said = "\0".join(f"{name}\0{modules[name]}" for name in sorted(names & set(modules)))
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def _system_modules(name: str) -> set[str]:
    own_file = {f"systems/{name}.py"} if name in systems.shipped() else set()
    return own_file | set(map(_file, systems.get(name).modules))


def _class_modules(leaf: type) -> set[str]:
    """Files of an architecture or regime, and of what it stands on: an unrolling bears its name, and folders
    that serve it alone are declared."""
    bases = [Path(_file(base.__module__)) for base in leaf.__mro__ if base.__module__.startswith(__package__)]
    names = {base.name for base in bases}
    room = bases[0].parts[0]
    folders = tuple(f"{folder}/" for folder in getattr(leaf, "modules", ()))
    return {
        file
        for file in _modules()
        if file.startswith(folders) or (file.startswith(f"{room}/") and Path(file).name in names)
    }


def _file(module: str) -> str:
    """'orchestrator.models.rnn' → 'models/rnn.py'."""
    return "/".join(module.split(".")[1:]) + ".py"


@cache
def _modules() -> dict[str, str]:
    """File → substance, of everything that can shape a result; registries only list."""
    files: dict[str, Path] = {}
    for name in SHAPING:
        for room in map(Path, rooms):
            folder = room / name
            found = [f for end in SOURCES for f in folder.rglob(f"*{end}")] if folder.is_dir() else [folder]
            files |= {path.relative_to(room).as_posix(): path for path in found if path.is_file()}
    return {
        name: (substance if name.endswith(".py") else _substance_of_c)(
            files[name].read_text(encoding="utf-8")
        )
        for name in sorted(files)
        if not name.endswith(("__init__.py", "registry.py"))
        and (name in MEASURING or not name.startswith(DESCRIBING))
    }


def _substance_of_c(source: str) -> str:
    """C without comments and layout; strings, which hold neither here, are not looked for."""
    bare = re.sub(r"/\*.*?\*/|//[^\n]*", " ", source, flags=re.DOTALL)
    return re.sub(r"[ \t]+", " ", re.sub(r"\s*\n\s*", "\n", bare)).strip()


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit(package: Path) -> tuple[str | None, str | None]:
    """Commit, and a hash of what the tree changes in it ('' for nothing); (None, None) outside a checkout."""
    root = package.parent
    if not (root / ".git").exists() or not (root / "pyproject.toml").exists():
        return None, None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "diff", "HEAD", "--binary")
        for name in _git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0"):
            if name:
                changed += f"\n{name}\n{_digest_of(root / name)}"
    except (OSError, subprocess.SubprocessError):
        return None, None
    return commit, hashlib.sha256(changed.encode()).hexdigest()[:16] if changed else ""


def _digest_of(path: Path) -> str:
    """What tells an untracked file from another; of folders, links to nowhere and large files the least."""
    try:
        if path.is_file() and path.stat().st_size <= LARGE_BYTES:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{path.stat().st_size} bytes"
    except OSError:
        return "unreadable"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, timeout=10, check=True)
    return done.stdout.decode(errors="replace").strip()


class PeakMemory:
    """Most memory of this process since it was made, in MiB; of the GPU where one is used."""

    def __init__(self, device: str) -> None:
        self._gpu = device.startswith("cuda")
        if self._gpu:
            import torch

            torch.cuda.reset_peak_memory_stats()
        else:
            # Linux forgets the peak of earlier stacks on request; elsewhere it is the process's.
            with contextlib.suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")

    def read(self) -> float:
        """MiB at the peak."""
        if self._gpu:
            import torch

            return torch.cuda.max_memory_allocated() / 2**20
        with contextlib.suppress(OSError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return float(line.split()[1]) / 2**10
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)

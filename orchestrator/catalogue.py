"""Finding studies by name or path, and writing new ones."""

import json
import os
import shlex
import tomllib
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from . import durable
from .errors import OrchError, StudyError, UsageError, did_you_mean

RESERVED = {"figure", "studies"}
"""Names that `orch report` has for something else."""


def results_folder(option: Path | None = None) -> Path:
    """`--results DIR`, else `ORCH_RESULTS`, else `results/` under the working directory; absolute."""
    chosen = option or os.environ.get("ORCH_RESULTS") or "results"
    return Path(chosen).expanduser().absolute()


def results_option(results: Path) -> str:
    """' --results DIR', as a command needs it that is to find this folder; '' where it would anyway."""
    return "" if results == results_folder() else f" --results {shlex.quote(str(results))}"


def shipped_folder() -> Path:
    """The folder of the studies that come with the tool."""
    return Path(str(package_files("orchestrator.studies")))


def available() -> dict[str, Path]:
    """Study name → file: those shipped, and before them those in `./studies/`."""
    found: dict[str, Path] = {}
    for folder in (shipped_folder(), Path("studies")):
        if folder.is_dir():
            found.update({path.stem: path for path in sorted(folder.glob("*.toml"))})
    return dict(sorted(found.items()))


def find(name: str) -> Path:
    """The file of a study, by name or by path.

    Raises:
        StudyError: there is none; names what is near.
    """
    if name.endswith(".toml") or "/" in name or os.sep in name:
        path = Path(name).expanduser()
        if path.is_dir():
            raise StudyError(name, ["is a folder, not a study file"])
        if not path.is_file():
            raise StudyError(name, ["there is no such file"])
        return path
    studies = available()
    if name not in studies:
        raise StudyError(f"study '{name}'", [f"there is none of that name{did_you_mean(name, studies)}"])
    return studies[name]


def hides_shipped(name: str) -> Path | None:
    """The file in `./studies/` that has the name of a shipped study, and says something else."""
    shipped, found = shipped_folder() / f"{name}.toml", available().get(name)
    if found is None or not shipped.is_file() or found.read_bytes() == shipped.read_bytes():
        return None
    return found


def new(name: str, declaration: dict[str, Any], *, folder: Path | None = None) -> Path:
    """Write a study file `NAME.toml` into `folder` (`./studies/`), which must not exist yet.

    Raises:
        UsageError: the name is no file name, or the file exists.
        StudyError: the declaration is not a valid study; nothing was written.
    """
    from .study import from_declaration

    if not name.replace("_", "").replace("-", "").isalnum():
        raise UsageError(f"'{name}' cannot name a study: letters, digits, '_' and '-' only")
    path = (folder or Path("studies")) / f"{name}.toml"
    if name in RESERVED:
        raise UsageError(f"'{name}' is a command of `orch report`: choose another name")
    if path.exists():
        raise UsageError(f"{path} exists already")
    if (shipped_folder() / f"{name}.toml").exists():
        raise UsageError(f"'{name}' is a study that ships with the tool: choose another name")
    from_declaration(name, declaration, source=f"orch study new {name}")
    text = _toml(declaration)
    try:
        tomllib.loads(text)
        text.encode()
    except (tomllib.TOMLDecodeError, UnicodeEncodeError) as error:
        raise UsageError(f"this cannot stand in a study file: {error}") from None
    try:
        durable.write(path, text.encode())
    except OSError as error:
        raise OrchError(f"{path} cannot be written: {error.strerror}") from None
    return path


def _toml(declaration: dict[str, Any]) -> str:
    """TOML of a declaration: scalars and lists first, then tables, one level of nesting in names."""
    lines = [f"{key} = {_value(value)}" for key, value in declaration.items() if not isinstance(value, dict)]
    for key, table in declaration.items():
        if not isinstance(table, dict):
            continue
        nested = {name: inner for name, inner in table.items() if isinstance(inner, dict)}
        for name, inner in nested.items() if nested else [("", table)]:
            lines += ["", f"[{key}.{name}]" if name else f"[{key}]"]
            lines += [f"{field} = {_value(value)}" for field, value in inner.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    # JSON's strings, numbers, booleans and flat lists are TOML's too.
    return json.dumps(value, ensure_ascii=False)

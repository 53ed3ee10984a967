"""`orch data`: recordings of others that systems are made from."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError, did_you_mean
from .output import Format, FormatOption, print_mappings

app = typer.Typer(help="Recordings of others that systems are made from.", no_args_is_help=True)

LINE_SECONDS = 15.0
"""How often a plain log says how far a download is."""


@app.command("list")
def list_recordings(form: FormatOption = Format.table) -> None:
    """List the recordings, with the path of those that are here; the folder is ORCH_DATA, or ./data."""
    from ..systems.raw import RAW_FILES

    rows = [
        {
            "name": raw.name,
            "file": raw.file,
            "size": raw.size,
            "here": str(raw.path) if raw.path.is_file() else None,
            "licence": raw.licence,
        }
        for raw in RAW_FILES.values()
    ]
    print_mappings(rows, form)


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recording, as `orch data list` calls it.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Take this copy, plain or in a .zip or .gz, instead of a download."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Even if it is here and sound.")] = False,
) -> None:
    """Download a recording and check it; a download that was interrupted goes on where it was."""
    from .. import fetch as fetching
    from ..systems.raw import RAW_FILES

    if name not in RAW_FILES:
        raise UsageError(f"no recording is called '{name}'{did_you_mean(name, RAW_FILES)}")
    raw = RAW_FILES[name]
    shown = _Shown()
    try:
        path = fetching.fetch(raw, source=source, force=force, progress=shown)
    except KeyboardInterrupt:
        shown.stop()
        part = fetching.part_of(raw)
        kept = (
            f"{part} is kept, and the same command goes on from there"
            if part.is_file()
            else "nothing is kept"
        )
        print(f"orch: interrupted; {kept}", file=sys.stderr)
        raise typer.Exit(130) from None
    finally:
        shown.stop()
    print(f"{path}: {raw.description}\nlicence: {raw.licence}\ncite: {raw.cite}", file=sys.stderr)


class _Shown:
    """A bar on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None, visible=False)
        self._last_line = time.monotonic()

    def note(self, text: str) -> None:
        self._bar.update(self._task, visible=False)
        self._bar.console.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)

    def at(self, done: int, total: int | None) -> None:
        self._bar.start()
        self._bar.update(self._task, completed=done, total=total, visible=True)
        if self._bar.disable and time.monotonic() - self._last_line >= LINE_SECONDS:
            self._last_line = time.monotonic()
            self.note(f"  {done / 1e6:.1f} MB" + (f" of {total / 1e6:.1f}" if total else ""))

    def stop(self) -> None:
        self._bar.stop()

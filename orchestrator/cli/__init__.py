"""The command line: a thin skin. Each command parses, calls the library, prints.

Data go to stdout, progress and messages to stderr. What the library raises for a user to mend is
printed as it stands, without a traceback.
"""

import errno
import gc
import io
import logging
import os
import sys
import warnings
from typing import Annotated

import typer

from ..errors import OrchError
from . import bench, data, db, report, serve, sql, study, system, trial

app = typer.Typer(
    name="orch",
    help="Declare and run sweeps of RNN training on chaotic data; keep and compare every result.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(study.app, name="study")
app.add_typer(report.app, name="report")
app.command("serve")(serve.serve)
app.command("sql")(sql.sql)
app.add_typer(system.app, name="system")
app.add_typer(trial.app, name="trial")
app.command("why")(trial.why)
app.add_typer(data.app, name="data")
app.add_typer(db.app, name="db")
app.command("bench")(bench.bench)


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options before any command."""


def main() -> None:
    """Entry point of `orch`."""
    # What a command reads it keeps to its end; looking for cycles among 100,000 rows takes a tenth of it.
    gc.set_threshold(200_000, 20, 20)
    _fit_to_terminal()
    # Where there is no home folder it warns of the one that it makes.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    code = _run()
    if "ray" in sys.modules:
        # Ray keeps references into extension modules alive, whose checks at the interpreter's end then
        # print pages of warnings. Ray is shut down by now and every file is closed: end here.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _fit_to_terminal() -> None:
    """See that what is printed arrives, whatever the environment says of the place that it goes to."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A `?` for a τ is better than no table. What programs read is UTF-8 anyhow: see `output`.
        sys.stdout.reconfigure(errors="replace")
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) == 0:  # of terminals that do not know; Rich would print nothing
        del os.environ["COLUMNS"]


def _run() -> int:
    warnings.showwarning = lambda message, *_: print(f"orch: {message}", file=sys.stderr)
    try:
        try:
            app()
        except SystemExit as end:
            sys.stdout.flush()
            return end.code if isinstance(end.code, int) else 0
    except OrchError as error:
        print(f"orch: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("orch: interrupted; what had finished is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Python would complain when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            raise
        print(f"orch: the output cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        # What systems raise for a user to mend, without loading them for commands that need none.
        systems = sys.modules.get("orchestrator.systems")
        if systems is None or not isinstance(error, systems.DataError):
            raise
        print(f"orch: {error}", file=sys.stderr)
        return 1
    return 0

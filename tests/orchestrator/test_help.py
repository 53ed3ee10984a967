"""Every command and option says what it does; what is light stays light."""

import re
import subprocess
import sys

import typer.main

from orchestrator import schema
from orchestrator.cli import app


def walk(command, name="orch"):
    yield name, command
    for child, sub in getattr(command, "commands", {}).items():
        yield from walk(sub, f"{name} {child}")


def test_every_command_argument_and_option_has_help():
    for name, command in walk(typer.main.get_command(app)):
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_help_of_sql_names_every_table_and_view():
    help_ = dict(walk(typer.main.get_command(app)))["orch sql"].help
    named = re.findall(r"\w+", re.sub(r"\(.*?\)", "", help_, flags=re.DOTALL))
    assert set(schema.tables()) <= set(named)


def test_help_sql_and_plans_do_not_import_torch_or_ray():
    code = (
        "import sys, orchestrator.cli, orchestrator.store, orchestrator.plan, orchestrator.provenance, "
        "orchestrator.study, orchestrator.begun; "
        "print([m for m in ('torch', 'ray', 'scipy', 'matplotlib', 'optuna') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

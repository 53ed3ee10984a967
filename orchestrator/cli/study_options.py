"""What the commands on studies share: options, and how they speak."""

import sys
from typing import Annotated

import typer

StudyArgument = Annotated[
    str, typer.Argument(help="A study by name, or the path of its file.", metavar="STUDY")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Override a key of the study: training.epochs=500. Repeatable.", metavar="KEY=VALUE"
    ),
]
RetryFailedOption = Annotated[bool, typer.Option("--retry-failed", help="Run trials again that failed.")]
RetryStaleOption = Annotated[
    bool,
    typer.Option(
        "--retry-stale", help="Run trials again that other code made; what it made stays in the journal."
    ),
]


def say_which(study: str) -> None:
    """Say so where a name that ships with the tool stands for a file of the user's."""
    from ..catalogue import hides_shipped

    if own := hides_shipped(study):
        say(f"{study} is {own} here, not the study of this name that ships with the tool")


def say(text: str) -> None:
    """A line to the user, who may have sent stdout elsewhere."""
    print(text, file=sys.stderr, flush=True)

"""Errors that are a user's to mend: shown as one clear message, without a traceback."""

import difflib
from collections.abc import Iterable


class OrchError(Exception):
    """Something the user can mend. `exit_code` is what the command line returns."""

    exit_code = 1


class StudyError(OrchError):
    """A study that cannot be run as it is declared; holds every problem found, one line each."""

    exit_code = 2

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))


class UsageError(OrchError):
    """A command that cannot be carried out as it was typed."""

    exit_code = 2


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'lorenz63'?`, or what there is to choose from."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.55)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there is {', '.join(known)}" if known else ""

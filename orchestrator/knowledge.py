"""What is known of the trials of a search: each trial, evaluations of τ made of them, and the best τ."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from statistics import fmean
from typing import NamedTuple

from .splitting import split

MOST_OF_ONE_TAU = 3
"""Evaluations of one τ that a search asks for, or counts: further seeds would tell little of where others
are."""

SMALLEST_SCORE = 1e-6
"""D_stsp has no logarithm at 0."""


def log_score(score: float) -> float:
    """ln D_stsp."""
    return math.log(max(score, SMALLEST_SCORE))


class Seen(NamedTuple):
    """What is known of one trial of a searched cell."""

    tau: int
    seed: int
    score: float | None
    """D_stsp, the ceiling where it blew up; of a pruned one as far as it was trained. None where it
    failed."""
    status: str
    at: float = 0.0
    """When it ended, in seconds since 1970: the order in which evaluations are told."""
    course: Mapping[int, float] = {}
    """Epoch → D_stsp there, the ceiling where the free run was unbounded."""
    fingerprint: str | None = None
    """Of the code that made its row, where that is known."""


@dataclass(frozen=True)
class Evaluation:
    """One τ with a block of seeds."""

    tau: int
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    """Of the seeds that have one."""
    pruned: bool
    at: float

    @property
    def value(self) -> float | None:
        """Mean of ln D_stsp; None where all failed."""
        logs = self.logs
        return fmean(logs) if logs else None

    @property
    def logs(self) -> list[float]:
        """ln D_stsp of each."""
        return [log_score(score) for score in self.scores]


@dataclass(frozen=True)
class Proposal:
    """A τ to be evaluated."""

    tau: int
    seeds: tuple[int, ...]


@dataclass
class Knowledge:
    """All trials of a search that have ended, and those that were asked for and have not."""

    seen: dict[tuple[int, int], Seen] = field(default_factory=dict)
    """By τ and seed."""
    pending: set[tuple[int, int]] = field(default_factory=set)
    """τ and seed of trials that were asked for: under way, or left behind by a run that was killed."""
    outdated: int = 0
    """Trials that have a result, which other code made, and that are to be run again."""

    def add(self, trials: Iterable[Seen]) -> None:
        """Take in trials that have ended."""
        for trial in trials:
            self.seen[trial.tau, trial.seed] = trial
            self.pending.discard((trial.tau, trial.seed))

    def blocks(self, size: int) -> list[tuple[int, tuple[int, ...]]]:
        """τ and about `size` seeds of every evaluation, done or not, each seed in one.

        The seeds of a τ are cut into even blocks by their rank, whoever asked for them.
        """
        by_tau: dict[int, list[int]] = {}
        for tau, seed in sorted(self.seen.keys() | self.pending):
            by_tau.setdefault(tau, []).append(seed)
        return [(tau, tuple(block)) for tau, seeds in by_tau.items() for block in split(seeds, size)]

    def evaluations(self, size: int) -> list[Evaluation]:
        """Blocks all of whose seeds have ended, in the order in which they did."""
        found = []
        for tau, seeds in self.blocks(size):
            if all((tau, seed) in self.seen for seed in seeds):
                trials = [self.seen[tau, seed] for seed in seeds]
                scores = tuple(trial.score for trial in trials if trial.score is not None)
                pruned = any(trial.status == "pruned" for trial in trials)
                found.append(Evaluation(tau, seeds, scores, pruned, max(trial.at for trial in trials)))
        return sorted(found, key=lambda evaluation: (evaluation.at, evaluation.tau, evaluation.seeds))

    def under_way(self, size: int) -> list[int]:
        """The τ of every evaluation that is not done."""
        return [tau for tau, seeds in self.blocks(size) if any((tau, seed) in self.pending for seed in seeds)]

    def count(self, size: int) -> int:
        """Evaluations, done or not; of one τ no more than MOST_OF_ONE_TAU."""
        numbers = Counter(tau for tau, _ in self.blocks(size))
        return sum(min(number, MOST_OF_ONE_TAU) for number in numbers.values())

    def exhausted(self, size: int) -> set[int]:
        """The τ that have had all the seeds that a search spends on one."""
        numbers = Counter(tau for tau, _ in self.blocks(size))
        return {tau for tau, number in numbers.items() if number >= MOST_OF_ONE_TAU}

    def next_seeds(self, tau: int, *, first: int, count: int) -> tuple[int, ...]:
        """The first seeds that were not yet spent on a τ."""
        spent = {seed for known, seed in self.seen.keys() | self.pending if known == tau}
        return tuple(islice((seed for seed in itertools.count(first) if seed not in spent), count))

    def best(self) -> list[Seen]:
        """The trials of the τ with the lowest mean of ln D_stsp, as far as they were trained to the end.

        What was given up counts in the mean, as it was then, lest the seeds that were not win by luck.
        """
        scored: dict[int, list[Seen]] = {}
        for trial in self.seen.values():
            if trial.score is not None:
                scored.setdefault(trial.tau, []).append(trial)
        ended = {tau: [t for t in trials if t.status != "pruned"] for tau, trials in scored.items()}
        means = {
            tau: fmean(log_score(trial.score or 0.0) for trial in trials)
            for tau, trials in scored.items()
            if ended[tau]
        }
        return ended[min(means, key=lambda tau: (means[tau], tau))] if means else []

"""A search as a source of stacks for the agenda."""

import time
from collections.abc import Callable, Iterable, Sequence

from .identity import Trial
from .knowledge import Knowledge, Proposal, Seen
from .prior import Prior
from .proposals import propose, why_stop
from .pruning import Rival
from .search import Search
from .splitting import split
from .stacking import Stack


class SearchSource:
    """A search for τ: what was begun first, then what it proposes, until its budget is out or it may stop."""

    def __init__(
        self,
        search: Search,
        prior: Prior,
        knowledge: Knowledge,
        *,
        limit: int,
        whole: bool = False,
        note: Callable[[str], None] = lambda text: None,
        asked: Callable[[Sequence[Trial]], None] = lambda trials: None,
        news: Callable[[], Knowledge | None] = lambda: None,
    ) -> None:
        """
        Args:
            knowledge: what is pending in it is run first.
            limit: members of a stack at most.
            whole: whether every trial is trained to its end, as one must be that replaces a finished one.
            note: told in a line when the search ends.
            asked: told which trials belong to the study now, before they are run.
            news: what is known now, where another run may have had a part in it.
        """
        self.search, self.prior, self.knowledge = search, prior, knowledge
        self._running: dict[str, Proposal] = {}
        """First trial of a stack that was handed out → its part."""
        self._limit, self._note, self._asked, self._news = limit, note, asked, news
        self._prunes = search.settings.prune and not whole
        self._stopped = False
        self._noted = False
        self._parts = self._cut_pending(knowledge.pending)

    def _cut_pending(self, pending: Iterable[tuple[int, int]]) -> list[Proposal]:
        """Parts of what was asked for, by this run or another."""
        by_tau: dict[int, list[int]] = {}
        for tau, seed in sorted(pending):
            by_tau.setdefault(tau, []).append(seed)
        return [
            part
            for tau, seeds in by_tau.items()
            for block in split(seeds, self.search.settings.seeds_per_trial)
            for part in self._cut(Proposal(tau, tuple(block)))
        ]

    def _cut(self, proposal: Proposal) -> list[Proposal]:
        return [Proposal(proposal.tau, tuple(part)) for part in split(proposal.seeds, self._limit)]

    @property
    def evaluations(self) -> int:
        """That are done or under way."""
        return self.knowledge.count(self.search.settings.seeds_per_trial)

    @property
    def share(self) -> float:
        return min(1.0, self.evaluations / self.search.settings.trials)

    @property
    def left(self) -> int:
        waiting = sum(len(part.seeds) for part in self._parts)
        return waiting if self._stopped else waiting + self.search.to_propose(self.knowledge)

    @property
    def over(self) -> bool:
        budget_is_out = self._stopped or self.evaluations >= self.search.settings.trials
        return budget_is_out and not self._parts

    def next(self, *, free: bool) -> Stack | None:
        if not free or self.over:
            return None
        if not self._parts:
            self._take_in()
        if not self._parts:
            if self.over or self._may_stop():
                return None
            proposal = propose(self.search, self.prior, self.knowledge)
            if proposal is None:
                self._stopped = True
                self._say("every τ has had all the seeds that a search spends on one")
                return None
            self._asked(self.search.trials(proposal))
            self.knowledge.pending.update((proposal.tau, seed) for seed in proposal.seeds)
            self._parts = self._cut(proposal)
        part = self._parts.pop(0)
        trials = self.search.trials(part)
        self._running[trials[0].trial_id] = part
        return Stack(trials, self._rival(part), searched=True)

    def ended(self, trials: Sequence[Trial], seen: Sequence[Seen]) -> None:
        part = self._running.pop(trials[0].trial_id, None)
        if part is None:
            return
        # A seed of which nothing came back failed, for this run: told so, or the same would be asked for
        # again.
        told = {trial.seed: trial for trial in seen}
        now = max((trial.at for trial in seen), default=time.time())
        self.knowledge.add(told.get(seed, Seen(part.tau, seed, None, "failed", now)) for seed in part.seeds)
        if self.over and not self.knowledge.pending:
            self._say(f"{self.evaluations} of {self.search.settings.trials} evaluations are known")

    def _take_in(self) -> None:
        """Take in what other runs have found, and what they asked for: they may be gone before it is done."""
        known = self._news()
        if known is not None:
            mine = self.knowledge
            mine.add(trial for place, trial in known.seen.items() if place not in mine.seen)
            theirs = known.pending - mine.pending - mine.seen.keys()
            mine.pending |= theirs
            self._parts += self._cut_pending(theirs)

    def _may_stop(self) -> bool:
        """Whether what may still be gained is less than the noise of the seeds."""
        evaluations = self.knowledge.evaluations(self.search.settings.seeds_per_trial)
        why = why_stop(self.search, self.prior, evaluations)
        if why is not None:
            self._stopped = True
            self._say(f"stopped, as {why}")
        return self._stopped

    def _say(self, why: str) -> None:
        if self._noted:
            return
        self._noted = True
        best = self.knowledge.best()
        found = f"τ={best[0].tau} is best" if best else "no τ has a score"
        first = self.search.first
        self._note(f"{first.system} · {first.architecture.name} · {self.search.label}: {found}; {why}")

    def _rival(self, part: Proposal) -> Rival | None:
        best = self.knowledge.best()
        if not self._prunes or not best or best[0].tau == part.tau:
            return None
        courses: dict[int, dict[int, float]] = {}
        for trial in best:
            for epoch, score in trial.course.items():
                courses.setdefault(epoch, {})[trial.seed] = score
        return Rival(self.search.cell(best[0].tau).regime_label, courses)

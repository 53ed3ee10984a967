"""How an agenda divides stacks among slots."""

from __future__ import annotations

import heapq
import math

import pytest

from orchestrator import catalogue
from orchestrator.agenda import Agenda, GridSource
from orchestrator.plan import make_plan
from orchestrator.stacking import CPU_STACK, Stack
from orchestrator.study import load


def a_grid(seeds: int, slots: int) -> list[Stack]:
    study = load(catalogue.find("lorenz_smoke"), [f"seeds.count={seeds}"])
    return make_plan(study, {}).stacks(slots=slots, gpu=False)


def last_ends(stacks: list[Stack], slots: int, *, slow: float = 1.0) -> tuple[list[float], list[str]]:
    """When each slot has ended its last trial, where a trial takes 1, on the first slot `slow`; and what was
    handed out. As Ray Tune asks: for more than there are slots for, as long as it is given any."""
    agenda, waiting, handed = Agenda([GridSource(stacks)], slots=slots), [], []
    free, busy, ends = list(range(slots)), [], [0.0] * slots
    now, asked = 0.0, 0
    while not agenda.over:
        while len(waiting) < 16:
            out = sum(len(stack.trials) for _, stack in waiting) + sum(
                len(stack.trials) for *_, stack in busy
            )
            few = agenda.left - out <= CPU_STACK * slots
            if (stack := agenda.next(f"{asked}")) is None:
                break
            waiting.append((f"{asked}", stack))
            asked += 1
            assert not few or len(waiting) + len(busy) <= slots  # what waits in line cannot be cut any more
        while free and waiting:
            (name, stack), slot = waiting.pop(0), free.pop(0)
            handed += [trial.trial_id for trial in stack.trials]
            ends[slot] = now + len(stack.trials) * (slow if slot == 0 else 1.0)
            heapq.heappush(busy, (ends[slot], slot, name, stack))
        now, slot, name, _ = heapq.heappop(busy)
        agenda.ended(name, [])
        free.append(slot)
    return ends, handed


@pytest.mark.parametrize("slots", [1, 2, 3, 16, 64])
@pytest.mark.parametrize("seeds", [1, 7, 25, 100])
def test_the_last_stacks_are_cut_so_that_all_slots_end_together(seeds: int, slots: int) -> None:
    """With equal trials no slot works two trials longer than the least that any division takes."""
    stacks = a_grid(seeds, slots)
    ends, handed = last_ends(stacks, slots)
    assert sorted(handed) == sorted(trial.trial_id for stack in stacks for trial in stack.trials)
    assert max(ends) <= math.ceil(3 * seeds / slots) + 1
    if seeds == 100:
        ends, _ = last_ends(stacks, slots, slow=1.3)
        assert max(ends) - min(ends) <= 3


def test_what_is_to_be_run_together_is_not_cut() -> None:
    [whole, *_] = a_grid(5, 1)
    begun = Stack(whole.trials)
    agenda = Agenda([GridSource([begun])], slots=5)
    assert agenda.next("a") == begun and agenda.next("b") is None and agenda.nothing_comes
    agenda = Agenda([GridSource([whole])], slots=2)
    first, second, none = (agenda.next(name) for name in "abc")
    assert first is not None and second is not None and none is None
    assert first.trials == whole.trials[:3] and second.trials == whole.trials[3:4]
    assert agenda.left == 5 and not agenda.nothing_comes and not agenda.over

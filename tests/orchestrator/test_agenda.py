"""How an agenda divides stacks among slots."""

from __future__ import annotations

import math

import pytest

from orchestrator import catalogue
from orchestrator.agenda import Agenda, GridSource
from orchestrator.plan import make_plan
from orchestrator.stacking import Stack
from orchestrator.study import load

from .slots import divided


def a_grid(seeds: int, slots: int, *, compiled: bool = True) -> list[Stack]:
    study = load(catalogue.find("lorenz_smoke"), [f"seeds.count={seeds}"])
    return make_plan(study, {}).stacks(slots=slots, gpu=False, compiled=compiled)


@pytest.mark.parametrize("slots", [1, 2, 3, 16, 64])
@pytest.mark.parametrize("seeds", [1, 7, 25, 100])
@pytest.mark.parametrize("compiled", [True, False])
def test_the_last_stacks_are_cut_so_that_all_slots_end_together(
    seeds: int, slots: int, compiled: bool
) -> None:
    """With equal trials no slot works more than one trial longer than the least that any division takes."""
    stacks = a_grid(seeds, slots, compiled=compiled)
    largest = max(len(stack.trials) for stack in stacks)
    found = divided(stacks, slots, lambda stack, _: len(stack.trials))
    assert sorted(found.handed) == sorted(one for stack in stacks for one in stack.trial_ids)
    assert max(found.ends) <= math.ceil(3 * seeds / slots) + 1
    # What waits in line cannot be cut any more.
    assert all(out <= slots for to_come, out in found.in_line if to_come <= largest * slots)
    if 3 * seeds > 2 * largest * slots:  # while there is plenty, no slot waits to be asked
        assert any(out > slots for _, out in found.in_line)
    if seeds == 100:
        uneven = divided(stacks, slots, lambda stack, slot: len(stack.trials) * (1.3 if slot == 0 else 1.0))
        assert max(uneven.ends) - min(uneven.ends) <= 3


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

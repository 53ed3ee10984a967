"""How long a grid takes on so many slots, by the agenda itself: with its last stacks cut, and whole.

    python -m tests.orchestrator.slots lorenz_tau

No times: a trial takes 1, in smaller stacks a little more (`orch bench --members`), give or take a twentieth.
"""

import heapq
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from orchestrator import catalogue
from orchestrator.agenda import Agenda, GridSource
from orchestrator.plan import make_plan
from orchestrator.stacking import CPU_STACK, Stack
from orchestrator.study import load

IN_LINE = 16
"""Stacks that Ray Tune asks for beyond those that run, at the least."""

DEARER = {1: 1.2, 2: 1.1, 3: 1.05}
"""What a network takes in a stack of so many, over what it takes in one of five."""


@dataclass(frozen=True)
class Division:
    """What became of a grid."""

    ends: list[float]
    """When each slot has ended its last trial."""
    handed: list[str]
    """Ids of trials, in the order in which they were handed out."""
    in_line: list[tuple[int, int]]
    """Each time that a stack was handed out: trials that were to be handed out then, and stacks that were out
    with it."""


def divided(stacks: Sequence[Stack], slots: int, takes: Callable[[Stack, int], float]) -> Division:
    """Hand out a grid as Ray Tune asks for it: more than there are slots for, as long as it is given any.

    Args:
        takes: how long a stack takes on the slot of that number.
    """
    agenda, waiting, busy = Agenda([GridSource(stacks)], slots=slots), [], []
    result = Division([0.0] * slots, [], [])
    free, now, asked = list(range(slots)), 0.0, 0
    while not agenda.over:
        while len(waiting) < max(IN_LINE, slots):
            out = [stack for *_, stack in (*waiting, *busy)]
            to_come = agenda.left - sum(len(stack.trials) for stack in out)
            if (stack := agenda.next(f"{asked}")) is None:
                break
            waiting.append((f"{asked}", stack))
            asked += 1
            result.handed.extend(stack.trial_ids)
            result.in_line.append((to_come, len(out) + 1))
        while free and waiting:
            (name, stack), slot = waiting.pop(0), free.pop(0)
            result.ends[slot] = now + takes(stack, slot)
            heapq.heappush(busy, (result.ends[slot], slot, name, stack))
        now, slot, name, _ = heapq.heappop(busy)
        agenda.ended(name, [])
        free.append(slot)
    return result


def main(name: str) -> None:
    study = load(catalogue.find(name))
    for slots in (2, 8, 16, 32, 64, 128):
        stacks = make_plan(study, {}).stacks(slots=slots, gpu=False)
        draw = random.Random(0)

        def takes(stack: Stack, _: int, draw: random.Random = draw) -> float:
            members = len(stack.trials)
            return members * DEARER.get(members, 1.0) * draw.uniform(0.95, 1.05)

        whole, cut = (
            max(divided([replace(stack, apart=apart) for stack in stacks], slots, takes).ends)
            for apart in (False, True)
        )
        trials = sum(len(stack.trials) for stack in stacks)
        print(
            f"{trials} trials on {slots} slots: {trials / slots:.1f} each, "
            f"{whole:.1f} by stacks of up to {CPU_STACK}, {cut:.1f} with the last ones cut: {cut / whole:.2f}"
        )


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["lorenz_tau"]))

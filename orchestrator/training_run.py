"""A stack in training that leaves checkpoints behind and goes on from them."""

import time
from collections.abc import Callable

from .checkpoint import SECONDS as CHECKPOINT_SECONDS
from .checkpoint import Keeper
from .course import Course
from .models.training import Stack

Progress = Callable[[int], None]
"""Called with the epoch that is done, often."""


class TrainingRun:
    """A stack in training, with what is kept of it, going on from its checkpoint where there is one."""

    def __init__(self, stack: Stack, course: Course, keeper: Keeper) -> None:
        self.stack, self.course, self.keeper = stack, course, keeper
        self.seconds = {"train": 0.0, "evaluate": 0.0}
        self.resumed = 0
        kept = keeper.load()
        if kept is not None:
            state = kept.state
            stack.restore(kept.tensors, epoch=state["epoch"], diverged_epoch=state["diverged_epoch"])
            course.restore(state["course"])
            self.seconds, self.resumed = state["seconds"], state["resumed"] + 1

    def train(self, *, until: int, progress: Progress) -> None:
        """Train to an epoch, with a checkpoint at its end and no longer than CHECKPOINT_SECONDS apart."""
        stack = self.stack
        since = last = time.perf_counter()
        while stack.epoch < until and not stack.all_diverged:
            self.course.add(stack.epoch + 1, *stack.train_epoch())
            progress(stack.epoch)
            now = time.perf_counter()
            if stack.epoch == until or now - last >= CHECKPOINT_SECONDS:
                self.seconds["train"] += now - since
                self._save()
                since = last = time.perf_counter()
        self.seconds["train"] += time.perf_counter() - since

    def _save(self) -> None:
        state = {
            "epoch": self.stack.epoch,
            "diverged_epoch": self.stack.diverged_epoch,
            "course": self.course.state(),
            "seconds": self.seconds,
            "resumed": self.resumed,
        }
        self.keeper.save(self.stack.tensors(), state)

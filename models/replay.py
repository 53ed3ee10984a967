"""Keeping a GPU busy with small operations: side by side, and recorded once instead of launched one by one.

A network is small, so that to launch an operation on a GPU takes longer than to do it. What is done again and
again with tensors of equal shapes is therefore recorded (a CUDA graph) and then launched as one; groups of
members with windows of their own length are branches of it, that go side by side. On a processor both are the
plain thing: one after the other, each time anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

WARM_UP = 3
"""Times that something is done before it is recorded: libraries set themselves up at first use."""


def abreast(tasks: Sequence[Callable[[], T]], *, device: torch.device) -> list[T]:
    """What these tasks return; on a GPU each on a stream of its own, joined at the end."""
    if device.type != "cuda" or len(tasks) == 1:
        return [task() for task in tasks]
    here = torch.cuda.current_stream(device)
    found = []
    streams = [torch.cuda.Stream(device) for _ in tasks]  # type: ignore[no-untyped-call]
    for stream in streams:
        stream.wait_stream(here)
    try:
        for task, stream in zip(tasks, streams, strict=True):
            with torch.cuda.stream(stream):
                found.append(task())
    finally:  # what is being recorded can only end where all of it comes together again
        for stream in streams:
            here.wait_stream(stream)
    return found


class Replayed(Generic[T]):
    """Something that is done to tensors of one shape again and again.

    What that is comes with every call and is not kept: who does it keeps this.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._graph: torch.cuda.CUDAGraph | None = None
        self._given: Tensor | None = None
        self._found: T | None = None
        self.refused: str | None = None
        """Why it cannot be recorded, where that was tried: it is done step by step then."""

    @property
    def recorded(self) -> bool:
        """Whether it is replayed."""
        return self._graph is not None

    def __call__(
        self, given: Tensor, work: Callable[[Tensor], T], *, rehearse: Callable[[Tensor], object]
    ) -> T:
        """Do `work` with a tensor.

        Args:
            work: returns tensors; where it is recorded these are the same ones every time, to be copied
                before the next call. It must not wait for the GPU.
            rehearse: does as much and changes nothing.
        """
        if self._device.type != "cuda" or self.refused is not None:
            return work(given)
        if self._graph is None:
            try:
                self._record(given, work, rehearse)
            except RuntimeError as error:
                short = _out_of_memory(error)
                if short is not None:
                    raise short from error
                # An operation that waits for the GPU, as some of libraries do.
                self.refused = (str(error).strip().splitlines() or ["no reason given"])[0]
                torch.cuda.synchronize(self._device)
                return work(given)
        assert self._graph is not None and self._given is not None and self._found is not None
        self._given.copy_(given)
        self._graph.replay()
        return self._found

    def _record(
        self, given: Tensor, work: Callable[[Tensor], T], rehearse: Callable[[Tensor], object]
    ) -> None:
        self._given = given.clone()
        aside = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                rehearse(self._given)
        torch.cuda.current_stream(self._device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # A recording that fails may leave its own stream behind as the one in use.
        with torch.cuda.stream(torch.cuda.current_stream(self._device)), torch.cuda.graph(graph):
            self._found = work(self._given)  # recorded, not done
        self._graph = graph


def _out_of_memory(error: BaseException | None) -> torch.OutOfMemoryError | None:
    """Whether an error is of memory, or came up while one was being dealt with."""
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError):
            return error
        error = error.__context__
    return None

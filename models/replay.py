"""Keeping a GPU busy with small operations: side by side, and recorded once instead of launched one by one.

A network is small, so that to launch an operation on a GPU takes longer than to do it. What is done again and
again with tensors of equal shapes is therefore recorded (a CUDA graph) and then launched as one; groups of
members with windows of their own length are branches of it, that go side by side. On a processor both are the
plain thing: one after the other, each time anew.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Generic, TypeVar

import torch
from torch import Tensor

from .out_of_memory import is_out_of_memory

T = TypeVar("T")

WARM_UP = 3
"""Times that something is done before it is recorded: libraries set themselves up at first use."""

SIDE_BY_SIDE = 8
"""Streams of a device at most: each keeps memory of its own, and libraries some for each."""


def abreast(tasks: Sequence[Callable[[], T]], *, device: torch.device) -> list[T]:
    """What these tasks return; on a GPU each on a stream of its own, joined at the end."""
    if device.type != "cuda" or len(tasks) == 1:
        return [task() for task in tasks]
    here = torch.cuda.current_stream(device)
    found = []
    streams = [_stream(device, place) for place in range(min(len(tasks), SIDE_BY_SIDE))]
    for stream in streams:
        stream.wait_stream(here)
    try:
        for place, task in enumerate(tasks):
            with torch.cuda.stream(streams[place % len(streams)]):
                found.append(task())
    finally:  # what is being recorded can only end where all of it comes together again
        for stream in streams:
            here.wait_stream(stream)
    return found


@cache
def _stream(device: torch.device, place: int) -> torch.cuda.Stream:
    """One of a device's: the same ones every time, so that what is rehearsed is what is recorded."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


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
            short, why = False, None
            try:
                self._record(given, work, rehearse)
            except RuntimeError as error:
                short, why = is_out_of_memory(error), _first_said(error)
            if why is not None:  # and the error is gone, whose traceback held all that was being recorded
                self._given = self._found = None
                if short:
                    raise torch.OutOfMemoryError(why)
                self.refused = why  # an operation that waits for the GPU, as some of libraries do
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
        aside = _stream(self._device, SIDE_BY_SIDE)
        aside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                rehearse(self._given)
            with _no_waiting():
                rehearse(self._given)
        torch.cuda.current_stream(self._device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # A recording that fails may leave its own stream behind as the one in use.
        with (
            torch.cuda.stream(torch.cuda.current_stream(self._device)),
            torch.cuda.graph(graph, stream=aside),
        ):
            self._found = work(self._given)  # recorded, not done
        self._graph = graph


@contextlib.contextmanager
def _no_waiting() -> Iterator[None]:
    """An operation that waits for the GPU is an error: before anything is recorded, since a recording that
    one breaks off leaves the process's memory in disorder (PyTorch before 2.13)."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():  # the mode calls itself a prototype
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def _first_said(error: BaseException) -> str:
    """The first line of the error that all others came up after."""
    while error.__context__ is not None:
        error = error.__context__
    return (str(error).strip().splitlines() or ["no reason given"])[0]

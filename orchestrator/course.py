"""The course of training, as it goes into a trial's curves."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

CURVE_POINTS = 100
"""Points at which loss and gradient norm are kept, each the mean over the epochs since the last."""


class Course:
    """Loss and gradient norm of every member thinned to CURVE_POINTS, and every evaluation."""

    def __init__(self, members: int, *, total: int) -> None:
        self.points: list[list[dict[str, Any]]] = [[] for _ in range(members)]
        self.gradients: list[list[dict[str, Any]]] = [[] for _ in range(members)]
        """How far gradients reach, (epoch, quantity, lag, value)."""
        self.last_loss: list[float | None] = [None] * members
        self._marks = {max(1, round(total * i / CURVE_POINTS)) for i in range(1, CURVE_POINTS + 1)}
        self._since: list[NDArray[np.float64]] = []

    def add(self, epoch: int, loss: NDArray[np.float64], norm: NDArray[np.float64]) -> None:
        """Take in one epoch's loss and gradient norm, (E,) each, NaN where frozen."""
        self._since.append(np.array([loss, norm]))
        for member in np.flatnonzero(np.isfinite(loss)):
            self.last_loss[member] = float(loss[member])
        if epoch in self._marks:
            means = np.array(self._since).mean(axis=0)
            for quantity, values in zip(("loss", "gradient_norm"), means, strict=True):
                for member in np.flatnonzero(np.isfinite(values)):
                    self.append(int(member), epoch, quantity, float(values[member]))
            self._since = []

    def append(self, member: int, epoch: int, quantity: str, value: float) -> None:
        """Take in one value of one member."""
        self.points[member].append({"epoch": epoch, "quantity": quantity, "value": value})

    def score(self, member: int, epoch: int, ceiling: float) -> float:
        """D_stsp of one member at an evaluation; the ceiling where it was unbounded or had diverged."""
        score = scores_in(self.points[member]).get(epoch)
        return ceiling if score is None else score

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, for JSON: Python writes floats so that they come back exactly."""
        since = [epoch.tolist() for epoch in self._since]
        points = {"points": self.points, "gradients": self.gradients}
        return {**points, "last_loss": self.last_loss, "since": since}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another course of the same members was."""
        self.points, self.gradients = state["points"], state["gradients"]
        self.last_loss = state["last_loss"]
        self._since = [np.array(epoch) for epoch in state["since"]]


def scores_in(points: Iterable[Mapping[str, Any]]) -> dict[int, float | None]:
    """Epoch → D_stsp at each evaluation in a trial's curves; None where the free run was unbounded."""
    found: dict[int, float | None] = {}
    for point in points:
        if point["quantity"] == "unbounded_step":
            found.setdefault(point["epoch"], None)
        elif point["quantity"] == "d_stsp":
            found[point["epoch"]] = point["value"]
    return found

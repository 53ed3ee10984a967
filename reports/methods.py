"""Methods: a regime with the way its τ was chosen, the same in whichever context it is looked at.

Of a regime with several τ there are two in a context, at the τ nearest to τ_pred and tuned; of one with one
τ, or none, one. A tuned one is scored on other seeds than those that chose its τ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .comparison import Row, Selection
from .pairing import regime_name
from .trials import Cell, Context
from .verdict import FAR, SELECTIONS, near_prediction

CHOICES: tuple[Selection, ...] = ("tau_pred", "split")
"""Ways of choosing τ, where there are several."""


class Key(NamedTuple):
    """What a method is."""

    family: str
    role: str
    """How τ was chosen; `baseline` of one with a τ; '' for a regime without a choice."""
    tau: int | None = None
    """Of a baseline of which there are several in a context."""


class Part(NamedTuple):
    """What a method ran in one context."""

    context: Context
    cell: Cell
    seeds: tuple[int, ...]
    """That it is scored on."""
    row: Row | None = None
    """Against the baseline; None of the baseline itself."""
    base: Cell | None = None
    """The baseline of the row."""

    @property
    def is_far(self) -> bool:
        """Whether its τ was to stand for τ_pred, and is too far from it."""
        return self.row is not None and self.row.selection == "tau_pred" and not near_prediction(self.row)


def methods_of(
    contexts: Iterable[Context], rows: Sequence[Row], *, far_apart: bool = True
) -> dict[Key, dict[str, Part]]:
    """Every method of these rows, with what it ran by context_id, in the order of the contexts.

    Args:
        far_apart: whether the τ nearest to τ_pred makes another method where it is far from it.
    """
    found: dict[Key, dict[str, Part]] = {}
    for context in contexts:
        own = [row for row in rows if row.context_id == context.context_id and row.n_pairs]
        for key, part in _in_context(context, own, far_apart).items():
            found.setdefault(key, {})[context.context_id] = part
    # Of a family whose τ was chosen somewhere the choices count, of any other its one entry.
    chosen = {row.challenger.family for row in rows if row.tau_choices > 1}
    choices = {FAR, *(SELECTIONS[choice] for choice in CHOICES)}
    return {
        key: parts
        for key, parts in found.items()
        if key.role == "baseline" or (key.role in choices) == (key.family in chosen)
    }


def _in_context(context: Context, rows: Sequence[Row], far_apart: bool) -> dict[Key, Part]:
    cells = {cell.cell_id: cell for cell in context.cells}
    bases = {row.baseline.cell_id for row in rows}
    found: dict[Key, Part] = {}
    for row in rows:
        base = cells[row.baseline.cell_id]
        role = "" if base.tau is None else "baseline"
        key = Key(base.family, role, base.tau if len(bases) > 1 else None)
        found.setdefault(key, Part(context, base, tuple(sorted(base.scores))))
        cell = cells[row.challenger.cell_id]
        seeds = row.seeds if row.selection == "split" else tuple(sorted(cell.scores))
        part = Part(context, cell, seeds, row, base)
        # Where there is one τ there is none to choose: it is what any choice comes to.
        for choice in (row.selection,) if row.tau_choices > 1 else ("fixed", *(CHOICES if cell.tau else ())):
            far = far_apart and choice == "tau_pred" and not near_prediction(row)
            found.setdefault(Key(cell.family, FAR if far else SELECTIONS[choice]), part)
    return found


def written(key: Key, parts: Iterable[Part], cells: Sequence[Cell]) -> str:
    """The name of a method among these cells, for people."""
    name = regime_name(next(cell for cell in cells if cell.family == key.family), cells)
    if key.role != "baseline":
        return f"{name} {key.role}".strip()
    taus = {part.cell.tau for part in parts}
    return f"{name} at τ={taus.pop()}" if len(taus) == 1 else f"{name}, the baseline"

"""How far studies are, cell by cell, with the curves of what is being trained: a part of the live page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..figures import to_svg
from ..figures.learning_curves import Courses, learning_curves
from ..verdict import counted
from .parts import Bar, Shown, element, figure, folded, section, table

CURVES = (
    "Loss (left) and D_stsp (right) of what is being trained, up to the last checkpoint. Lines: medians over "
    "seeds; bands: quartiles. D_stsp appears with the first evaluation."
)

NO_RUN = "No run is under way here."


@dataclass(frozen=True)
class Training:
    """Seeds of a cell that are being trained, or were begun."""

    seeds: int
    epoch: int
    is_running: bool


@dataclass(frozen=True)
class CellProgress:
    """One cell of a study."""

    system: str
    architecture: str
    regime: str
    settings: str
    asked: int
    """Trials."""
    ended: Mapping[str, int]
    """Trials by status."""
    training: Sequence[Training]
    epochs: int
    left: Shown
    """Expected time of what is to be trained."""
    note: str = ""

    @property
    def share(self) -> float:
        """Of its work that is done."""
        under_way = sum(part.seeds * part.epoch / max(self.epochs, 1) for part in self.training)
        return min(1.0, (sum(self.ended.values()) + under_way) / max(self.asked, 1))


@dataclass(frozen=True)
class StudyProgress:
    """One study, as it was last recorded here."""

    name: str
    cells: Sequence[CellProgress]
    note: str = ""
    """Why its cells cannot be told, or what else is to be said."""
    further: int = 0
    """Trials beyond those of its cells that are asked for now: intervals are wider than the goal."""

    @property
    def asked(self) -> int:
        """Trials."""
        return sum(cell.asked for cell in self.cells) + self.further

    @property
    def ended(self) -> int:
        """Trials."""
        return sum(sum(cell.ended.values()) for cell in self.cells)


def progress_part(
    runs: Sequence[str], studies: Sequence[StudyProgress], courses: Sequence[Courses], measure: str
) -> str:
    """The section.

    Args:
        runs: a sentence for each run that is under way.
        courses: of what is being trained.
        measure: how the measure of the courses is written.
    """
    said = "".join(element("p", line, css="running") for line in runs) or element("p", NO_RUN, css="soft")
    shown = [_study(study, opened=bool(runs)) for study in studies]
    drawn = [figure(to_svg(learning_curves(courses, measure)), CURVES, "training")] if courses else []
    return section("Progress", said, *shown, *drawn)


def _study(study: StudyProgress, *, opened: bool) -> str:
    if not study.cells:
        return element("p", f"{study.name}: {study.note}", css="soft")
    several = len({cell.settings for cell in study.cells}) > 1
    columns = ["system", "architecture", *["settings"] * several, "regime", "done", "blew up", "failed",
               "in training", "time left"]  # fmt: skip
    rows = [
        (
            cell.system,
            cell.architecture,
            *[cell.settings] * several,
            cell.regime,
            Bar(f"{sum(cell.ended.values())} of {cell.asked}", cell.share),
            cell.ended.get("diverged", 0) + cell.ended.get("unbounded", 0),
            cell.ended.get("failed", 0),
            _training(cell),
            cell.left,
        )
        for cell in study.cells
    ]
    share = sum(cell.share * cell.asked for cell in study.cells) / max(study.asked, 1)
    done = f"{study.ended} of {counted(study.asked, 'trial')}, {share:.0%} of the work"
    whole = Bar(f"{study.name}: {done}", share)
    note = element("p", study.note, css="soft") if study.note else ""
    first = columns.index("blew up")
    cells = table(columns, rows, numeric=(first, first + 1), label=f"{study.name}, cell by cell")
    return element("p", whole, css="whole") + note + (cells if opened else folded("Cell by cell", cells))


def _training(cell: CellProgress) -> str:
    said = [
        f"{counted(part.seeds, 'seed')} at epoch {part.epoch} of {cell.epochs}"
        + ("" if part.is_running else ", waiting")
        for part in sorted(cell.training, key=lambda part: -part.epoch)
    ]
    return "; ".join([*said, *([cell.note] if cell.note else [])]) or "–"

"""The figures of Mikhaeil, Monfared & Durstewitz (NeurIPS 2022), each from what was run here."""

from .catalogue import FIGURES, Made, PaperFigure, make, paper_figure

__all__ = ["FIGURES", "Made", "PaperFigure", "make", "paper_figure"]

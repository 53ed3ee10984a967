"""Figures of a report, one per file."""

from .style import to_svg
from .tau_curve import tau_curve

__all__ = ["tau_curve", "to_svg"]

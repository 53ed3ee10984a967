"""Figures of a report, one per file."""

from .exponent_curve import exponent_curve
from .style import to_svg
from .tau_curve import tau_curve

__all__ = ["exponent_curve", "tau_curve", "to_svg"]

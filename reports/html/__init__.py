"""A comparison as one self-contained page."""

from .page import render_page, write_report
from .parts import cells_query

__all__ = ["cells_query", "render_page", "write_report"]

"""Reports as self-contained pages."""

from .attractor import Attractor, Run
from .page import render_page, write_report
from .queries import cells_query

__all__ = ["Attractor", "Run", "cells_query", "render_page", "write_report"]

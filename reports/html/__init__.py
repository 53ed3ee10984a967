"""Reports as self-contained pages."""

from .attractor import Attractor, Run
from .document import Page
from .page import comparison_page
from .queries import cells_query

__all__ = ["Attractor", "Page", "Run", "cells_query", "comparison_page"]

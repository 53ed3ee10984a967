"""Cutting a row of things into even parts."""

import itertools
import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def split(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Even parts of at most `size`: 8 by 5 are 4 and 4, not 5 and 3."""
    return in_parts(items, math.ceil(len(items) / size)) if items else []


def in_parts(items: Sequence[T], parts: int) -> list[Sequence[T]]:
    """So many parts, as even as they can be."""
    bounds = [round(len(items) * i / parts) for i in range(parts + 1)]
    return [items[a:b] for a, b in itertools.pairwise(bounds)]

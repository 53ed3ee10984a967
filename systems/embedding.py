"""State spaces from one variable, by delays."""

from __future__ import annotations

import numpy as np

from .base import FloatArray


def embed(series: FloatArray, *, dimension: int, delay: int) -> FloatArray:
    """Delay embedding (F. Takens 1981): rows (x_t, x_{t−d}, …, x_{t−(m−1)d}), from a series (T,).

    Returns:
        (T − (m − 1) d, m)

    Raises:
        ValueError: the series is shorter than the embedding.
    """
    past = (dimension - 1) * delay
    if dimension < 1 or delay < 1 or len(series) <= past:
        raise ValueError(f"a series of {len(series)} points has no embedding of {dimension} × {delay} steps")
    rows = len(series) - past
    return np.column_stack([series[past - i * delay : past - i * delay + rows] for i in range(dimension)])

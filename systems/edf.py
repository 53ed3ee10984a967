"""Reading EDF and EDF+ recordings, with the package `edfio`.

B. Kemp et al., Electroencephalogr. Clin. Neurophysiol. 82, 391 (1992). Shapes (T, channels), in the physical
units that the file declares.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .base import DataError, FloatArray


def read_channels(path: Path, *, names: tuple[str, ...] = ()) -> FloatArray:
    """Signals of an EDF file, as (T, channels): all in the file's order, or those of these names.

    Names are compared without the dots by which PhysioNet's files fill them up.

    Raises:
        DataError: the file is not EDF, lacks a channel, or its channels are sampled at several rates.
    """
    from edfio import read_edf

    try:
        signals = read_edf(path).signals
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise DataError(f"{path} cannot be read as EDF: {error}") from None
    by_name = {signal.label.rstrip("."): signal for signal in signals}
    for name in names:
        if name not in by_name:
            raise DataError(f"{path} has no channel {name!r}: it has {', '.join(by_name)}")
    chosen = [by_name[name] for name in names] if names else list(signals)
    if len({len(signal.data) for signal in chosen}) != 1:
        raise DataError(f"{path}: the channels are sampled at several rates")
    return np.column_stack([signal.data for signal in chosen]).astype(np.float64)

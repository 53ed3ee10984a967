"""Identity of a system's data: SHA-256, hex, of canonical JSON of what defines them.

Canonical: keys sorted, no spaces, numbers that are floats written as floats, NaN refused. Names and
citations that only describe are left out, so rewording them orphans nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .base import FLOOR_EXTRA, NOISE, TRAIN, System
from .exponents import START_JITTER
from .measures.presets import DEFAULT_PRESETS, definitions
from .substance import digest_of

FORMAT = 1
"""Of the rules by which `dataset` makes data: raised when they change the numbers."""


def content_hash(system: System) -> str:
    """Of all that defines the dataset of `system`, exponents, floors and measure definitions included, and
    what the modules of its equations say: data that others made are not taken for its own.
    """
    measures = {
        preset: {measure: definition.as_dict() for measure, definition in by_measure.items()}
        for preset, by_measure in definitions(DEFAULT_PRESETS, dimension=system.scored_dimension).items()
    }
    return _sha256(
        {
            "format": FORMAT,
            "name": system.name,
            "system": _defined(system),
            "code": {name: digest_of(name) for name in sorted(system.modules)},
            "integration": dict(system.integration),
            "exponent_start_jitter": START_JITTER,
            "floor_trajectories": [TRAIN, *FLOOR_EXTRA],
            "measures": measures,
        }
    )


def trajectory_hash(system: System) -> str:
    """Of what decides train and test alone: unmoved by a new measure or a longer run for the exponents."""
    definition = {key: value for key, value in _defined(system).items() if key != "exponents"}
    return _sha256({"format": FORMAT, "system": definition, "integration": dict(system.integration)})


def _defined(system: System) -> dict[str, Any]:
    """Its definition, with what is trained on where that is not all there is, and as it is."""
    trained_on: dict[str, Any] = {}
    if system.train_points is not None:
        trained_on["train_points"] = system.train_points
    if system.noise:
        trained_on |= {"noise": float(system.noise), "noise_seed": NOISE}
    if trained_on:
        trained_on["standardised_by"] = "all of it, without noise"
    return {**system.definition(), **trained_on}


def canonical_json(content: object) -> str:
    """JSON text that is the same for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _sha256(content: object) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()

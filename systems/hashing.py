"""Identity of a system's data: SHA-256, hex, of canonical JSON of what defines them.

Canonical: keys sorted, no spaces, numbers that are floats written as floats, NaN refused. Names and
citations that only describe are left out, so rewording them orphans nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import re
import sys
import tokenize
from functools import cache
from importlib.abc import InspectLoader

from .base import FLOOR_EXTRA, TRAIN, System
from .exponents import START_JITTER
from .measures.presets import DEFAULT_PRESETS, definitions

_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_MARKS = {tokenize.INDENT: "{", tokenize.DEDENT: "}", tokenize.NEWLINE: ";"}
_LINE_START = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}

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
            "system": system.definition(),
            "code": {name: digest_of(name) for name in sorted(system.modules)},
            "integration": dict(system.integration),
            "exponent_start_jitter": START_JITTER,
            "floor_trajectories": [TRAIN, *FLOOR_EXTRA],
            "measures": measures,
        }
    )


def trajectory_hash(system: System) -> str:
    """Of what decides train and test alone: unmoved by a new measure or a longer run for the exponents."""
    definition = {key: value for key, value in system.definition().items() if key != "exponents"}
    return _sha256({"format": FORMAT, "system": definition, "integration": dict(system.integration)})


@cache
def digest_of(module: str) -> str:
    """SHA-256 of what a module says, as this process imported it; '' of one that is no file of source."""
    spec = sys.modules[module].__spec__ if module in sys.modules else importlib.util.find_spec(module)
    loader = spec.loader if spec else None
    source = loader.get_source(module) if isinstance(loader, InspectLoader) else None
    return hashlib.sha256(substance(source).encode()).hexdigest() if source else ""


def substance(source: str) -> str:
    """A module without comments, docstrings and layout; indentation counts as what it means."""
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in _LAYOUT]
    parts = []
    for i, token in enumerate(tokens):
        starts = i == 0 or tokens[i - 1].type in _LINE_START
        ends = i + 1 == len(tokens) or tokens[i + 1].type == tokenize.NEWLINE
        if not (token.type == tokenize.STRING and starts and ends):  # which alone would be a docstring
            parts.append(_MARKS.get(token.type, token.string))
    # Spaces only between words: Python 3.12 and later cut f-strings into tokens, 3.11 does not.
    return re.sub(r"(?<!\w)\s+|\s+(?!\w)", "", " ".join(parts))


def canonical_json(content: object) -> str:
    """JSON text that is the same for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _sha256(content: object) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()

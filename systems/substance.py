"""What code says, as what makes data and results is known by."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
import sys
import tokenize
from functools import cache
from importlib.abc import InspectLoader

_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_MARKS = {tokenize.INDENT: "{", tokenize.DEDENT: "}", tokenize.NEWLINE: ";"}
_LINE_START = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


@cache
def digest_of(module: str) -> str:
    """SHA-256 of what a module says, when this process first asks; '' of one that is no file of source."""
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

"""What every page is in: one HTML file that needs nothing else, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from .parts import element, text


def document(title: str, sections: Sequence[str], *, provenance: str = "") -> str:
    """A page of these sections, of which empty ones are left out, with the style of all pages."""
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    end = [element("p", provenance, css="soft")] if provenance else []
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, [*sections, *end]))
        + "\n</body>\n</html>\n"
    )


def write(path: Path, content: str) -> Path:
    """Under a temporary name beside it, then renamed: a reader sees the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(content, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path

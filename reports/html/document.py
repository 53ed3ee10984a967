"""What every page is in: one HTML file that needs nothing else, written whole or not at all.

A page fetches nothing and runs nothing but what it was written with: its policy (CSP) allows the style and
the scripts in it by their hashes alone.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from .parts import element, text

TOGGLE = '<button type="button" id="theme" hidden>Dark or light</button>'


@dataclass(frozen=True)
class Page:
    """A report as it is read, before it is put into one document."""

    title: str
    parts: Sequence[str]
    """One below the other; empty ones are left out."""
    svg: str
    """Its figure, which also goes into a file of its own."""
    scripts: Sequence[str] = ("page.js",)

    def html(self, *, provenance: str = "") -> str:
        """The document."""
        return document(self.title, self.parts, provenance=provenance, scripts=self.scripts)

    def write(self, directory: Path, *, stem: str, provenance: str = "") -> list[Path]:
        """Write `stem`.html and `stem`.svg into `directory`, each whole or not at all; returns their paths.

        Raises:
            ValueError: `stem` is no file name.
            OSError: the folder cannot be written.
        """
        if not stem or Path(stem).name != stem:
            raise ValueError(f"'{stem}' is no file name")
        directory.mkdir(parents=True, exist_ok=True)
        page = write(directory / f"{stem}.html", self.html(provenance=provenance))
        return [page, write(directory / f"{stem}.svg", self.svg)]


ALONE = "form-action 'none'"
SERVED = "connect-src 'self'; style-src-attr 'unsafe-inline'; form-action 'self'"
"""What a page that is served may do beyond: ask where it came from, and show figures that came later."""


def document(
    title: str,
    sections: Sequence[str],
    *,
    provenance: str = "",
    scripts: Sequence[str] = ("page.js",),
    served: bool = False,
) -> str:
    """A page of these sections, of which empty ones are left out, with the style of all pages.

    Args:
        scripts: files of this package, written into the page; without scripts it reads as well.
        served: whether it goes on talking with whoever served it.
    """
    body, classes = _classes("\n".join(filter(None, sections)))
    style = f"\n{_read('page.css')}{classes}"
    said = [f"\n{_read(name)}" for name in scripts]
    end = f"<footer>{element('p', provenance, css='soft')}</footer>\n" if provenance else ""
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, said)) or _NONE}; style-src {_hash(style)}; "
        f"base-uri 'none'; {SERVED if served else ALONE}"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#main">Skip to the content</a>\n{TOGGLE}\n'
        f'<main id="main" tabindex="-1">\n{body}\n</main>\n{end}'
        + "".join(f"<script>{script}</script>\n" for script in said)
        + "</body>\n</html>\n"
    )


_NONE = "'none'"


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _classes(body: str) -> tuple[str, str]:
    """The style attributes of figures as classes, which the policy allows and which are written once."""
    names: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        return f' class="{names.setdefault(found[1], f"s{len(names)}")}"'

    def in_tag(found: re.Match[str]) -> str:
        return re.sub(r'\sstyle="([^"]*)"', named, found[0])

    def in_svg(found: re.Match[str]) -> str:
        return re.sub(r"<\w[^>]*>", in_tag, found[0])

    replaced = re.sub(r"<svg\b.*?</svg>", in_svg, body, flags=re.DOTALL)
    return replaced, "".join(f".{name} {{ {style} }}\n" for style, name in names.items())


def write(path: Path, content: str) -> Path:
    """Under a temporary name beside it, then renamed: a reader sees the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(content, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path

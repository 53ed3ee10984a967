"""The page that is served while studies run: the report as it stands, how far they are, and a box for SQL.

What changes comes later and piece by piece: `live.js` asks for it and puts it in its place.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from .document import document
from .parts import element, folded, section, table, text

START = "SELECT system, architecture, regime_label, seeds, d_stsp_geomean FROM cells ORDER BY ALL"


@dataclass(frozen=True)
class Choice:
    """A question that is answered by choosing."""

    name: str
    """In the address of the page."""
    label: str
    options: Sequence[tuple[str, str]]
    """(value, what is written)."""
    chosen: str


def live_page(title: str, *, whole: str) -> str:
    """The document, before anything is known.

    Args:
        whole: where the report as one file is to be had, relative to the page.
    """
    without = f'Nothing moves here without scripts; there is <a href="{html.escape(whole)}">the report</a>.'
    parts = [
        element("h1", title),
        '<p id="state" class="soft" role="status" aria-live="polite">Reading…</p>',
        f"<noscript><p>{without}</p></noscript>",
        '<div id="progress" class="part"></div>',
        '<div id="report"></div>',
        _box(),
    ]
    return document(title, parts, scripts=("page.js", "attractor.js", "live.js"), served=True)


def question(choices: Sequence[Choice], *, whole: str) -> str:
    """What is asked for, to be chosen anew."""
    selects = "".join(map(_select, choices))
    button = '<button type="submit">Show</button>'
    link = f'<a href="{html.escape(whole)}">As one file</a>'
    return f'<form id="question" method="get" action="./">{selects}{button} {link}</form>'


def answer_table(columns: Sequence[str], rows: Sequence[Sequence[object]], said: str) -> str:
    """What a question in SQL is answered."""
    numeric = [
        place
        for place in range(len(columns))
        if any(_is_number(row[place]) for row in rows)
        and all(_is_number(row[place]) or row[place] is None for row in rows)
    ]
    cut = [[_short(value) for value in row] for row in rows]
    return element("p", said, css="soft") + table(columns, cut, numeric=numeric, label="Answer")


LONGEST = 500
"""Characters of a value that are shown."""


def _short(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    written = str(value)
    return written if len(written) <= LONGEST else f"{written[:LONGEST]}…"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _select(choice: Choice) -> str:
    options = "".join(
        f'<option value="{html.escape(value)}"{" selected" if value == choice.chosen else ""}>'
        f"{text(written)}</option>"
        for value, written in choice.options
    )
    return f'<label>{text(choice.label)} <select name="{html.escape(choice.name)}">{options}</select></label>'


def _box() -> str:
    area = (
        '<textarea name="query" rows="5" spellcheck="false" autocomplete="off" aria-label="SQL">'
        f"{text(START)}</textarea>"
    )
    said = element("span", "or Ctrl+Enter; it reads and nothing else", css="soft")
    run = f'<button type="submit">Run</button> {said}'
    form = f'<form id="sql">{area}<p>{run}</p></form>'
    tables = folded(
        "What there is to ask",
        element(
            "p",
            "Tables: trials, curves, gradients, studies, study_trials, systems. Views: results (trials with "
            "floors, ceilings and scores), cells (one row per cell), pruned (what a search gave up early). "
            "DESCRIBE results lists columns.",
        ),
    )
    return section("Ask in SQL", tables, form, '<div id="rows" class="part" role="status"></div>')

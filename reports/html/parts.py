"""Escaped pieces of HTML: elements, tables that carry what they are sorted by, figures, queries."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..verdict import number
from .themed_svg import themed


class Shown(NamedTuple):
    """A value that is written otherwise than it sorts."""

    written: str | None
    key: float | None


class Bar(NamedTuple):
    """A share that is drawn and written; it sorts by the share."""

    written: str
    key: float


def text(value: object) -> str:
    """Any value as escaped text, '–' for none and for what is no number."""
    if isinstance(value, Bar):
        return f'<progress max="1" value="{value.key:.3f}"></progress> {html.escape(value.written)}'
    if isinstance(value, Shown):
        value = value.written
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if isinstance(value, float):
        return html.escape(number(value)) if value else "0"
    return html.escape(str(value))


def element(tag: str, content: object, *, css: str = "") -> str:
    """One element around escaped content."""
    attribute = f' class="{html.escape(css)}"' if css else ""
    return f"<{tag}{attribute}>{text(content)}</{tag}>"


def section(title: str, *content: str) -> str:
    """A part of a page under a heading; '' where it has no content."""
    if not any(content):
        return ""
    name = anchor(title)
    parts = "\n".join(filter(None, content))
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{text(title)}</h2>\n{parts}\n</section>'


def contents(sections: Sequence[str]) -> str:
    """Links to these sections."""
    found = [match for one in sections if (match := re.search(r'<h2 id="([^"]*)">(.*?)</h2>', one))]
    links = "".join(f'<li><a href="#{match[1]}">{match[2]}</a></li>' for match in found)
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>' if links else ""


def anchor(title: str) -> str:
    """'Runs that blew up' → 'runs-that-blew-up'."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "part"


def bullets(lines: Iterable[str], *, css: str = "") -> str:
    """A list; '' where there is nothing to list."""
    said = "".join(element("li", line) for line in lines)
    attribute = f' class="{css}"' if css else ""
    return f"<ul{attribute}>{said}</ul>" if said else ""


def folded(summary: str, content: str, *, css: str = "") -> str:
    """What is looked at on demand, with scripts or without."""
    attribute = f' class="{css}"' if css else ""
    return f"<details{attribute}><summary>{text(summary)}</summary>\n{content}\n</details>"


def sql(query: str, summary: str = "The SQL of this table") -> str:
    """A query to be copied; its button appears where there are scripts."""
    button = '<button type="button" class="copy" hidden>Copy</button>'
    code = f'<pre tabindex="0" aria-label="SQL"><code>{text(query)}</code></pre>'
    return folded(summary, button + code, css="sql")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numeric: Sequence[int] = (),
    css: Sequence[str] = (),
    caption: str = "",
    label: str = "",
) -> str:
    """A table that scrolls sideways; `numeric` columns are right-aligned, `css[i]` colours row i's ratio.

    Numbers carry their value in `data-v`: it is what a script sorts by, whatever is written. A table without
    a caption has a `label` for those who do not see what stands above it.
    """
    head = "".join(_head(name, "n" if i in numeric else "") for i, name in enumerate(columns))
    body = []
    for place, row in enumerate(rows):
        colour = css[place] if place < len(css) else ""
        cells = [
            _cell(value, f"{'n' if i in numeric else ''} {colour if name == 'ratio' else ''}".strip())
            for i, (name, value) in enumerate(zip(columns, row, strict=True))
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    said = element("caption", caption) if caption else ""
    named = f' aria-label="{html.escape(label)}"' if label else ""
    return (
        f'<div class="scroll"><table{named}>{said}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


LONG = 28
"""Letters from which on a cell is broken into lines."""
LONG_NAME = 18
"""The same of a column's name, which may be longer than all that stands below it."""


def _head(name: str, css: str) -> str:
    css = f"{css}{' t' if len(name) > LONG_NAME else ''}".strip()
    attribute = f' class="{css}"' if css else ""
    return f'<th scope="col"{attribute}>{text(name)}</th>'


def _cell(value: object, css: str) -> str:
    written = text(value)
    css += " t" if len(written) > LONG and not isinstance(value, Bar) else ""
    key = value.key if isinstance(value, Shown | Bar) else value
    attributes = f' class="{html.escape(css.strip())}"' if css else ""
    if isinstance(key, int | float) and not isinstance(key, bool) and math.isfinite(key):
        # NumPy writes its own floats as 'np.float64(1.0)'.
        attributes += f' data-v="{int(key) if isinstance(key, int) else float(key)!r}"'
    return f"<td{attributes}>{written}</td>"


def figure(svg: str, caption: str, name: str = "figure") -> str:
    """An SVG within the page and in its colours, with its caption; `name` is unique on the page."""
    drawn = f'<div role="img" aria-label="{html.escape(caption)}">{themed(svg, name)}</div>'
    said = element("figcaption", caption)
    return f'<figure class="themed">{drawn}{said}</figure>'

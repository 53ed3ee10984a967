"""Escaped pieces of HTML, and the query behind the table of cells."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Collection, Iterable, Sequence

from ..measures import MEASURES
from ..statistics import SMALLEST_SCORE
from ..trials import trial_filter
from ..verdict import number


def text(value: object) -> str:
    """Any value as escaped text, '–' for none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    return html.escape(number(value) if isinstance(value, float) else str(value))


def element(tag: str, content: object, *, css: str = "") -> str:
    """One element around escaped content."""
    attribute = f' class="{html.escape(css)}"' if css else ""
    return f"<{tag}{attribute}>{text(content)}</{tag}>"


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numeric: Sequence[int] = (),
    css: Sequence[str] = (),
) -> str:
    """A table that scrolls sideways; `numeric` columns are right-aligned, `css[i]` colours row i's ratio."""
    head = "".join(element("th", name, css="n" if i in numeric else "") for i, name in enumerate(columns))
    body = []
    for place, row in enumerate(rows):
        colour = css[place] if place < len(css) else ""
        cells = [
            element(
                "td", value, css=f"{'n' if i in numeric else ''} {colour if name == 'ratio' else ''}".strip()
            )
            for i, (name, value) in enumerate(zip(columns, row, strict=True))
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def figure(svg: str, caption: str) -> str:
    """An SVG within the page, with its caption for eyes and for screen readers."""
    return (
        f'<figure role="img" aria-label="{html.escape(caption)}">{_inline(svg)}'
        f"{element('figcaption', caption)}</figure>"
    )


def _inline(svg: str) -> str:
    """The SVG without what only a file of its own needs: prolog, document type, namespaces."""
    body = svg[svg.index("<svg") :]
    return re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", body).strip()


def cells_query(measure: str, *, studies: Sequence[str] = (), contexts: Collection[str] | None = None) -> str:
    """The SQL of the table of cells, complete: paste it into `orch sql`."""
    score = MEASURES[measure].score
    filtered = trial_filter(studies, contexts)
    return f"""SELECT system, architecture, context, regime_label AS regime, tau,
       count(*) AS trials,
       count(*) FILTER (status = 'diverged') AS diverged,
       count(*) FILTER (status = 'unbounded') AS unbounded,
       count(*) FILTER (status = 'failed') AS failed,
       exp(avg(ln(greatest(score, {SMALLEST_SCORE:g}))) FILTER (score IS NOT NULL)) AS {measure}_score,
       min(score) AS lowest,
       max(score) AS highest,
       median(d_h) FILTER (status = 'ok') AS median_d_h,
       median(psc) FILTER (status = 'ok') AS median_psc
FROM (SELECT *, {score} AS score FROM results{" " + filtered if filtered else ""})
GROUP BY system, architecture, context, context_id, regime_label, tau, cell_id
ORDER BY system, architecture, context, context_id, regime_label, tau, cell_id"""

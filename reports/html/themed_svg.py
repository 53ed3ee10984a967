"""A figure's SVG made part of a page: no prolog, ids of its own, and the page's colours, light or dark.

Colours become the CSS variables of page.css, so that ink is dark on a light page and light on a dark one;
those of letters are darker on the light one than those of lines.
"""

from __future__ import annotations

import re

from ..figures.style import COLOURS, GREY

VARIABLES = {
    **{colour.lower(): f"var(--c{place})" for place, colour in enumerate(COLOURS[:6], start=1)},
    GREY.lower(): "var(--soft)",
    "#808080": "var(--soft)",
    "#cccccc": "var(--line)",
    "#000000": "var(--ink)",
    "#ffffff": "var(--paper)",
}


def themed(svg: str, name: str) -> str:
    """The `<svg>` element of a figure of this name, unique on its page."""
    body = svg[svg.index("<svg") :].strip()
    # Comments repeat every text; the style of all elements is in page.css, where the policy allows it.
    for left_out in (r"<metadata>.*?</metadata>", r"<!--.*?-->", r"<style\b.*?</style>"):
        body = re.sub(rf"{left_out}\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", body)
    body = re.sub(r'\sid="([^"]*)"', rf' id="{name}-\1"', body)
    body = re.sub(r'href="#', f'href="#{name}-', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    body = re.sub(r"(?<=: )#[0-9a-f]{6}", lambda found: VARIABLES.get(found[0], found[0]), body)
    body = re.sub(r"<text [^>]*>", lambda found: found[0].replace("var(--c", "var(--t"), body)
    return re.sub(r'(?<= )(d|x|y)="[^"]*"', _shortened, body)


def _shortened(attribute: re.Match[str]) -> str:
    """Coordinates to hundredths of a point: more is not seen, and is a fifth of the page."""
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])

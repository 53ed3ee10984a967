"""The page in headless Chromium, from disk: nothing is fetched, tables sort, attractors turn, queries copy.

Run with `-m browser`; needs the extra `browser` and a Chromium on PATH.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.reports import compare
from orchestrator.reports.html import Attractor, Run, comparison_page

from .looked_at import CONTRASTS, PIXELS, UNNAMED
from .pages import attractors_of, made, trajectory

pytestmark = pytest.mark.browser


@dataclass
class Visit:
    """An opened page, and what it complained about or asked for."""

    page: Any
    said: list[str]
    asked: list[str]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of four contexts; the last panel of each attractor repeats the first."""
    connection = made(["lorenz63", "Rössler </script>"], 8)
    comparison = compare(connection, "clipping")
    attractors = [
        Attractor(
            a.context_id, a.title, ("x", "y", "z"), "Three.", (*a.runs[:3], Run("again", "", trajectory()))
        )
        for a in attractors_of(comparison)
    ]
    folder = tmp_path_factory.mktemp("a page")
    return comparison_page(comparison, connection, attractors=attractors).write(folder, stem="π page")[0]


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Callable[..., Visit]]:
    contexts = []

    def visit(**options: Any) -> Visit:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        contexts.append(context)
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.set_default_timeout(5000)
        page.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            settled(page)
        return Visit(page, said, asked)

    yield visit
    for context in contexts:
        context.close()


def settled(page: Any) -> None:
    """Two frames later: what was asked to be drawn is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def drawn(page: Any, figure: str = "#attractor-0") -> list[int]:
    settled(page)
    sums: list[int] = page.eval_on_selector_all(f"{figure} canvas", PIXELS)
    return sums


def column(page: Any, table: Any, place: int) -> list[str]:
    cells: list[str] = table.locator(f"tbody td:nth-child({place})").all_text_contents()
    return cells


def test_it_opens_from_disk_and_asks_for_nothing(opened: Callable[..., Visit], file: Path) -> None:
    visit = opened()
    assert visit.page.title() == "Every regime against clipping"
    assert visit.said == [] and visit.asked == [file.as_uri()]
    first = visit.page.locator("main > *").nth(2)
    assert "4 verdicts" in first.text_content() and first.bounding_box()["y"] < 200


def test_tables_sort_by_mouse_and_by_keys(opened: Callable[..., Visit]) -> None:
    page = opened().page
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    table = page.locator("table", has=page.locator("th", has_text="d_stsp_score")).first
    heads = table.locator("thead th")
    names = [name.strip() for name in heads.all_text_contents()]
    tau, regime = names.index("tau") + 1, names.index("regime") + 1
    before = column(page, table, tau)
    assert "–" in before and len(set(before)) == 10

    button = heads.nth(tau - 1).locator("button")
    button.click()
    rising = column(page, table, tau)
    numbers = sorted(int(cell) for cell in before if cell != "–")
    assert rising == [str(n) for n in numbers] + ["–"] * before.count("–")
    assert heads.nth(tau - 1).get_attribute("aria-sort") == "ascending"
    button.focus()
    page.keyboard.press("Enter")
    assert column(page, table, tau) == [str(n) for n in reversed(numbers)] + ["–"] * before.count("–")
    assert heads.nth(tau - 1).get_attribute("aria-sort") == "descending"

    # Stable: sorted by its first column alone, a table of one τ after the other stays so within it.
    heads.nth(0).locator("button").focus()
    page.keyboard.press("Space")
    assert table.locator("th[aria-sort]").count() == 1
    systems, falling = column(page, table, 1), column(page, table, tau)
    for system in set(systems):
        within = [t for s, t in zip(systems, falling, strict=True) if s == system]
        assert within[-2:] == ["–"] * 2
        assert [int(t) for t in within[:-2]] == sorted((int(t) for t in within[:-2]), reverse=True)
    heads.nth(regime - 1).locator("button").click()
    labels = list(dict.fromkeys(column(page, table, regime)))
    assert labels[:3] == ["clipping", "sparse_forcing(tau=5)", "sparse_forcing(tau=10)"]


def test_attractors_turn_together(opened: Callable[..., Visit]) -> None:
    page = opened(has_touch=True).page
    others = drawn(page, "#attractor-1")
    first = drawn(page)
    assert len(first) == 4 and len(set(first)) == 3 and first[0] == first[3]
    canvas = page.locator("#attractor-0 canvas").nth(1)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def changed(before: list[int]) -> list[int]:
        """Every panel is another, and the two of the same points still agree: one camera."""
        now = drawn(page)
        assert all(a != b for a, b in zip(before, now, strict=True)) and now[0] == now[3]
        return now

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 10, steps=4)
    page.mouse.up()
    dragged = changed(first)
    page.mouse.move(x - 40, y)
    assert drawn(page) == dragged

    session = page.context.new_cdp_session(page)
    for kind, at in (("Start", x), ("Move", x + 30), ("Move", x + 60), ("End", None)):
        points = [] if at is None else [{"x": at, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    touched = changed(dragged)

    canvas.focus()
    for key in ("ArrowLeft", "ArrowUp", "+", "ArrowRight", "ArrowDown", "-"):
        page.keyboard.press(key)
        touched = changed(touched)
    page.keyboard.press("0")
    assert drawn(page) == first
    assert drawn(page, "#attractor-1") == others


@pytest.mark.parametrize("allowed", [True, False])
def test_copying_gives_the_query(opened: Callable[..., Visit], allowed: bool) -> None:
    page = opened().page
    if allowed:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    else:
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
        page.context.grant_permissions(["clipboard-read"])
    sql = page.locator("details.sql").first
    sql.locator("summary").click()
    sql.locator("button").click()
    page.wait_for_function(
        "button => button.textContent === 'Copied'", arg=sql.locator("button").element_handle()
    )
    assert page.evaluate("navigator.clipboard.readText()") == sql.locator("code").text_content()


def test_light_and_dark(opened: Callable[..., Visit]) -> None:
    colours = "() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    light, dark = opened(color_scheme="light").page, opened(color_scheme="dark").page
    assert light.evaluate(colours) != dark.evaluate(colours)
    light.locator("#theme").click()
    assert light.evaluate(colours) == dark.evaluate(colours)
    assert light.locator("#theme").get_attribute("aria-label") == "Change to light"
    assert light.evaluate("() => [localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    light.reload()
    assert light.evaluate(colours) != dark.evaluate(colours)


def test_print_is_light_without_buttons_and_whole(opened: Callable[..., Visit]) -> None:
    page = opened(color_scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in ("#theme", "button.copy", "nav", "canvas", ".sql", ".hint"):
        assert page.locator(hidden).count() and not page.locator(hidden).first.is_visible(), hidden
    assert page.locator("#attractor-0 svg").first.is_visible()
    overview = page.locator("section table").first
    assert overview.is_visible() and overview.locator("th").first.inner_text().startswith("system")
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_keys_reach_everything_in_order(opened: Callable[..., Visit]) -> None:
    page = opened().page
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    reached = []
    for _ in range(600):
        page.keyboard.press("Tab")
        what = page.evaluate(
            "() => { const e = document.activeElement; const near = e.closest('nav, th, .sql, .headline');"
            "return [e.localName, e.className, near && near.localName].join(' '); }"
        )
        if what.startswith("body"):
            break
        reached.append(what)
        if len(reached) == 1:
            assert page.locator(".skip").bounding_box()["x"] >= 0
    order = ["a skip ", "button  ", "a  ul", "a  nav", "button  th", "button copy details", "canvas  "]
    places = [reached.index(what) for what in order]
    assert places == sorted(places), reached[:40]
    assert sum(what.startswith("canvas") for what in reached) == page.locator("canvas").count()


def test_without_scripts_it_reads_as_well(opened: Callable[..., Visit]) -> None:
    visit = opened(java_script_enabled=False)
    page = visit.page
    assert visit.said == []
    assert page.locator("canvas").count() == 0 and page.locator("#attractor-0 svg").count() == 4
    assert page.locator("#attractor-0 svg").first.is_visible()
    assert not page.locator("#theme").is_visible() and page.locator("button.copy:visible").count() == 0
    page.locator("details.sql > summary").first.click()
    assert page.locator("details.sql code").first.is_visible()
    link = page.locator(".headline a").nth(2)
    target = page.locator(link.get_attribute("href"))
    assert not target.is_visible()
    link.click()
    assert target.is_visible() and "Challenger over baseline" in target.inner_text()


def test_everything_has_a_name_and_every_letter_is_seen(opened: Callable[..., Visit]) -> None:
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme).page
        assert page.evaluate(UNNAMED) == []
        assert page.evaluate(CONTRASTS) == {}, scheme
        assert page.locator("html").get_attribute("lang") == "en"


def test_narrow_screens_scroll_tables_not_the_page(opened: Callable[..., Visit]) -> None:
    page = opened(viewport={"width": 400, "height": 800}).page
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    frame = page.locator(".scroll.clipped-right").first
    assert frame.get_attribute("tabindex") == "0" and frame.get_attribute("role") == "group"
    assert page.locator("caption").evaluate_all("all => all.every((one) => one.clientWidth <= 400)")
    frame.focus()
    frame.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    settled(page)
    assert "clipped-right" not in page.locator(".scroll.clipped-left").first.get_attribute("class")
    sizes = page.locator("#attractor-0 .view").evaluate_all("all => all.map((one) => one.clientWidth)")
    assert np.ptp(sizes) <= 1

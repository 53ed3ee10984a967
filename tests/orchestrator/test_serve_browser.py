"""The live page in headless Chromium, from the real server: it fills, follows, keeps what was opened.

Run with `-m browser`; needs the extra `browser` and a Chromium on PATH.
"""

import pyarrow.parquet as pq
import pytest

from orchestrator import journal

pytestmark = pytest.mark.browser


def test_the_page_follows_the_results_and_keeps_what_a_reader_did(browser, smoke_copy):
    said = []
    folder = smoke_copy.results / "journal"
    row = pq.read_table(next((folder / "trials").iterdir())).to_pylist()[0]
    with smoke_copy.served() as address:
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.set_default_timeout(20_000)

        def states(words):
            page.locator("#state", has_text=words).wait_for()

        page.goto(f"{address}?study=")  # all results: what comes belongs to no study
        page.locator("#state", has_text="6 trials, read from the database").wait_for(timeout=90_000)
        assert page.title() == "Every regime against clipping"
        assert page.locator("#report figure.attractor canvas").count() > 1
        assert "6 of 6 trials" in page.inner_text("#progress")

        # Sorted and opened by hand, and so it stays when a trial comes in and the table is replaced.
        trials = page.locator('[data-name="trials"]')
        head = trials.locator("th", has_text="seed").first
        head.locator("button").click()
        head.locator("button").click()
        trials.locator("details.sql").evaluate("one => { one.open = true; }")
        before = trials.locator("tbody tr").count()
        journal.write(folder, "trials", "new", [{**row, "trial_id": "new", "seed": 77}])
        states("7 trials")
        assert trials.locator("tbody tr").count() == before + 1
        assert head.get_attribute("aria-sort") == "descending"
        assert "77" in trials.locator("tbody tr").first.inner_text().split("\t")
        assert trials.locator("details.sql").evaluate("one => one.open")

        page.fill("#sql textarea", "SELECT '<b>' AS x, count(*) AS n FROM trials")
        page.press("#sql textarea", "Control+Enter")
        page.wait_for_selector("#rows td")
        assert page.locator("#rows td").all_text_contents() == ["<b>", "7"]
        page.fill("#sql textarea", "DROP TABLE trials")
        page.click("#sql button")
        page.locator("#rows", has_text="reads and nothing else").wait_for()

        page.select_option("#question select[name=compare]", "sparse_forcing")
        page.click("#question button")
        page.locator("#report h1", has_text="Every regime against sparse_forcing").wait_for()
        assert "compare=sparse_forcing" in page.url

        assert [one for one in said if "422" not in one] == []  # Chromium logs that an answer was a refusal
    states("Not connected")
    page.close()

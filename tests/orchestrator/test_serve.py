"""`orch serve`: the real server over a real run, and who may ask it what."""

import asyncio
import json
import math
import os
import re
import time
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from orchestrator import journal, provenance, running
from orchestrator.checkpoint import Keeper
from orchestrator.course import Course
from orchestrator.errors import OrchError
from orchestrator.planning import plan_study
from orchestrator.query import Limits, ask
from orchestrator.recording import record_study
from orchestrator.serving.guard import Guard, is_loopback
from orchestrator.serving.news import SHARE, News
from orchestrator.serving.under_way import _course, in_focus, progress_html
from orchestrator.serving.watch import progress_changed, results_changed
from orchestrator.serving.workers import LOST, TOO_LONG, Worker
from orchestrator.store import Store


@pytest.fixture(scope="module")
def served(smoke):
    with smoke.served() as address, httpx.Client(base_url=address, timeout=240) as client:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        yield client


def test_the_report_that_is_served_is_the_one_that_is_written(served, smoke):
    out, _ = smoke.here("report", "lorenz_smoke", "--html")
    written = Path(out.split()[0]).read_text(encoding="utf-8")
    assert served.get("/page", params={"study": "lorenz_smoke"}).text == written
    parts = served.get("/report", params={"study": "lorenz_smoke"}).json()["parts"]
    names = [part["name"] for part in parts]
    assert {"comparison", "attractors", "learning-curves", "trials"} <= set(names)
    assert len(set(names)) == len(names)
    whole = "".join(part["html"] for part in parts)
    assert "<h1>Every regime against clipping</h1>" in whole and whole.count("<svg") == written.count("<svg")
    # A page that has a part is not sent it again.
    have = ",".join(f"{part['name']}:{part['digest']}" for part in parts[1:])
    again = served.get("/report", params={"study": "lorenz_smoke", "have": have}).json()["parts"]
    assert [part["name"] for part in again if part["html"] is not None] == [names[0]]
    moved = f"trials:{parts[0]['digest']}"  # what is held under another name is not that part
    again = served.get("/report", params={"study": "lorenz_smoke", "have": moved}).json()["parts"]
    assert all(part["html"] is not None for part in again)


def test_page_fetches_nothing_from_elsewhere_and_may_not(served):
    answer = served.get("/")
    assert not re.search(r"https?:|\bsrc=|@import|<link", answer.text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', answer.text)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "connect-src 'self'" in policy
    for name in ("x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"):
        assert name in answer.headers
    assert "6 of 6 trials, 100% of the work" in served.get("/progress").json()["html"]


def test_names_that_are_not_there_are_said_with_what_is(served):
    (form, why) = served.get("/report", params={"compare": "cliping"}).json()["parts"]
    assert "sparse_forcing" in form["html"] and "There are clipping, sparse_forcing" in why["html"]
    assert "no report is named" in served.get("/report?kind=tao").json()["parts"][-1]["html"]
    assert "no study of that name was run here" in served.get("/progress?study=x").json()["html"]
    answer = served.get("/page", params={"study": "x"})
    assert answer.status_code == 404 and "there are results for lorenz_smoke" in answer.text


@pytest.mark.parametrize(
    "query, said",
    [
        ("SELECT count(*) AS n FROM trials", 'data-v="6"'),
        ("SELECT '<script>alert(1)</script>' AS x", "&lt;script&gt;"),
        ("SELECT * FROM range(2000)", "The first 1,000 rows of more"),
        ("DELETE FROM trials", "reads and nothing else"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("COPY trials TO 'stolen.csv'", "reads and nothing else"),
        ("SELECT * FROM read_text('/etc/passwd')", "disabled by configuration"),
        ("SELECT * FROM 'https://example.org/x.parquet'", "disabled by configuration"),
        ("SET memory_limit = '100GB'", "reads and nothing else"),
        ("SELECT INTERVAL 10000000 YEARS", "sql:"),
        ("SELECT * FROM range(100000000) t(i) ORDER BY hash(i)", "sql:"),  # what it would need a disk for
        ("", "an empty query"),
    ],
)  # fmt: skip
def test_sql_reads_and_nothing_else(served, smoke, query, said):
    answer = served.post("/sql", json={"query": query})
    assert answer.status_code in (200, 422) and said in (
        answer.json()["html"] if answer.status_code == 200 else answer.text
    )
    assert not (smoke.directory / "stolen.csv").exists()


def test_sql_has_limits(smoke):
    began = time.monotonic()
    with pytest.raises(OrchError, match=r"stopped after 0\.3 s"):
        ask(smoke.results, "SELECT count(*) FROM range(1000000000), range(1000)", limits=Limits(seconds=0.3))
    assert time.monotonic() - began < 10
    with pytest.raises(OrchError, match="Out of Memory"):
        ask(smoke.results, "SELECT list(i) FROM range(50000000) t(i)", limits=Limits(memory="50MiB"))
    with pytest.raises(OrchError, match=r"extract_statements|surrogates"):
        ask(smoke.results, "SELECT '\ud800'", limits=Limits())
    found = ask(smoke.results, "SELECT * FROM range(11)", limits=Limits(rows=11))
    assert len(found.rows) == 11 and not found.is_cut


@pytest.mark.parametrize(
    "method, path, options, code",
    [
        ("GET", "/", {"headers": {"Host": "rebound.example"}}, 421),
        ("GET", "/", {"headers": {"Host": "127.0.0.1.rebound.example"}}, 421),
        ("GET", "/", {"headers": {"Host": "localhost:9000"}}, 200),  # forwarded by ssh
        ("POST", "/sql", {"headers": {"Origin": "http://evil.example"}, "json": {"query": "SELECT 1"}}, 403),
        ("POST", "/sql", {"headers": {"Origin": "null"}, "json": {"query": "SELECT 1"}}, 403),
        ("POST", "/sql", {"content": '{"query": ""}', "headers": {"Content-Type": "text/plain"}}, 415),
        ("GET", "/", {"headers": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}}, 403),
        ("GET", "/", {"headers": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}}, 200),
        ("POST", "/sql", {"headers": {"Origin": "http://[::1"}, "json": {"query": "SELECT 1"}}, 403),
        ("POST", "/sql", {"json": ["SELECT 1"]}, 400),
        ("POST", "/sql", {"content": "[" * 50_000, "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/sql", {"json": {"query": "-" * 200_000}}, 413),
        ("GET", "/sql", {}, 405),
    ],
)  # fmt: skip
def test_who_may_ask(served, method, path, options, code):
    assert served.request(method, path, **options).status_code == code


def test_elsewhere_than_on_this_machine_a_token_is_asked_for():
    async def ask_with(**given):
        app = Guard(Starlette(routes=[Route("/", _yes)]), token="secret-1", cookie="orch_1")
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://box.example:1") as client:
            return await client.get("/", **given)

    assert asyncio.run(ask_with()).status_code == 401
    assert asyncio.run(ask_with(params={"token": "secret"})).status_code == 401
    assert asyncio.run(ask_with(headers={"Cookie": "orch_1=secret; orch_2=secret-x"})).status_code == 401
    welcome = asyncio.run(ask_with(params={"token": "secret-1", "study": "a b"}))
    assert welcome.status_code == 303 and welcome.headers["location"] == "/?study=a+b"
    cookie = welcome.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    shown = {"Cookie": cookie.partition(";")[0]}
    assert asyncio.run(ask_with(headers=shown)).text == "yes"
    assert asyncio.run(ask_with(headers={**shown, "Origin": "http://evil.example"})).status_code == 403
    assert is_loopback("::1") and is_loopback("127.9.9.9") and is_loopback("LOCALHOST")
    assert not any(map(is_loopback, ("0.0.0.0", "", "::", "localhost.evil.example", "128.0.0.1")))


async def _yes(request):
    return PlainTextResponse("yes")


def test_a_foreign_host_needs_a_token_from_the_command_line_on(orch):
    with orch.served("--host", "0.0.0.0") as address:
        port, token = re.search(r":(\d+)/\?token=(\S{20,})$", address).groups()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True, timeout=240) as client:
            assert client.get("/").status_code == 401
            page = client.get("/", params={"token": token})
            assert page.status_code == 200 and token not in str(page.url)
            answer = client.get("/report").json()  # by its cookie; the folder is not even there
            assert answer["title"] == "No results yet" and "orch study run" in answer["parts"][0]["html"]
    assert not orch.results.exists()


def test_a_port_that_is_taken_is_said(served, orch):
    port = str(served.base_url.port)
    _, err = orch("serve", "--port", port, code=1)
    assert f"127.0.0.1:{port} cannot be served" in err
    _, err = orch("serve", "--host", "no.such.host.invalid", code=2)
    assert "no such address" in err


LOOKS = {"results": results_changed, "progress": progress_changed}


def told(news: News) -> list[str]:
    """What changed since the last look, as a page that listens hears it."""
    before = dict(news.editions)
    news.look()
    return [name for name, edition in news.editions.items() if edition != before[name]]


def test_news_are_of_what_comes_and_of_what_falls_silent(tmp_path):
    news = News(tmp_path, LOOKS, is_over=lambda: False)
    assert told(news) == []
    journal.write(tmp_path / "journal", "trials", "one", [{"trial_id": "a"}])
    assert told(news) == ["results", "progress"] and told(news) == []
    lit = running.Beacon(tmp_path, "mine", "d")  # one that tells when it is told to
    lit.tell(lambda: {"total": 1, "done": 0, "seconds_left": None, "stacks": []})
    assert told(news) == ["progress"]
    old = time.time() - running.STALE_SECONDS + 0.5
    os.utime(lit.path, (old, old))
    told(news)
    time.sleep(1)  # its driver was killed: no file changes any more
    assert told(news) == ["progress"] and told(news) == []
    lit.put_out()
    assert told(news) == ["progress"]


def test_what_takes_long_to_answer_is_seldom_news(tmp_path):
    news = News(tmp_path, LOOKS, is_over=lambda: False)
    for _ in range(2):  # the first, which starts a process, does not count
        with news.timed("results"):
            time.sleep(0.05)
    journal.write(tmp_path / "journal", "trials", "one", [{"trial_id": "a"}])
    assert told(news) == ["results", "progress"]
    journal.write(tmp_path / "journal", "trials", "two", [{"trial_id": "b"}])
    assert told(news) == ["progress"]
    time.sleep(0.05 / SHARE + 0.3)
    assert told(news) == ["results"]


def test_streams_tell_everything_at_first_and_end_with_the_server(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.serving.news.LOOK_SECONDS", 0.01)
    over = False

    async def listen():
        nonlocal over
        news = News(tmp_path, LOOKS, is_over=lambda: over)
        stream = news.stream()
        said = [await anext(stream)]
        news.editions["progress"] += 1
        said.append(await anext(stream))
        over = True
        return said, [event async for event in stream]

    said, rest = asyncio.run(asyncio.wait_for(listen(), 10))
    assert [re.findall("event: (.*)", one) for one in said] == [["results", "progress"], ["progress"]]
    assert rest == []


def test_a_process_that_dies_or_hangs_costs_its_answer_alone(capfd):
    async def answers():
        worker = Worker(seconds=2, memory=2**31)
        try:
            return [
                await worker.answer(os._exit, 1),
                await worker.answer(time.sleep, 60),
                await worker.answer(bytes, 2**32),
                await worker.answer(json.loads, '{"html": "well"}'),
            ]
        finally:
            worker.stop()

    lost, long, large, well = asyncio.run(answers())
    assert (lost, long, well) == ({"problem": LOST}, {"problem": TOO_LONG}, {"html": "well"})
    assert "MemoryError" in large["problem"] and "Traceback" in capfd.readouterr().err


def test_a_report_keeps_no_writer_out(smoke_copy):
    with Store(smoke_copy.results).copied() as (connection, _):
        new = smoke_copy.results / "journal"
        row = {"trial_id": "new", "status": "ok", "d_stsp": 1.0}
        journal.write(new, "trials", "new", [row])
        assert Store(smoke_copy.results).ingest() == 1
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (6,)


def test_curves_are_not_those_of_survivors():
    """Three of five diverge at epoch 1: from there on the median is none; another stack is not so far yet."""
    members = [[{"epoch": 1, "quantity": "loss", "value": 12.0}] for _ in range(3)]
    members += [[{"epoch": e, "quantity": "loss", "value": 0.1} for e in (1, 2, 3)] for _ in range(2)]
    (course,) = _course("x", [members], "loss")
    assert course.epochs == (1, 2, 3) and course.middle == (12.0, math.inf, math.inf)
    (course,) = _course("x", [members[3:], members[:3]], "loss")
    assert course.middle == (12.0, 0.1, 0.1)
    unbounded = [{"epoch": 2, "quantity": "unbounded_step", "value": 7}]
    (course,) = _course("x", [[unbounded, unbounded, members[4]]], "d_stsp")
    assert course.middle == (math.inf,)


def test_progress_shows_what_is_placed_and_what_was_begun(smoke_copy):
    import torch

    plan = plan_study("lorenz_smoke", smoke_copy.results, overrides=["seeds.count=6"])
    record_study(plan.study, plan.study.trial_ids(), smoke_copy.results)
    cell = next(cell.first for cell in plan.cells if cell.first.regime_label == "sparse_forcing(tau=10)")
    ids = cell.ids_of([2, 3])
    course = Course(2, total=6)
    for member, losses in enumerate([(0.5, 0.4, 0.3), (0.5, 0.4)]):  # the other diverged
        for epoch, loss in enumerate(losses, start=1):
            course.append(member, epoch, "loss", loss)
    kept = Keeper(smoke_copy.results, ids, fingerprint=provenance.fingerprint(cell), device="cpu")
    kept.save({"w": torch.zeros(1)}, {"epoch": 3, "course": course.state()})
    html = progress_html(smoke_copy.results, in_focus(smoke_copy.results))
    assert (
        "lorenz_smoke: 6 of 18 trials, 39% of the work" in html and "2 seeds at epoch 3 of 6, waiting" in html
    )
    assert "No run is under way here" in html and html.count("<svg") == 1

    lit = running.Beacon(smoke_copy.results, "lorenz_smoke", plan.study.definition_id)
    stacks = [{"cell_id": cell.cell_id, "seeds": [2, 3], "epoch": 5}]
    lit.tell(lambda: {"total": 12, "done": 0, "seconds_left": 90.0, "stacks": stacks})
    html = progress_html(smoke_copy.results, in_focus(smoke_copy.results))
    assert "2 seeds at epoch 5 of 6<" in html and "0 of 12 trials, about 2 min left" in html
    old = time.time() - 2 * running.STALE_SECONDS
    os.utime(lit.path, (old, old))
    assert running.runs(smoke_copy.results) == []  # its driver was killed
    lit.put_out()
    assert not (smoke_copy.results / ".running").exists()

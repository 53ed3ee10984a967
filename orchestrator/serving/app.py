"""The addresses of the live page."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from ..query import Limits
from . import answering
from .answering import Plain
from .asked import Asked
from .guard import Guard
from .news import LOOK_SECONDS, News
from .watch import progress_changed, results_changed
from .workers import Worker

PATIENCE_SECONDS = 300.0
"""How long a report may take."""

KEPT_SECONDS = 30.0
"""How long an answer serves whoever else asks the same."""

LONGEST_QUERY = 100_000
"""Bytes of a question in SQL."""

QUESTION_BYTES = 3 * 2**30
"""Memory that the process which answers them may come to hold."""


@dataclass(frozen=True)
class _Kept:
    edition: int
    at: float
    found: Plain


class Server:
    """One results folder, to be asked about."""

    def __init__(self, results: Path, *, is_over: Callable[[], bool] = lambda: False) -> None:
        self.results = results
        looks = {"results": results_changed, "progress": progress_changed}
        self.news = News(results, looks, is_over=is_over)
        self.reports = Worker(seconds=PATIENCE_SECONDS)
        self.looking = Worker(seconds=PATIENCE_SECONDS)
        self.questions = Worker(seconds=Limits.seconds + 5, memory=QUESTION_BYTES)
        self._turns = {"results": asyncio.Lock(), "progress": asyncio.Lock()}
        self._kept: dict[tuple[str, Asked], _Kept] = {}

    async def page(self, request: Request) -> Response:
        """The document."""
        found = await self.looking.answer(answering.page, self.results, _asked(request))
        return _problem(found) or HTMLResponse(found["html"])

    async def progress(self, request: Request) -> Response:
        """How far studies are."""
        found = await self._followed("progress", self.looking, answering.progress, request)
        return _problem(found) or JSONResponse(found)

    async def report(self, request: Request) -> Response:
        """The parts of the report, without the text of those that the page has: `have` is name:digest, …"""
        have = set(request.query_params.get("have", "").split(","))
        found = await self._followed("results", self.reports, answering.report, request)
        if "problem" in found:
            return _problem(found) or Response()
        parts = [
            part if f"{part['name']}:{part['digest']}" not in have else {**part, "html": None}
            for part in found["parts"]
        ]
        return JSONResponse({**found, "parts": parts})

    async def _followed(
        self, name: str, worker: Worker, answering: Callable[..., Plain], request: Request
    ) -> Plain:
        """An answer that is made anew when there is news of that name; pages that ask the same share it."""
        asked = _asked(request)
        async with self._turns[name]:
            if await request.is_disconnected():
                return {"problem": "nobody waits for it"}
            edition = self.news.editions[name]
            kept = self._kept.get((name, asked))
            if kept and kept.edition == edition and time.monotonic() - kept.at < KEPT_SECONDS:
                return kept.found
            with self.news.timed(name):
                found = await worker.answer(answering, self.results, asked)
            now = time.monotonic()
            self._kept = {key: one for key, one in self._kept.items() if now - one.at < KEPT_SECONDS}
            if "problem" not in found:
                self._kept[name, asked] = _Kept(edition, now, found)
            return found

    async def whole(self, request: Request) -> Response:
        """The report as one file."""
        found = await self.reports.answer(answering.whole, self.results, _asked(request))
        if "problem" in found:
            return _problem(found, 404) or Response()
        name = found["name"].encode("ascii", "replace").decode().replace("?", "-")
        return HTMLResponse(found["html"], headers={"Content-Disposition": f'inline; filename="{name}"'})

    async def sql(self, request: Request) -> Response:
        """What a question in SQL is answered."""
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return PlainTextResponse("application/json was expected\n", 415)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_QUERY:
                return PlainTextResponse(f"more than {LONGEST_QUERY:,} bytes\n", 413)
        try:
            query = json.loads(body)["query"]
        except (ValueError, KeyError, TypeError, RecursionError):
            query = None
        if not isinstance(query, str):
            return PlainTextResponse('{"query": "SELECT …"} was expected\n', 400)
        found = await self.questions.answer(answering.sql, self.results, query)
        return _problem(found) or JSONResponse(found)

    async def events(self, request: Request) -> Response:
        """Server-sent events: what there is news of."""
        headers = {"X-Accel-Buffering": "no"}
        return StreamingResponse(self.news.stream(), media_type="text/event-stream", headers=headers)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Looks for news; the processes that answer end with the server."""
        tending = asyncio.create_task(self._tend())
        looking = asyncio.create_task(self.news.keep_looking())
        try:
            yield
        finally:
            for task in (tending, looking):
                task.cancel()
            self._stop()

    async def _tend(self) -> None:
        """End processes that are not asked any more; all of them, and who waits for them, when it is over."""
        while not self.news.is_over():
            for worker in (self.reports, self.looking, self.questions):
                worker.rest()
            await asyncio.sleep(min(LOOK_SECONDS, 0.2))
        self._stop()

    def _stop(self) -> None:
        for worker in (self.reports, self.looking, self.questions):
            worker.stop()


def make_app(
    results: Path,
    *,
    token: str | None = None,
    cookie: str = "orch",
    is_over: Callable[[], bool] = lambda: False,
) -> ASGIApp:
    """The application, for any ASGI server."""
    server = Server(results, is_over=is_over)
    app = Starlette(
        routes=[
            Route("/", server.page),
            Route("/progress", server.progress),
            Route("/report", server.report),
            Route("/page", server.whole),
            Route("/sql", server.sql, methods=["POST"]),
            Route("/events", server.events),
            Route("/favicon.ico", _nothing),
        ],
        lifespan=server.lifespan,
    )
    return Guard(app, token=token, cookie=cookie)


async def _nothing(request: Request) -> Response:
    return Response(status_code=204)


def _asked(request: Request) -> Asked:
    return Asked.of(request.query_params.multi_items())


def _problem(found: dict[str, Any], code: int = 422) -> Response | None:
    """In plain words why there is no answer."""
    return PlainTextResponse(f"{found['problem']}\n", code) if "problem" in found else None

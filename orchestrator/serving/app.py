"""The addresses of the live page, and the events that tell it to ask again."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ..query import Limits
from . import answering
from .asked import Asked
from .guard import Guard
from .watch import Times, progress_changed, results_changed
from .workers import Workers

LOOK_SECONDS = 1.0
"""How often it is looked whether something has changed."""

SHARE = 0.05
"""Of a core that each kind of answer may take from a study that runs: what took long is seldom news."""

ALIVE_SECONDS = 15.0
"""How often a connection without news is written to: that is how a page that has gone is found out."""

PATIENCE_SECONDS = 300.0
"""How long a report may take."""

LONGEST_QUERY = 100_000
"""Bytes of a question in SQL."""


class Server:
    """One results folder, to be asked about."""

    def __init__(self, results: Path, *, is_over: Callable[[], bool] = lambda: False) -> None:
        self.results = results
        self.is_over = is_over
        """Whether connections are to be closed, for the server goes."""
        self.reports = Workers(1, seconds=PATIENCE_SECONDS)
        self.looking = Workers(1, seconds=PATIENCE_SECONDS)
        self.questions = Workers(1, seconds=Limits.seconds + 5)
        self._seconds = {"results": 0.0, "progress": 0.0}
        self._making = asyncio.Lock()
        self._kept: tuple[Asked, Times, dict[str, Any]] | None = None

    async def page(self, request: Request) -> Response:
        """The document."""
        return HTMLResponse(answering.page(self.results, _asked(request)))

    async def progress(self, request: Request) -> Response:
        """How far studies are."""
        with self._timed("progress"):
            found = await self.looking.answer(answering.progress, self.results, _asked(request))
        return _json(found)

    async def report(self, request: Request) -> Response:
        """The parts of the report that the page does not have yet."""
        have = frozenset(request.query_params.get("have", "").split(".")) - {""}
        asked = _asked(request)
        async with self._making:  # pages that look at one study ask the same: it is made once
            changed = results_changed(self.results)
            if self._kept is None or self._kept[:2] != (asked, changed):
                with self._timed("results"):
                    found = await self.reports.answer(answering.report, self.results, asked)
                if "problem" in found:
                    return PlainTextResponse(f"{found['problem']}\n", 500)
                self._kept = (asked, changed, found)
            found = self._kept[2]
        parts = [
            {key: value for key, value in part.items() if key != "html" or part["digest"] not in have}
            for part in found["parts"]
        ]
        return JSONResponse({**found, "parts": parts})

    async def whole(self, request: Request) -> Response:
        """The report as one file."""
        found = await self.reports.answer(answering.whole, self.results, _asked(request))
        if "problem" in found:
            return PlainTextResponse(f"{found['problem']}\n", 404)
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
        except (ValueError, KeyError, TypeError):
            query = None
        if not isinstance(query, str):
            return PlainTextResponse('{"query": "SELECT …"} was expected\n', 400)
        return _json(await self.questions.answer(answering.sql, self.results, query))

    async def events(self, request: Request) -> Response:
        """Server-sent events: `results` and `progress`, when there is something new, and both at first."""
        headers = {"X-Accel-Buffering": "no"}
        return StreamingResponse(self._news(), media_type="text/event-stream", headers=headers)

    async def _news(self) -> AsyncIterator[str]:
        """Ends when the server goes; when the page goes, at the next write."""
        looks = {"results": results_changed, "progress": progress_changed}
        told: dict[str, Times] = {}
        not_before = dict.fromkeys(looks, 0.0)
        written = time.monotonic()
        while not self.is_over():
            now = time.monotonic()
            said = ""
            for name, changed in looks.items():
                # Looked at before the page asks, so that what comes meanwhile is news again.
                if now >= not_before[name] and (there := changed(self.results)) != told.get(name):
                    told[name] = there
                    not_before[name] = now + max(LOOK_SECONDS, self._seconds[name] / SHARE)
                    said += f"event: {name}\ndata: changed\n\n"
            if said or now - written >= ALIVE_SECONDS:
                written = now
                yield said or ": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        """How long an answer takes, by the name of its news."""
        began = time.monotonic()
        yield
        self._seconds[name] = time.monotonic() - began

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """The processes that answer end with the server."""
        try:
            yield
        finally:
            for workers in (self.reports, self.looking, self.questions):
                workers.stop()


def make_app(
    results: Path,
    *,
    token: str | None = None,
    cookie: str = "orch",
    is_over: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The application, for any ASGI server."""
    server = Server(results, is_over=is_over)
    return Starlette(
        routes=[
            Route("/", server.page),
            Route("/progress", server.progress),
            Route("/report", server.report),
            Route("/page", server.whole),
            Route("/sql", server.sql, methods=["POST"]),
            Route("/events", server.events),
            Route("/favicon.ico", _nothing),
        ],
        middleware=[Middleware(Guard, token=token, cookie=cookie)],
        lifespan=server.lifespan,
    )


async def _nothing(request: Request) -> Response:
    return Response(status_code=204)


def _asked(request: Request) -> Asked:
    return Asked.of(request.query_params.multi_items())


def _json(found: dict[str, Any]) -> Response:
    """An answer, or in plain words why there is none."""
    if "problem" in found:
        return PlainTextResponse(found["problem"], 422)
    return JSONResponse(found)

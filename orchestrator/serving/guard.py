"""Who may ask: what stands before the application.

A page in a browser can send requests to 127.0.0.1 from wherever it came: under a name of its own that it
lets point here (its Host tells), or across origins (its Origin does). Who serves beyond this machine wants a
token of every visitor.
"""

import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

NO_TOKEN = "This page wants the token that `orch serve` printed: open the address that it printed.\n"


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, as no other reaches it."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses what the module says, and puts HEADERS on every answer.

    Args:
        token: what every request has to show, in a cookie or as `Authorization: Bearer`; None for none.
        cookie: the cookie's name: cookies do not tell ports apart.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, cookie: str) -> None:
        self.app = app
        self.token = token
        self.cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # no websockets here

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self._refused(scope)
        await (refused or self.app)(scope, receive, with_headers)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        # With a token a foreign name is harmless: the cookie goes to the name that it was set for.
        if self.token is None and not is_loopback(_name(host)):
            return PlainTextResponse(f"This serves 127.0.0.1, not {host}.\n", 421)
        if _from_elsewhere(headers, host):
            return PlainTextResponse("Asked from another page.\n", 403)
        if self.token is None:
            return None
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        shown = [value for name, value in pairs if name == "token"]
        if shown and scope["method"] == "GET" and self._fits(shown[-1]):
            # Out of the address, where it would stand in the history and on the screen.
            rest = urlencode([pair for pair in pairs if pair[0] != "token"])
            response = RedirectResponse(f"{scope['path']}{'?' if rest else ''}{rest}", 303)
            response.set_cookie(self.cookie, self.token, httponly=True, samesite="lax", path="/")
            return response
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._fits(bearer) or self._fits(_cookie(headers.get("cookie", ""), self.cookie)):
            return None
        return PlainTextResponse(NO_TOKEN, 401)

    def _fits(self, shown: str) -> bool:
        """Compared in a time that tells nothing of how much of it was right."""
        assert self.token is not None
        return hmac.compare_digest(shown.encode(errors="replace"), self.token.encode())


def _from_elsewhere(headers: Headers, host: str) -> bool:
    """Whether a page of another origin asks, but for a link to here that was clicked in it."""
    origin = headers.get("origin")
    if origin is not None:
        try:
            return urlsplit(origin).netloc != host
        except ValueError:
            return True
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode")
    return site not in ("none", "same-origin") and mode != "navigate"


def _name(host: str) -> str:
    """A Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""

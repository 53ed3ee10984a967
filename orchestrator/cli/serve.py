"""`orch serve`: the report as it stands and how far studies are, in a browser."""

import errno
import os
import secrets
import socket
import sys
import threading
from typing import Annotated

import typer

from ..errors import OrchError, UsageError
from .output import ResultsOption


def serve(
    port: Annotated[int, typer.Option(help="Port; 0 takes one that is free.", min=0, max=65535)] = 8765,
    host: Annotated[
        str, typer.Option(help="Address to serve at. Beyond this machine a token is asked of visitors.")
    ] = "127.0.0.1",
    token: Annotated[
        bool,
        typer.Option(
            "--token", help="Ask for a token here too, as others who use this machine see its ports."
        ),
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser at the page.")] = False,
    results: ResultsOption = None,
) -> None:
    """Serve a page that follows the results while studies run: progress, curves, the report, a box for SQL.

    It changes no result. Start it before, during or after a run, in any terminal that sees the folder. Ctrl-C
    ends it; the address is printed on stdout.
    """
    import uvicorn

    from ..catalogue import results_folder
    from ..serving.app import make_app
    from ..serving.guard import is_loopback

    folder = results_folder(results)
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    secret = secrets.token_urlsafe(24) if token or not is_loopback(host) else None
    server: uvicorn.Server
    app = make_app(folder, token=secret, cookie=f"orch_{port}", is_over=lambda: server.should_exit)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    )
    address = f"http://{_reached_at(host)}:{port}/{f'?token={secret}' if secret else ''}"
    print(address, flush=True)
    print(f"serving {folder}; Ctrl-C ends it", file=sys.stderr)
    if open_browser:
        import webbrowser

        # Beside: one for terminals would wait for a page that nobody serves yet.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:  # raised again by uvicorn when it has closed down
        pass
    finally:
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens, before anything is said: a port that is taken is a user's to know."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise UsageError(f"--host {host}: no such address") from None
    family, kind, protocol, _, where = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name != "nt":  # where it would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(128)
    except OSError as error:
        listening.close()
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        hint = "; --port 0 takes a port that is free" if taken else ": is it an address of this machine?"
        raise OrchError(f"{host}:{port} cannot be served: {error.strerror}{hint}") from None
    return listening


def _reached_at(host: str) -> str:
    """How a browser writes it."""
    if host.strip("[]") in ("", "0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host.strip('[]')}]" if ":" in host else host

"""The blackboard as a page that this machine serves to browsers on the same machine."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from chainrule._src.base.errors import OptionError
from chainrule._src.blackboard import built
from chainrule._src.blackboard.access import NONCE, Guard
from chainrule._src.blackboard.conversation import Conversation
from chainrule._src.blackboard.handover import Invite
from chainrule._src.blackboard.outbox import Outbox
from chainrule._src.compile.running.threads import one_for_products

if TYPE_CHECKING:
    from chainrule._src.blackboard.session import Steered

LOOPBACK = "127.0.0.1"
WHOLE = 2**20  # bytes of a message, at most; smaller ones that are too long get an error answer
PATIENCE = 1  # seconds for connections to end
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Blackboard</title>
<link rel="icon" href="data:,">
<link rel="modulepreload" href="/blackboard.js">
<link rel="stylesheet" href="/start.css">
<div id="blackboard"></div>
<script type="module" src="/start.js" nonce="{nonce}"></script>
</html>
"""
# The used token is removed from the address, which may be read out, bookmarked and shared.
START = """import { open } from "/blackboard.js";
const address = new URL(location.href);
address.searchParams.delete("token");
history.replaceState(null, "", address);
open(document.getElementById("blackboard"));
"""
STYLE = "html, body, #blackboard { height: 100%; margin: 0; }\n"


def serve(make: Callable[[], Steered], on_start: Callable[[Invite], Any], port: int = 0) -> None:
    """Serve a session until Ctrl-C.

    Parameters
    ----------
    make : callable
        Function that returns the session; a thread calls it while the browser loads the page.
    on_start : callable
        Callback for the moment when the server answers. Its argument is a function that returns
        addresses: see `Guard.invite`.
    port : int, default 0
        0 for any free port.

    Raises
    ------
    OptionError
        If the server cannot listen on the port.
    """
    with listening(port) as listener, one_for_products():
        asyncio.run(BlackboardServer(listener).serve(make, on_start))


class BlackboardServer:
    """The ASGI application with its routes, and the server that runs the application."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        routes = [
            Route("/", _page),
            Route("/start.js", lambda request: Response(START, media_type="text/javascript")),
            Route("/start.css", lambda request: Response(STYLE, media_type="text/css")),
            Route("/blackboard.js", _module),
            WebSocketRoute("/socket", self._converse),
        ]
        self._guard = Guard(Starlette(routes=routes), listener.getsockname()[1])

    async def serve(self, make: Callable[[], Steered], on_start: Callable[[Invite], Any]) -> None:
        """Answer requests until Ctrl-C, or until the session fails to start."""
        config = uvicorn.Config(
            self._guard, lifespan="off", ws="websockets-sansio", log_config=None, access_log=False,
            log_level="error", server_header=False, proxy_headers=False,
            ws_max_size=WHOLE, ws_ping_interval=None, ws_per_message_deflate=False,
            timeout_graceful_shutdown=PATIENCE,
        )  # fmt: skip
        self._server = _AnnouncingServer(config, lambda: on_start(self._guard.invite))
        self._session = asyncio.ensure_future(asyncio.to_thread(make))
        self._session.add_done_callback(self._end_if_failed)
        try:
            await self._server.serve([self._listener])
        finally:
            (await self._session).close()

    def end(self) -> None:
        """Ask the server to stop; this method is thread-safe."""
        self._server.should_exit = True

    def _end_if_failed(self, session: asyncio.Future[Steered]) -> None:
        if session.cancelled() or session.exception():
            self.end()

    async def _converse(self, page: WebSocket) -> None:
        """Exchange messages with a page until it disconnects, or its outbox is full."""
        await page.accept()
        session = await asyncio.shield(self._session)
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        conversation = Conversation(session, lambda: loop.call_soon_threadsafe(news.set))
        hearing = asyncio.create_task(_hear(page, conversation))
        sending = asyncio.create_task(_send(page, conversation.outbox, news))
        try:
            await asyncio.wait((hearing, sending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            conversation.close()
            for task in (hearing, sending):
                task.cancel()
                with suppress(asyncio.CancelledError, WebSocketDisconnect):
                    await task


class _AnnouncingServer(uvicorn.Server):
    """Uvicorn's server, with a callback for the moment when it answers."""

    def __init__(self, config: uvicorn.Config, answers: Callable[[], Any]) -> None:
        super().__init__(config)
        self._answers = answers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._answers()


async def _hear(page: WebSocket, conversation: Conversation) -> None:
    while True:
        message = await page.receive()
        if message["type"] == "websocket.disconnect":
            return
        conversation.hear_text(message.get("text"))


async def _send(page: WebSocket, outbox: Outbox, news: asyncio.Event) -> None:
    while not outbox.full:
        await news.wait()
        news.clear()
        for message in outbox.take():
            await page.send_bytes(message)


def _page(request: Request) -> Response:
    return HTMLResponse(PAGE.format(nonce=request.scope[NONCE]))


def _module(request: Request) -> Response:
    return Response(built.module().read_bytes(), media_type="text/javascript")


def listening(port: int) -> socket.socket:
    """Return a socket that listens on loopback."""
    listener = socket.socket()
    if os.name == "posix":  # on Windows two programs could share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        in_use = error.errno in (errno.EADDRINUSE, errno.EACCES)
        why = "another program has it" if in_use else str(error.strerror)
        raise OptionError(
            "port", f"{port} cannot be had: {why}; 0 takes one that is free"
        ) from None
    return listener

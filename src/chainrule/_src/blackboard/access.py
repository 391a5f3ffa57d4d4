"""Access control for the blackboard: browsers of this machine, each with a one-time address."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

TOKEN = "token"
NONCE = "chainrule.nonce"  # key of a request's scope
# The page loads nothing from other servers. A session trains networks that are not known before and
# sends the code of their microscope as text, which the page runs in elements with the nonce of its
# own script. Text becomes code in no other way. Panels have inline styles.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' ws://{host}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
REFUSED = (
    "This is not your blackboard, or this address has been used: it lets one browser in, once.\n"
    "That browser needs no address any more. For another one, open the address that chainrule has "
    "printed last.\n"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-dns-prefetch-control": "off",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware that answers 403 to a request without an unused token or the cookie.

    The address that `invite` returns contains a token, which is valid once. The response to it sets
    a cookie, which the browser sends with every later request to this server; scripts cannot read
    it. So the browser can reload the page and open it in other tabs, and anyone who reads the
    address later (in a list of processes, a history, a log) is refused. All ports of a machine
    share their cookies, so the cookie's name contains the port. Requests that pages of other sites
    send to this server are recognised by their Host and Origin headers.

    Parameters
    ----------
    app : callable
        An ASGI application.
    port : int

    Examples
    --------
    >>> guard = Guard(None, 8000)
    >>> guard.invite().partition("=")[0]
    'http://127.0.0.1:8000/?token'
    """

    def __init__(self, app: App, port: int) -> None:
        self._app, self._hosts = app, {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        if port == 80:
            self._hosts |= {"127.0.0.1", "localhost"}
        self._port, self._cookie = port, f"chainrule-{port}"
        self._key = secrets.token_urlsafe()
        self._invited: dict[str, Callable[[], Any]] = {}  # callbacks of the unused tokens

    def invite(self, used: Callable[[], Any] = lambda: None) -> str:
        """Return an address that admits one browser, once; this method is thread-safe.

        Parameters
        ----------
        used : callable, optional
            Callback that a thread calls when the address has been used.
        """
        token = secrets.token_urlsafe()
        self._invited[token] = used
        return f"http://127.0.0.1:{self._port}/?{TOKEN}={token}"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on to the application."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        local = headers.get("host") in self._hosts and self._is_of_this_page(scope, headers)
        brought = local and self._use_token(scope)
        if not brought and not (local and self._has_cookie(headers)):
            await _refuse(scope, send)
            return
        nonce = secrets.token_urlsafe(16)
        policy = POLICY.format(host=headers["host"], nonce=nonce)
        more = {**HEADERS, "content-security-policy": policy}
        if brought:
            # Lax: a browser that follows a link to the page, from a file or a mail, sends the
            # cookie. Requests that change something go over a socket, which a page of another
            # origin cannot open.
            more["set-cookie"] = f"{self._cookie}={self._key}; Path=/; HttpOnly; SameSite=Lax"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in more.items()]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._app({**scope, NONCE: nonce}, receive, send_with_headers)

    def _use_token(self, scope: Message) -> bool:
        """Return true if the request has a valid token, and invalidate that token."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("GET", "/"):
            return False
        (secret, *_) = parse_qs(scope["query_string"].decode("latin-1")).get(TOKEN, [""])
        token = next((token for token in list(self._invited) if _equal(secret, token)), None)
        if token is None:
            return False
        used = self._invited.pop(token)  # it may write to a disk or a terminal, which takes time
        asyncio.get_running_loop().run_in_executor(None, used)
        return True

    def _has_cookie(self, headers: dict[str, str]) -> bool:
        cookies = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
        return any(name == self._cookie and _equal(key, self._key) for name, _, key in cookies)

    def _is_of_this_page(self, scope: Message, headers: dict[str, str]) -> bool:
        """Return true if the origin is this page; requests without an origin may be typed in."""
        origin, page = headers.get("origin"), f"http://{headers.get('host')}"
        return origin == page if scope["type"] == "websocket" else origin in (None, page)


def _equal(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


async def _refuse(scope: Message, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})  # before it is accepted: 403
        return
    text = REFUSED.encode()
    headers = {"content-type": "text/plain; charset=utf-8", "content-length": len(text), **HEADERS}
    await send({
        "type": "http.response.start", "status": 403,
        "headers": [(name.encode(), str(value).encode()) for name, value in headers.items()],
    })  # fmt: skip
    await send({"type": "http.response.body", "body": text})

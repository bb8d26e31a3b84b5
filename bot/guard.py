"""What stands between the network and the page: security headers, a size limit, and no door that nobody needs."""

import re
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.document import content_policy

MAX_BODY = 1_000_000
# Gradio's own doors that the page and Gradio's clients use; the others (uploads, files, proxies) stay shut.
_GRADIO_DOORS = re.compile(
    r"^(?:/\w+)?/gradio_api/(?:run|queue|call|info|app_id|heartbeat|cancel|reset|startup-events)(?:/|$)"
)
_HASHED_FILE = re.compile(r"/assets/[\w./-]+-[\w-]{8,}\.\w+$")
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
Dress = Callable[[str, str], str]
"""(path, document) → document"""


class Guard:
    """An ASGI middleware around the whole server.

    dress: what is made of every HTML document of a path before its policy is computed.
    root_path: the path that a proxy puts before ours.
    """

    def __init__(self, app: ASGIApp, *, dress: Dress, frame_ancestors: str, root_path: str = "") -> None:
        self._app = app
        self._root_path = root_path
        self._dress = dress
        self._frame_ancestors = frame_ancestors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = str(scope["path"]).removeprefix(self._root_path) or "/"
        if self._root_path:
            # A proxy may strip its path or keep it; what is inside always sees it.
            scope = {**scope, "root_path": self._root_path, "path": self._root_path + path}
        if "/gradio_api" in path and not _GRADIO_DOORS.match(path):
            await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)
            return
        if int(Headers(scope=scope).get("content-length") or 0) > MAX_BODY:
            await PlainTextResponse("That is too long to be read.", 413)(scope, receive, send)
            return
        await self._app(scope, _limited(receive), _Answer(self, path, send).send)

    def finish(self, path: str, document: str) -> tuple[str, str]:
        """Return an HTML document as sent, and its policy."""
        document = self._dress(path, document)
        evaluates = "<gradio-app" in document
        return document, content_policy(document, frame_ancestors=self._frame_ancestors, evaluates=evaluates)


class _Answer:
    """The response to one request: headers added, and HTML held back until it is whole."""

    def __init__(self, guard: Guard, path: str, send: Send) -> None:
        self._guard = guard
        self._path = path
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if _HASHED_FILE.search(self._path) and message["status"] == 200:
                headers["Cache-Control"] = "public, max-age=31536000, immutable"
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
            else:
                await self._send(message)
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        document, policy = self._guard.finish(self._path, self._body.decode())
        body = document.encode()
        headers = MutableHeaders(scope=start)
        headers["Content-Security-Policy"] = policy
        headers["Content-Length"] = str(len(body))
        headers.setdefault("Cache-Control", "no-cache")
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _limited(receive: Receive) -> Receive:
    """Stop reading a body that is too long although nobody said how long it would be."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        return {"type": "http.disconnect"} if read > MAX_BODY else message

    return limited

"""A real Chromium against a real server: how both are started, and the few gestures of a patient."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import BrowserContext, Locator, Page

from bot.bot import Bot
from bot.server import build_server
from bot.settings import Settings, read_settings

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}


def server_of(bot: Bot, settings: Settings) -> FastAPI:
    """Build a server inside an event loop: outside of one, Gradio makes a loop and never closes it."""

    async def make() -> FastAPI:
        return build_server(bot, settings)

    try:
        asyncio.get_running_loop()  # Playwright's
    except RuntimeError:
        return anyio.run(make)
    return build_server(bot, settings)


class Served:
    """A running server; `port` stays the same when it is started again."""

    def __init__(self, bot: Bot, port: int = 0, app: FastAPI | None = None, **settings: Any) -> None:
        self.settings = read_settings(host="127.0.0.1", per_minute=0, **settings)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{self.settings.root_path}/"
        app = app or server_of(bot, self.settings)
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@contextmanager
def serving(bot: Bot, **settings: Any) -> Iterator[Served]:
    """Serve a bot on a free port of this machine while the block runs."""
    served = Served(bot, **settings)
    try:
        yield served
    finally:
        served.stop()


class Visit:
    """One patient's visit, and everything the browser asked for or complained of meanwhile."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: self.complaints.append(message.text) if message.type == "error" else None,
        )
        self.open(url)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.box.wait_for()
        self.page.wait_for_function("!document.getElementById('first-paint')")

    @property
    def box(self) -> Locator:
        return self.page.locator("#question textarea")

    @property
    def turns(self) -> Locator:
        return self.page.locator("#turns > .turn")

    def ask(self, question: str) -> Locator:
        """Type a question, press Enter, and wait for its turn."""
        before = self.turns.count()
        self.box.fill(question)
        self.box.press("Enter")
        return self.arrival(before)

    def arrival(self, before: int) -> Locator:
        """Wait for the turn after the first `before` ones."""
        turn = self.turns.nth(before)
        turn.wait_for(timeout=10_000)
        return turn


def collapsed(text: str) -> str:
    """Return a text as HTML shows it: runs of its white space as one space. A no-break space is none of it."""
    return " ".join(part for part in text.replace("\r", " ").replace("\n", " ").replace("\t", " ").split(" ") if part)


def shown_text(locator: Locator) -> str:
    """Return what stands in the DOM, collapsed; not innerText, which hides what styles hide."""
    return collapsed(locator.evaluate("element => element.textContent"))


def slice_of(bot: Bot, element: Locator) -> str:
    """Return the words of the span that an element says it shows."""
    article = bot.corpus.articles[element.get_attribute("data-article") or ""]
    return collapsed(
        article.text[int(element.get_attribute("data-start") or -1) : int(element.get_attribute("data-end") or -1)]
    )


def focused(page: Page) -> str:
    """Return what has the focus, as its visible words or its tag."""
    return str(page.evaluate("(document.activeElement.textContent.trim() || document.activeElement.tagName)"))


def axe_violations(page: Page) -> list[str]:
    """Return what axe finds once Gradio is done with its own "Loading…", which stands outside every landmark."""
    page.wait_for_selector("p.loading", state="detached")
    found = Axe().run(page, options=_AXE).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]

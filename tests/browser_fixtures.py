"""Fixtures of the browser tests: one server and one Chromium for all, a new patient for each test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import ARGUMENTS, CHROMIUM, DESKTOP, Served, Visit, serving
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bot.bot import Bot


@pytest.fixture(scope="session")
def served(bot: Bot, corpus_folder: Path, index_folder: Path) -> Iterator[Served]:
    """The server that most tests share."""
    with serving(bot, corpus=corpus_folder, index=index_folder) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; its absence is a reason to skip on a desk, and a failure where everything must be proven."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is missing: the page's tests need it; install Debian's package 'chromium'.")
        pytest.skip(f"{CHROMIUM} is not installed.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def contexts(chromium: Browser) -> dict[str, BrowserContext]:
    """Browser profiles by what is special about them. The page stores nothing in one, so tests can share its cache."""
    return {}


@pytest.fixture
def visit(chromium: Browser, served: Served, contexts: dict[str, BrowserContext]) -> Iterator[Callable[..., Visit]]:
    """Open the page as a new patient: visit() on a desktop, visit(PHONE), visit(path="?q=…").

    script: what runs in the browser before any script of ours.
    """
    used: list[BrowserContext] = []

    def open_page(
        device: dict[str, Any] | None = None, path: str = "", url: str = "", script: str = "", **options: Any
    ) -> Visit:
        special = {**(device or DESKTOP), "reduced_motion": "reduce", **options}
        key = f"{special} {script}"
        if key not in contexts:
            contexts[key] = chromium.new_context(**special)
            if script:
                contexts[key].add_init_script(script)
        used.append(contexts[key])
        return Visit(contexts[key], (url or served.url) + path)

    yield open_page
    for context in used:
        for page in context.pages:
            page.close()
        context.set_offline(False)
        context.clear_permissions()

"""The server: the page in each language, its files, the API, health and metrics in one application."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import gradio as gr
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.middleware.gzip import GZipMiddleware

from bot.api import build_api
from bot.bot import Bot
from bot.conversations import Conversations
from bot.desk import Desk, Refused
from bot.document import dress
from bot.examples import examples
from bot.feedback import Feedback, Rating
from bot.guard import Guard
from bot.metrics import Metrics
from bot.page import build_page, client_of, theme
from bot.page_parts import Edition, first_paint, page_path
from bot.reading import article_html
from bot.settings import Settings
from bot.templates import render
from bot.turns import Named, Turns
from bot.wording import ENGLISH, languages, page_words

_FOLDER = Path(__file__).parent
_FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "page-article.js": "text/javascript",
    "page-history.js": "text/javascript",
    "page-quotes.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def build_server(bot: Bot, settings: Settings) -> FastAPI:
    """Put the whole server together around a bot."""
    desk = Desk(
        bot,
        corpus=settings.corpus,
        index=settings.index,
        per_minute=settings.per_minute,
        longest_queue=settings.longest_queue,
        metrics=Metrics(),
    )
    editions = [Edition(tag, settings.root_path, settings.feedback is not None) for tag in languages()]
    app = FastAPI(openapi_url=None, lifespan=_watching(desk))
    app.add_middleware(
        Guard,
        dress=partial(_dress, desk, editions),
        frame_ancestors=settings.frame_ancestors,
        root_path=settings.root_path,
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)
    _add_files(app)
    _add_operating(app, desk)
    _add_article(app, desk, settings.root_path)
    app.mount("/api", build_api(desk))
    feedback = Feedback(settings.feedback) if settings.feedback else None
    if feedback:
        _add_feedback(app, feedback)
    turns, chosen = Turns(desk, Conversations(), feedback), examples(bot)
    _add_conversation(app, turns, editions)
    # The page at / would swallow the others' paths: it comes last.
    for edition in reversed(editions):
        _add_redirect(app, edition)
        page = build_page(desk, turns, chosen, edition)
        path = page_path(edition.language).rstrip("/") or "/"
        gr.mount_gradio_app(
            app,
            page,
            path=path,
            root_path=(settings.root_path + path).rstrip("/") or None,
            footer_links=[],
            run_history=False,
            show_error=False,
            theme=theme(),
            pwa=False,
            ssr_mode=False,
            enable_monitoring=False,
        )
    return app


def _watching(desk: Desk) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(desk.watch())
        yield
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher

    return lifespan


def _dress(desk: Desk, editions: Sequence[Edition], path: str, document: str) -> str:
    edition = next((one for one in editions if page_path(one.language) == path), None)
    if edition is None or "<gradio-app" not in document:
        return document
    head, paint = _head(edition.root_path, edition.language), first_paint(edition, desk.bot)
    return dress(document, language=edition.language, head=head, first_paint=paint)


def _head(root_path: str, language: str) -> str:
    versions = {name: hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:12] for name in _FILES}
    return render("head.html", w=page_words(language), root=root_path, versions=versions)


def _add_files(app: FastAPI) -> None:
    for name, kind in _FILES.items():

        def send(path: Path = _FOLDER / name, kind: str = kind) -> FileResponse:
            # Asked for with its version in the address, so it never changes under that address.
            return FileResponse(path, media_type=kind, headers={"Cache-Control": "public, max-age=31536000"})

        app.get(f"/page/{name}")(send)


def _add_operating(app: FastAPI, desk: Desk) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Tell that the process lives."""
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> dict[str, object]:
        """Tell that questions can be answered, and from which texts."""
        articles = {article.id: article.sha256 for article in desk.bot.corpus.articles.values()}
        return {"status": "ready", "articles": articles}

    @app.get("/metrics")
    async def metrics() -> Response:
        """Tell counts and times to Prometheus."""
        return Response(desk.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_feedback(app: FastAPI, feedback: Feedback) -> None:
    @app.post("/feedback")
    def rate(rating: Rating) -> Response:
        return Response(status_code=204 if feedback.take(rating) else 410)


def _add_conversation(app: FastAPI, turns: Turns, editions: Sequence[Edition]) -> None:
    by_language = {edition.language: edition for edition in editions}

    # Not by GET: the name of a conversation should stand in no address.
    @app.post("/conversation", response_class=HTMLResponse)
    async def again(named: Named, request: Request) -> Response:
        edition = by_language.get(named.language, editions[0])
        try:
            html = await turns.again(named.name, client=client_of(request), edition=edition)
        except Refused:
            return PlainTextResponse(status_code=429)
        return PlainTextResponse(status_code=404) if html is None else PlainTextResponse(html)


def _add_redirect(app: FastAPI, edition: Edition) -> None:
    """Lead from /es to /es/: a mounted application does not answer without its slash."""
    path = page_path(edition.language)
    if path != "/":
        app.get(path.rstrip("/"))(lambda: RedirectResponse(edition.root_path + path))


def _add_article(app: FastAPI, desk: Desk, root_path: str) -> None:
    """Serve the article alone: what a citation points to, and what reads without any script."""

    @app.get("/article/blocks", response_class=PlainTextResponse)
    async def blocks(language: str = ENGLISH) -> str:
        return article_html(desk.bot.corpus, language if language in languages() else ENGLISH)

    @app.get("/article", response_class=HTMLResponse)
    async def article() -> str:
        articles = article_html(desk.bot.corpus, ENGLISH)
        head = _head(root_path, ENGLISH)
        return render("article-page.html", w=page_words(), head=head, articles=articles, language=ENGLISH)

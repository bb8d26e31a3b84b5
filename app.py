"""Serve the page: python app.py → http://127.0.0.1:7860."""

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli import new_app, notes, run
from indexer.errors import IndexFormatError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from bot.bot import Bot

app = new_app("Serve the page on which patients ask and the articles answer.")


@app.command(
    epilog="Each option can be given by the environment too: ASK_ARTICLE_PORT=8000, ASK_ARTICLE_ROOT_PATH=/ask …"
)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes any free one [7860].")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Folder with one folder for each article [corpus].")] = None,
    index: Annotated[Path | None, typer.Option(help="Folder of the index, built if it must be [.index].")] = None,
    root_path: Annotated[str | None, typer.Option(help="Path that a proxy puts before ours, as /ask.")] = None,
    frame_ancestors: Annotated[
        str | None, typer.Option(help="Sites that may embed the page, as in CSP ['none'].")
    ] = None,
    trusted_proxies: Annotated[
        str | None, typer.Option(help="Proxies whose X-Forwarded-For is believed [127.0.0.1].")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(help="Questions a client may ask in a minute; 0 for no limit [60].")
    ] = None,
    longest_queue: Annotated[
        int | None, typer.Option(help="Questions that may wait at once, before 'busy' is said [200].")
    ] = None,
    feedback: Annotated[
        Path | None, typer.Option(help="File for patients' ratings; without it none are asked for.")
    ] = None,
) -> None:
    """Serve the page; build the index first if it must be."""
    from bot.settings import read_settings

    settings = read_settings(
        host=host, port=port, corpus=corpus, index=index, root_path=root_path, frame_ancestors=frame_ancestors,
        trusted_proxies=trusted_proxies, per_minute=per_minute, longest_queue=longest_queue, feedback=feedback,
    )  # fmt: skip
    listening = _listen(settings.host, settings.port)
    console = notes()
    for name, value in settings.model_dump().items():
        console.print(f"  {name.replace('_', '-'):16} {value if value not in (None, '') else '-'}")

    bot = _open(settings.corpus, settings.index, console)

    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import uvicorn

    from bot.server import build_server

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("ask-the-article").setLevel(logging.INFO)
    server = build_server(bot, settings)
    shown_host, shown_port = listening.getsockname()[:2]
    console.print(f"The page is on http://{shown_host}:{shown_port}{settings.root_path}/ (Ctrl+C stops it).")
    # No access log: a question can stand in an address.
    config = uvicorn.Config(
        server, log_level="warning", access_log=False, timeout_graceful_shutdown=10, server_header=False,
        proxy_headers=True, forwarded_allow_ips=settings.trusted_proxies,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])
    console.print("Stopped.")


def _open(corpus: Path, index: Path, console: "Console") -> "Bot":
    """Open the bot; build the index when it is missing, stale or damaged, and say so."""
    from bot.bot import Bot
    from indexer.build import build

    def make(*, force: bool) -> Bot:
        report = build(corpus, index, force=force, progress=console.print, progress_bar=console.is_terminal)
        if report.why:
            console.print(f"Built the index {report.index}: {report.why}.")
        return Bot.open(corpus, index)

    try:
        return make(force=False)
    except IndexFormatError as error:  # damage that only loading finds
        console.print(f"{error} It is built anew now.")
        return make(force=True)


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything slow happens. Raises UsageError when it cannot be had."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=1024)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"{host}:{port}: cannot listen there ({reason}); name another with --port or --host."
        ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


if __name__ == "__main__":
    run(app)

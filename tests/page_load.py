"""Put 100 patients before the server at once, ten questions each: python tests/page_load.py [--apart | --inside].

Every question is another one. The patients are in a process of their own, as they are in life, but on the same
cores, so they are as light as can be: one connection each, and HTTP by hand. With --inside they are in the server's
process, and hold up its answers.
"""

import asyncio
import gzip
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import brotli
import gradio as gr
from browser import Served
from fastapi import FastAPI

from bot.bot import Bot

ROOT = Path(__file__).parent.parent
PATIENTS, EACH = 100, 10
_CONVERSATION = re.compile(r'data-conversation=\\?"([\w-]+)\\?"')
Ask = Callable[["Wire", str], Awaitable[None]]


def questions() -> list[str]:
    """Return as many different questions as are asked: every fifth of the taught ones."""
    lines = (ROOT / "corpus" / "leg-pain-after-surgery" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines[::5]][: PATIENTS * EACH]


class Wire:
    """One patient's connection. `name` is the name of the conversation, as the page keeps it."""

    def __init__(self, url: str, number: int, function: int) -> None:
        self.session = f"patient{number}"
        self.function = function
        self.name = ""
        self._host = urlsplit(url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: dict[str, object] | None = None) -> str:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host.hostname, self._host.port)
        reader, writer = self._streams
        data = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host.netloc}\r\nAccept-Encoding: gzip, br\r\n"
        head += "Content-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert " 200 " in answer.splitlines()[0], answer
        if length := re.search(r"content-length: (\d+)", answer):
            content = await reader.readexactly(int(length[1]))
        else:
            content = await _chunks(reader)
        if "content-encoding: br" in answer:
            return brotli.decompress(content).decode()
        return (gzip.decompress(content) if "content-encoding: gzip" in answer else content).decode()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        content += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return content


async def ask_page(wire: Wire, question: str) -> None:
    body = {"data": [question, wire.name, False], "fn_index": wire.function, "session_hash": wire.session}
    shown = _CONVERSATION.search(await wire.request("POST", "/gradio_api/run/predict", body))
    assert shown, "no answer"
    wire.name = shown[1]


async def ask_queue(wire: Wire, question: str) -> None:
    body = {"data": [question], "fn_index": wire.function, "session_hash": wire.session}
    await wire.request("POST", "/gradio_api/queue/join", body)
    events = await wire.request("GET", f"/gradio_api/queue/data?session_hash={wire.session}")
    assert '"process_completed"' in events
    assert '"success":true' in events.replace(" ", "")


async def crowd(ask: Ask, url: str, name: str) -> str:
    with urllib.request.urlopen(f"{url}config") as config:
        function = next(one["id"] for one in json.load(config)["dependencies"] if one["api_name"] == name)
    times: list[float] = []
    all_questions = questions()

    async def patient(number: int) -> None:
        wire = Wire(url, number, function)
        for question in all_questions[number * EACH : (number + 1) * EACH]:
            started = time.perf_counter()
            await ask(wire, question)
            times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(patient(number) for number in range(PATIENTS)))
    times.sort()
    return (
        f"{len(times)} questions, no error, {time.perf_counter() - started:.1f} s; "
        f"median {times[len(times) // 2]:.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s"
    )


def put(url: str, *, queued: bool, apart: bool) -> str:
    """Put the crowd before a server; return what became of it."""
    if not apart:
        return asyncio.run(crowd(ask_queue, url, "default_queue") if queued else crowd(ask_page, url, "take_turn"))
    kind = "--as-queue-clients" if queued else "--as-page-clients"
    before = time.process_time()
    done = subprocess.run(
        [sys.executable, __file__, kind, url], capture_output=True, text=True, timeout=300, check=True, env=_paths()
    )
    spent = (time.process_time() - before) / (PATIENTS * EACH)
    return f"{done.stdout.strip()}; the server computed {spent * 1000:.1f} ms a question"


def default_queue(bot: Bot) -> FastAPI:
    """The same answers behind Gradio's queue as it is by default."""

    def default_queue(question: str) -> str:
        return json.dumps(bot.answer(question).to_json(bot.corpus))

    with gr.Blocks(analytics_enabled=False) as page:
        box, out = gr.Textbox(), gr.Textbox()
        box.submit(default_queue, box, out)
    return gr.mount_gradio_app(FastAPI(), page, path="/", ssr_mode=False)


def measure(bot: Bot, *, apart: bool) -> None:
    print(f"Load average {os.getloadavg()[0]:.1f} before; clients {'apart' if apart else 'in the same process'}.")
    page = Served(bot, corpus=ROOT / "corpus", index=ROOT / ".index", longest_queue=1000)
    print("this page:", put(page.url, queued=False, apart=apart))
    page.stop()
    queue = Served(bot, app=default_queue(bot))
    print("Gradio's default queue:", put(queue.url, queued=True, apart=apart))
    queue.stop()


def _paths() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def main() -> None:
    match sys.argv[1:]:
        case ["--as-page-clients", url]:
            print(asyncio.run(crowd(ask_page, url, "take_turn")))
        case ["--as-queue-clients", url]:
            print(asyncio.run(crowd(ask_queue, url, "default_queue")))
        case arguments:
            bot = Bot.open(ROOT / "corpus", ROOT / ".index")
            for apart in (True, False):
                if arguments in ([], ["--apart" if apart else "--inside"]):
                    measure(bot, apart=apart)


if __name__ == "__main__":
    main()

"""Take the screenshots of docs/page.md and measure its figures: python tests/page_figures.py [--only-load]."""

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
from browser import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, Served, Visit
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from bot.bot import Bot

ROOT = Path(__file__).parent.parent
SHOTS = ROOT / "docs" / "screenshots"
OVERVIEW, ANSWERED, DECLINED, EMERGENCY = (
    "why does my leg still hurt?",
    "can scar tissue cause this pain",
    "when can i drive again",
    "i cant feel when i pee",
)
QUESTIONS = [
    *(OVERVIEW, ANSWERED, DECLINED),
    "how long does the nerve take to heal",
    "did the surgeon damage my nerve",
    "can the disc rupture again",
    "is a fusion needed",
    "what is piriformis syndrome",
    "how soon does the pain come back",
    "who wrote this",
]


_CONVERSATION = re.compile(r'data-conversation="([\w-]+)"')
_ENTER_TO_ANSWER = """async ([question, before]) => {
    const box = document.querySelector("#question textarea");
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => setTimeout(done, 30));
    const started = performance.now();
    box.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true }));
    while (document.querySelectorAll("#turns > .turn").length === before) await new Promise(requestAnimationFrame);
    return performance.now() - started;
}"""


def screenshots(browser: Browser, url: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    states = {"empty": "", "overview": OVERVIEW, "answered": ANSWERED, "declined": DECLINED, "emergency": EMERGENCY}
    for name, device in (("desktop", DESKTOP), ("phone", PHONE)):
        visit = Visit(browser.new_context(**{**device, "reduced_motion": "reduce"}), url)
        for state, question in states.items():
            if question:
                turn = visit.ask(question)
                if name == "desktop" and state == "answered":
                    turn.locator("[data-action=show]").first.click()
            visit.page.wait_for_timeout(500)
            visit.page.screenshot(path=SHOTS / f"{name}-{state}.png")
        visit.turns.nth(1).locator("[data-action=show]").first.click()
        visit.page.wait_for_timeout(300)
        visit.page.screenshot(path=SHOTS / f"{name}-article.png")
        visit.page.context.close()
    dark = Visit(browser.new_context(**{**PHONE, "reduced_motion": "reduce", "color_scheme": "dark"}), url)
    dark.ask(ANSWERED)
    dark.page.wait_for_timeout(500)
    dark.page.screenshot(path=SHOTS / "phone-dark.png")
    dark.page.set_viewport_size({"width": 794, "height": 1123})
    dark.page.emulate_media(media="print", color_scheme="light")
    dark.page.screenshot(path=SHOTS / "print.png")


def budget(browser: Browser, url: str) -> None:
    context = browser.new_context(**DESKTOP)
    page = context.new_page()
    sizes: list[float] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    started = time.perf_counter()
    page.goto(url)
    page.locator("#question textarea").wait_for()
    usable = time.perf_counter() - started
    page.wait_for_timeout(1500)
    print(f"usable after {usable:.2f} s; {len(sizes)} files, {sum(sizes) / 1e6:.2f} MB transferred")
    times = [page.evaluate(_ENTER_TO_ANSWER, [QUESTIONS[number % 10], number]) for number in range(100)]
    times.sort()
    print(f"Enter to answer, 100 questions: median {times[50]:.0f} ms, p95 {times[95]:.0f} ms")


async def crowd(ask: Any, patients: int = 100) -> None:
    times: list[float] = []

    async def patient(number: int) -> None:
        for turn in range(10):
            started = time.perf_counter()
            await ask(QUESTIONS[(number + turn) % 10], f"patient{number}")
            times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(patient(number) for number in range(patients)))
    times.sort()
    print(
        f"{patients} patients, {len(times)} questions, no error: {time.perf_counter() - started:.1f} s, "
        f"median {times[len(times) // 2]:.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s"
    )


async def load(url: str, *, queued: bool) -> None:
    async with httpx.AsyncClient(timeout=300, limits=httpx.Limits(max_connections=300)) as client:
        config = (await client.get(f"{url}config")).json()
        name = "default_queue" if queued else "take_turn"
        number = next(one["id"] for one in config["dependencies"] if one["api_name"] == name)

        names: dict[str, str] = {}

        async def direct(question: str, session: str) -> None:
            body = {"data": [question, names.get(session, ""), False], "fn_index": number, "session_hash": session}
            reply = await client.post(f"{url}gradio_api/run/predict", json=body)
            assert reply.status_code == 200
            names[session] = _CONVERSATION.search(reply.json()["data"][0])[1]  # type: ignore[index]

        async def in_queue(question: str, session: str) -> None:
            body = {"data": [question], "fn_index": number, "session_hash": session}
            (await client.post(f"{url}gradio_api/queue/join", json=body)).raise_for_status()
            events = client.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": session})
            async with events as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data:") and json.loads(line[5:])["msg"] == "process_completed":
                        assert json.loads(line[5:])["success"]
                        return

        await crowd(in_queue if queued else direct)


def default_queue(bot: Bot) -> FastAPI:
    """The same answers behind Gradio's queue as it is by default."""

    def default_queue(question: str) -> str:
        return json.dumps(bot.answer(question).to_json(bot.corpus))

    with gr.Blocks(analytics_enabled=False) as page:
        box, out = gr.Textbox(), gr.Textbox()
        box.submit(default_queue, box, out)
    return gr.mount_gradio_app(FastAPI(), page, path="/", ssr_mode=False)


def main() -> None:
    bot = Bot.open(ROOT / "corpus", ROOT / ".index")
    served = Served(bot, corpus=ROOT / "corpus", index=ROOT / ".index")
    if "--only-load" not in sys.argv:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
            screenshots(browser, served.url)
            budget(browser, served.url)
    print("this page:", end=" ")
    asyncio.run(load(served.url, queued=False))
    served.stop()
    queue = Served(bot, app=default_queue(bot))
    print("Gradio's default queue:", end=" ")
    asyncio.run(load(queue.url, queued=True))
    queue.stop()


if __name__ == "__main__":
    main()

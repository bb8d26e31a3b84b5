"""Take the screenshots of docs/page.md and measure its figures: python tests/page_figures.py."""

import time
from pathlib import Path

from browser import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, Served, Visit
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
    follow_up = Visit(browser.new_context(**{**PHONE, "reduced_motion": "reduce"}), url)
    for question in (ANSWERED, "and how long does it keep growing?"):
        follow_up.ask(question)
    follow_up.page.wait_for_timeout(500)
    follow_up.page.screenshot(path=SHOTS / "phone-follow-up.png")
    follow_up.page.context.close()
    dark = Visit(browser.new_context(**{**PHONE, "reduced_motion": "reduce", "color_scheme": "dark"}), url)
    dark.ask(ANSWERED)
    dark.page.wait_for_timeout(500)
    dark.page.screenshot(path=SHOTS / "phone-dark.png")
    dark.page.set_viewport_size({"width": 794, "height": 1123})
    dark.page.emulate_media(media="print", color_scheme="light")
    dark.page.screenshot(path=SHOTS / "print.png")


def budget(browser: Browser, url: str, *, slow: bool = False) -> None:
    context = browser.new_context(**DESKTOP)
    page = context.new_page()
    sizes: list[float] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    if slow:
        conditions = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
        session.send("Network.emulateNetworkConditions", conditions)
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("#first-paint .author").wait_for()
    painted = time.perf_counter() - started
    page.locator("#question textarea").wait_for()
    usable = time.perf_counter() - started
    if slow:
        print(f"400 kbit/s and 400 ms: who speaks after {painted:.1f} s, usable after {usable:.1f} s")
        context.close()
        return
    page.wait_for_timeout(1500)
    print(f"usable after {usable:.2f} s; {len(sizes)} files, {sum(sizes) / 1e6:.2f} MB transferred")
    times = [page.evaluate(_ENTER_TO_ANSWER, [QUESTIONS[number % 10], number]) for number in range(100)]
    times.sort()
    print(f"Enter to answer, 100 questions: median {times[50]:.0f} ms, p95 {times[95]:.0f} ms")


def main() -> None:
    bot = Bot.open(ROOT / "corpus", ROOT / ".index")
    served = Served(bot, corpus=ROOT / "corpus", index=ROOT / ".index")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        screenshots(browser, served.url)
        budget(browser, served.url)
        budget(browser, served.url, slow=True)
    served.stop()


if __name__ == "__main__":
    main()

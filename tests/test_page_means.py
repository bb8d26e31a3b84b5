"""The page by other means than eyes, fast hands and a fast network: voice, forced colours, a slow connection."""

from collections.abc import Callable

import pytest
from browser import Visit, axe_violations, shown_text, slice_of
from playwright.sync_api import Page, Route, expect

from bot.bot import Bot

pytest_plugins = ("browser_fixtures",)
pytestmark = pytest.mark.browser
Open = Callable[..., Visit]

ANSWERED, EMERGENCY = "can scar tissue cause this pain", "i cant feel when i pee"

# A device with the voices given; it writes down what it is told to say.
VOICES = """(() => {
  const told = window.told = [];
  class Utterance { constructor(text) { this.text = text; } }
  const voices = %s;
  const synthesis = {
    getVoices: () => voices,
    addEventListener() {},
    speak(one) { this.now = one; told.push([one.text, one.voice.name, one.lang]); },
    cancel() { if (this.now) told.push("cancelled"); this.now = null; },
  };
  Object.defineProperty(window, "speechSynthesis", { value: synthesis });
  window.SpeechSynthesisUtterance = Utterance;
})()"""
HERE = '{ name: "Here", lang: "en-GB", localService: true }'
ELSEWHERE = '{ name: "Elsewhere", lang: "en-US", localService: false }'
ANOTHER_LANGUAGE = '{ name: "Otra", lang: "es-ES", localService: true }'


def test_a_quote_is_read_aloud_word_for_word_until_told_to_stop(visit: Open, bot: Bot) -> None:
    patient = visit(script=VOICES % f"[{ELSEWHERE}, {ANOTHER_LANGUAGE}, {HERE}]")
    quote = patient.ask(ANSWERED).locator(".quote").first
    button = quote.locator("[data-action=speak]")
    expect(button).to_have_text("Read aloud")
    button.click()
    expect(button).to_have_text("Stop reading")
    [(text, voice, language)] = patient.page.evaluate("told")
    assert (" ".join(text.split()), voice, language) == (slice_of(bot, quote), "Here", "en-GB")
    button.click()
    expect(button).to_have_text("Read aloud")
    assert patient.page.evaluate("told.at(-1)") == "cancelled"
    button.click()
    patient.page.evaluate("speechSynthesis.now.onend()")
    expect(button).to_have_text("Read aloud")
    button.click()
    patient.page.get_by_role("button", name="Clear all").click()
    expect(patient.turns).to_have_count(0)
    assert patient.page.evaluate("told.at(-1)") == "cancelled"


@pytest.mark.parametrize(
    "script",
    [
        VOICES % f"[{ELSEWHERE}, {ANOTHER_LANGUAGE}]",
        "Object.defineProperty(window, 'speechSynthesis', {value: void 0})",
    ],
    ids=["only voices of a service or of another language", "no speech at all"],
)
def test_without_a_voice_of_the_device_there_is_no_read_aloud(visit: Open, script: str) -> None:
    patient = visit(script=script)
    button = patient.ask(ANSWERED).locator("[data-action=speak]").first
    expect(button).to_be_attached()
    expect(button).to_be_hidden()
    assert patient.complaints == []


def outline(page: Page) -> tuple[str, float]:
    """Return the outline of what has the focus: its style and its width."""
    style, width = page.evaluate(
        "(look => [look.outlineStyle, parseFloat(look.outlineWidth)])(getComputedStyle(document.activeElement))"
    )
    return style, width


def test_forced_colours_keep_marks_focus_and_the_emergency_in_sight(visit: Open) -> None:
    patient = visit(forced_colors="active", bypass_csp=True)
    quote = patient.ask(ANSWERED).locator(".quote").first
    notice = patient.ask(EMERGENCY).locator(".emergency")
    colours = "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color]"
    assert quote.locator("mark").first.evaluate(colours) != quote.locator("blockquote").evaluate(colours)
    assert notice.evaluate("element => parseFloat(getComputedStyle(element).borderTopWidth)") >= 3
    quote.locator("[data-action=show]").focus()
    patient.page.keyboard.press("Tab")
    patient.page.keyboard.press("Shift+Tab")
    assert outline(patient.page) == ("solid", 3)
    patient.page.keyboard.press("Enter")
    shown = patient.page.locator("#articles .shown")
    expect(shown).to_be_focused()
    assert outline(patient.page)[0] == "solid"
    assert shown.locator("mark").first.evaluate(colours) != shown.evaluate(colours)
    assert axe_violations(patient.page) == []


def test_a_slow_network_shows_that_it_looks_and_sends_a_question_once(visit: Open) -> None:
    patient = visit()
    network = patient.page.context.new_cdp_session(patient.page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000},
    )
    patient.requests.clear()
    patient.box.fill(ANSWERED)
    for _ in range(3):
        patient.box.press("Enter")
    patient.page.get_by_role("button", name="Ask", exact=True).click()
    expect(patient.page.locator(".pending")).to_have_text("Looking in the article…")
    turn = patient.arrival(0)
    expect(patient.page.locator(".pending")).to_have_count(0)
    turn.locator("[data-action=show]").first.click()
    expect(patient.page.locator("#articles .shown mark").first).to_be_in_viewport()
    expect(patient.box).to_have_value("")
    assert len([url for url in patient.requests if "/gradio_api/run/" in url]) == 1
    assert patient.turns.count() == 1
    assert shown_text(turn.locator(".asked-words")) == ANSWERED


def test_a_slow_answer_is_announced_as_being_looked_for(visit: Open) -> None:
    patient = visit()
    held: list[Route] = []
    patient.page.route("**/gradio_api/run/**", lambda route: held.append(route))
    patient.box.fill(ANSWERED)
    patient.box.press("Enter")
    expect(patient.page.locator("#status")).to_have_text("Looking in the article…")
    held[0].continue_()
    expect(patient.page.locator("#status")).to_contain_text("Answer found.")

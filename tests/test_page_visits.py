"""Whole visits: by keyboard, on a phone, in the dark, with a slow or restarted server, and 50 questions long."""

import json
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from browser import PHONE, Served, Visit, axe_violations, focused, serving, shown_text
from playwright.sync_api import expect
from typer.testing import CliRunner

from bot.bot import Bot
from eval.__main__ import app as bench_app
from eval.questions_asked import read_asked

pytest_plugins = ("browser_fixtures",)
pytestmark = pytest.mark.browser
Open = Callable[..., Visit]

OVERVIEW, ANSWERED, DECLINED, EMERGENCY = (
    "why does my leg still hurt?",
    "can scar tissue cause this pain",
    "when can i drive again",
    "i cant feel when i pee",
)


@pytest.mark.parametrize(
    "device",
    [
        {"viewport": {"width": 1280, "height": 800}},
        {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
        PHONE,
        {"viewport": {"width": 320, "height": 200}},
    ],
    ids=["desktop", "dark", "phone", "400 % zoom"],
)
def test_axe_finds_nothing_in_any_state(visit: Open, device: dict[str, Any]) -> None:
    patient = visit(device, bypass_csp=True)  # the policy would keep out axe itself
    assert axe_violations(patient.page) == [], "empty"
    for question in (OVERVIEW, ANSWERED, DECLINED, EMERGENCY):
        patient.ask(question)
        assert patient.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    assert axe_violations(patient.page) == [], "overview, answered, declined and emergency"
    patient.page.locator("[data-action=show]").first.click()
    expect(patient.page.locator("#articles .shown")).to_be_visible()
    assert axe_violations(patient.page) == [], "article shown"


def test_spanish_words_frame_english_quotes(visit: Open, bot: Bot) -> None:
    patient = visit(path="es/", bypass_csp=True)
    turn = patient.ask(OVERVIEW)
    assert patient.page.evaluate("document.documentElement.lang") == "es"
    assert turn.locator("blockquote").first.get_attribute("lang") == "en"
    assert "El artículo" in (turn.text_content() or "")
    assert axe_violations(patient.page) == []
    assert "urgencia" in (patient.ask(EMERGENCY).locator(".notice").text_content() or "")


def test_a_whole_visit_by_keyboard_alone(visit: Open) -> None:
    page = visit().page
    keys = page.keyboard
    keys.press("Tab")
    assert focused(page) == "Skip to the question box"
    keys.press("Enter")
    assert focused(page) == "TEXTAREA"
    keys.type("can scar tissue cause")
    keys.press("Shift+Enter")
    keys.type("this pain")
    assert "\n" in page.locator("#question textarea").input_value()
    keys.press("Enter")
    page.locator("#turns .turn").wait_for()
    assert focused(page) == "TEXTAREA"
    while not focused(page).startswith("Show in the article"):
        keys.press("Shift+Tab")
    quote = page.evaluate("document.activeElement.closest('.quote').dataset.start")
    keys.press("Enter")
    expect(page.locator("#articles .shown")).to_be_focused()
    keys.press("Escape")
    assert page.evaluate("document.activeElement.closest('.quote').dataset.start") == quote


def test_an_answer_is_announced_once(visit: Open) -> None:
    patient = visit()
    patient.page.evaluate(
        "window.said = []; for (const id of ['status', 'alarm']) new MutationObserver(() => {"
        "const text = document.getElementById(id).textContent; if (text) said.push([id, text]); }"
        ").observe(document.getElementById(id), {childList: true})"
    )
    marked = shown_text(patient.ask(ANSWERED).locator("mark").first)
    patient.ask(EMERGENCY)
    patient.page.wait_for_function("said.length >= 2")
    patient.page.wait_for_timeout(200)
    [(first, answer), (second, _)] = patient.page.evaluate("said")
    assert (first, second) == ("status", "alarm")
    assert marked in answer


def test_touch_targets_are_large_enough(visit: Open) -> None:
    patient = visit(PHONE)
    for question in (OVERVIEW, DECLINED, EMERGENCY):
        patient.ask(question)
    small = patient.page.evaluate(
        "[...document.querySelectorAll('button, a, textarea')].filter(e => e.checkVisibility() && !e.closest('.skip'))"
        ".map(e => [e.textContent.trim(), e.getBoundingClientRect()])"
        ".filter(([, box]) => box.width && (box.width < 44 || box.height < 44)).map(([text]) => text)"
    )
    assert small == []


def test_text_at_twice_its_size_still_fits(visit: Open) -> None:
    patient = visit(PHONE)
    patient.ask(OVERVIEW)
    before = patient.page.evaluate("parseFloat(getComputedStyle(document.querySelector('blockquote')).fontSize)")
    for _ in range(6):
        patient.page.get_by_role("button", name="Larger text").click()
    after = patient.page.evaluate("parseFloat(getComputedStyle(document.querySelector('blockquote')).fontSize)")
    assert after >= 1.9 * before
    assert patient.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_same_passage_keeps_its_number(visit: Open) -> None:
    patient = visit()
    numbers: dict[str, str] = {}
    for question in (OVERVIEW, ANSWERED, OVERVIEW):
        for quote in patient.ask(question).locator(".quote").all():
            start, number = quote.get_attribute("data-start") or "", shown_text(quote.locator(".number"))
            assert numbers.setdefault(start, number) == number
    assert len(set(numbers.values())) == len(numbers)


def test_a_copied_quote_carries_its_source(visit: Open, bot: Bot) -> None:
    patient = visit()
    patient.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    quote = patient.ask(ANSWERED).locator(".quote").first
    quote.locator("[data-action=copy]").click()
    expect(patient.page.locator("#status")).to_have_text("Copied, with its source.")
    article = next(iter(bot.corpus.articles.values()))
    start, end = int(quote.get_attribute("data-start") or 0), int(quote.get_attribute("data-end") or 0)
    copied = patient.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(article.text[start:end])
    assert "Dr. Peter Ullrich" in copied
    assert "Section: Scar tissue" in copied
    assert article.label in copied
    assert article.sha256[:16] in copied


def test_a_decline_offers_the_articles_headings_to_tap(visit: Open) -> None:
    patient = visit(PHONE)
    topic = patient.ask(DECLINED).locator(".topics button").first
    heading = shown_text(topic)
    topic.click()
    expect(patient.page.locator("#articles h3.shown")).to_have_text(heading)
    expect(patient.page.locator("#articles h3.shown")).to_be_in_viewport()


def test_examples_are_answered_and_follow_the_section_being_read(visit: Open) -> None:
    patient = visit()
    shown = patient.page.locator(".examples li:visible button")
    at_first = shown.all_text_contents()
    assert len(at_first) == 3
    shown.first.click()
    assert patient.arrival(0).get_attribute("data-outcome") in ("answered", "overview")
    patient.page.locator("#articles h3", has_text="Scar tissue").evaluate("h => h.scrollIntoView()")
    expect(patient.page.locator("#examples-lead")).to_contain_text("Scar tissue")
    assert shown.all_text_contents() != at_first


def test_selected_words_of_the_article_can_be_asked_about(visit: Open) -> None:
    patient = visit()
    patient.page.locator("#articles .paragraph").nth(3).evaluate(
        "block => getSelection().setBaseAndExtent(block.firstChild, 0, block.firstChild, 20)"
    )
    patient.page.get_by_role("button", name="Ask about this").click()
    expect(patient.box).not_to_have_value("")
    expect(patient.box).to_be_focused()


def test_a_long_question_is_counted_and_refused_politely(visit: Open) -> None:
    patient = visit()
    patient.box.fill("x" * 1900)
    expect(patient.page.locator("#count")).to_have_text("1900 of 2000 characters")
    turn = patient.ask("my leg hurts " * 8000)
    assert turn.get_attribute("data-outcome") == "declined"
    assert "at most 2,000 characters" in (turn.text_content() or "")


def test_a_blank_question_gets_a_hint_and_no_turn(visit: Open) -> None:
    patient = visit()
    patient.box.fill("   ")
    patient.box.press("Enter")
    expect(patient.page.locator("#problem")).to_contain_text("Please type a question")
    assert patient.turns.count() == 0


def test_new_topic_edit_and_clear(visit: Open) -> None:
    patient = visit()
    patient.ask(ANSWERED)
    patient.page.get_by_role("button", name="New topic").click()
    expect(patient.page.locator(".parted")).to_be_visible()
    patient.turns.first.get_by_role("button", name="Change this question").click()
    expect(patient.box).to_have_value(ANSWERED)
    patient.page.get_by_role("button", name="Clear all").click()
    expect(patient.turns).to_have_count(0)
    assert patient.ask(ANSWERED).get_attribute("data-turn") == "1"


def test_a_question_survives_a_lost_connection(visit: Open) -> None:
    patient = visit()
    patient.page.context.set_offline(True)
    patient.box.fill(ANSWERED)
    patient.box.press("Enter")
    expect(patient.page.locator("#problem")).to_contain_text("did not arrive")
    expect(patient.box).to_have_value(ANSWERED)
    patient.page.context.set_offline(False)
    patient.page.get_by_role("button", name="Try again").click()
    patient.arrival(0)
    expect(patient.page.locator("#problem")).to_have_text("")


def test_a_slow_network_shows_who_speaks_before_gradio_has_started(visit: Open) -> None:
    patient = visit()
    page = patient.page.context.new_page()
    page.route("**/assets/*.js", lambda route: None)  # never arrives
    page.goto(patient.page.url, wait_until="commit")
    expect(page.locator("#first-paint .author")).to_contain_text("Dr. Peter Ullrich")
    expect(page.locator("#first-paint")).to_contain_text("Opening the page")


def test_fifty_questions_in_a_row(visit: Open) -> None:
    patient = visit()
    questions = [OVERVIEW, ANSWERED, DECLINED, "how long does the nerve take to heal", "is it my surgeon's fault"]
    for number in range(50):
        patient.ask(questions[number % 5])
    assert patient.turns.count() == 50
    assert patient.complaints == []


def test_print_gives_the_conversation_with_its_sources(visit: Open) -> None:
    patient = visit()
    patient.ask(ANSWERED)
    follow_up = patient.ask("and how long does it keep growing?")
    patient.page.emulate_media(media="print")
    expect(follow_up.locator(".looked-up")).to_be_visible()
    expect(follow_up.get_by_role("button")).to_have_count(0)
    expect(patient.page.locator(".cited").first).to_be_visible()
    expect(patient.page.locator(".attribution").first).to_be_visible()
    expect(patient.page.locator("#reading")).to_be_hidden()
    expect(patient.box).to_be_hidden()


def test_ratings_keep_words_only_with_the_patients_tick_and_the_bench_reads_them(
    visit: Open, bot: Bot, tmp_path: Path, corpus_folder: Path, index_folder: Path
) -> None:
    file = tmp_path / "feedback.jsonl"
    with serving(bot, corpus=corpus_folder, index=index_folder, feedback=file) as server:
        patient = visit(url=server.url, bypass_csp=True)
        expect(patient.page.locator("#masthead")).to_contain_text("keeps ratings")
        for ticked in (False, True):
            turn = patient.ask(ANSWERED)
            turn.get_by_role("button", name="No", exact=True).click()
            turn.get_by_label("It is hard to understand").check()
            turn.get_by_label("Also keep the words").set_checked(ticked)
            assert axe_violations(patient.page) == []
            turn.get_by_role("button", name="Send").click()
            expect(turn).to_contain_text("Your rating was saved")
        unusual = "how seldom is old scarring to blame for a burning calf"
        turn = patient.ask(unusual)
        turn.get_by_role("button", name="Yes", exact=True).click()
        turn.get_by_label("Also keep the words").check()
        turn.get_by_role("button", name="Send").click()
        expect(turn).to_contain_text("Your rating was saved")
        patient.page.reload()
        patient.turns.nth(2).wait_for()
        expect(patient.page.locator(".feedback")).to_have_count(0)  # each was rated
    without, with_words, right = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    assert (without["question"], with_words["question"]) == (None, ANSWERED)
    assert with_words["verdict"] == "wrong"
    assert with_words["reason"] == "hard"
    assert with_words["quotes"][0]["text"]
    assert right["verdict"] == "right"
    into = tmp_path / "judged.jsonl"
    bench = ["judge", "import", str(file), "--into", str(into), "--corpus", str(corpus_folder), "--index"]
    done = CliRunner().invoke(bench_app, [*bench, str(index_folder), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["judged"], said["not_judged_yet"], said["added"]) == (1, 1, 1)
    [judged] = [json.loads(line) for line in into.read_text(encoding="utf-8").splitlines()]
    assert (judged["id"], judged["question"]) == (right["id"], unusual)
    assert judged["answers"]
    asked = read_asked(file)
    assert [row["question"] for row in asked] == [ANSWERED, unusual]


def test_the_page_can_be_embedded_by_a_host_that_is_allowed(
    visit: Open, bot: Bot, served: Served, tmp_path: Path, corpus_folder: Path, index_folder: Path
) -> None:
    sample = (Path(__file__).parent.parent / "docs" / "embed.html").read_text(encoding="utf-8")
    handler = partial(SilentHost, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        Thread(target=host.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{host.server_port}"
        with serving(bot, corpus=corpus_folder, index=index_folder, frame_ancestors=origin) as server:
            for name, url in (("allowed", server.url), ("refused", served.url)):
                (tmp_path / f"{name}.html").write_text(sample.replace("https://ask.example.org/", url), "utf-8")
            page = visit().page.context.new_page()
            page.goto(f"{origin}/allowed.html")
            page.frame_locator("iframe").locator("#question textarea").fill(ANSWERED)
            page.frame_locator("iframe").locator("#question textarea").press("Enter")
            page.frame_locator("iframe").locator(".quote").first.wait_for()
            page.goto(f"{origin}/refused.html")
            assert page.frame_locator("iframe").locator("#question textarea").count() == 0
        host.shutdown()


class SilentHost(SimpleHTTPRequestHandler):
    """A site that embeds the page."""

    def log_message(self, *args: object) -> None:
        pass

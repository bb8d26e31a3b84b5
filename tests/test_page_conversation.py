"""A conversation stays with its page: reload, the other language, back, a duplicated tab, a restarted server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import PHONE, Served, Visit, focused, serving, shown_text
from playwright.sync_api import Page, expect

from bot.bot import Bot

pytest_plugins = ("browser_fixtures",)
pytestmark = pytest.mark.browser
Open = Callable[..., Visit]

ABOUT_SCARS = "can scar tissue cause this pain"
FOLLOW_UP = "and how long does it keep growing?"
DECLINED = "when can i drive again"


def asked(page: Page) -> list[str]:
    return page.locator("#turns .asked-words").all_text_contents()


def loaded(page: Page, turns: int) -> None:
    """Wait until a page that was loaded anew is ready, with its turns."""
    page.wait_for_function("!document.getElementById('first-paint')")
    expect(page.locator("#turns > .turn")).to_have_count(turns)


def duplicate(patient: Visit) -> Visit:
    """Open the same page as a browser that duplicates a tab does: with the state of its entry in the history."""
    state = patient.page.evaluate("history.state")
    twin = Visit(patient.page.context, patient.page.url)
    twin.page.evaluate("state => history.replaceState(state, '')", state)
    twin.page.reload()
    return twin


def test_a_reload_shows_the_conversation_again_and_goes_on_with_it(visit: Open) -> None:
    patient = visit()
    for question in (ABOUT_SCARS, DECLINED):
        patient.ask(question)
    words = [shown_text(turn) for turn in patient.turns.all()]
    patient.page.reload()
    loaded(patient.page, 2)
    assert [shown_text(turn) for turn in patient.turns.all()] == words
    expect(patient.turns.last).to_be_in_viewport()
    turn = patient.ask(FOLLOW_UP)
    assert turn.get_attribute("data-turn") == "3"
    expect(turn.locator(".looked-up")).to_contain_text("Scar tissue")
    number = shown_text(turn.locator(".quote .number").first)
    patient.page.reload()
    loaded(patient.page, 3)
    assert shown_text(patient.turns.last.locator(".quote .number").first) == number
    assert patient.complaints == []


def test_the_other_language_keeps_the_conversation_and_back_leads_back(visit: Open) -> None:
    patient = visit()
    patient.ask(ABOUT_SCARS)
    patient.page.get_by_role("button", name="Larger text").click()
    scale = "document.documentElement.style.getPropertyValue('--scale')"
    larger = patient.page.evaluate(scale)
    quote = shown_text(patient.turns.first.locator("blockquote").first)
    patient.page.get_by_role("link", name="Español").click()
    patient.page.wait_for_url("**/es/")
    loaded(patient.page, 1)
    assert shown_text(patient.turns.first.locator("blockquote").first) == quote
    expect(patient.turns.first).to_contain_text("El artículo dice:")
    assert patient.page.evaluate(scale) == larger
    expect(patient.ask(FOLLOW_UP).locator(".looked-up")).to_contain_text("Scar tissue")
    patient.page.go_back()
    expect(patient.page.locator("html")).to_have_attribute("lang", "en")
    loaded(patient.page, 2)
    expect(patient.turns.last).to_contain_text("The article says:")
    patient.page.go_forward()
    expect(patient.page.locator("html")).to_have_attribute("lang", "es")
    loaded(patient.page, 2)
    assert patient.complaints == []


def test_the_conversation_stays_behind_a_proxys_path(
    visit: Open, bot: Bot, corpus_folder: Path, index_folder: Path
) -> None:
    with serving(bot, corpus=corpus_folder, index=index_folder, root_path="/ask") as server:
        patient = visit(url=server.url)
        patient.ask(ABOUT_SCARS).locator("[data-action=show]").first.click()
        expect(patient.page.locator("#articles .shown mark").first).to_be_in_viewport()
        patient.page.get_by_role("link", name="Español").click()
        patient.page.wait_for_url("**/ask/es/")
        loaded(patient.page, 1)
        expect(patient.ask(FOLLOW_UP).locator(".looked-up")).to_contain_text("Scar tissue")
        assert {url.split("/")[3] for url in patient.requests if not url.startswith("data:")} == {"ask"}
        assert patient.complaints == []


def test_a_visit_elsewhere_and_back_keeps_the_conversation(visit: Open, served: Served) -> None:
    patient = visit()
    patient.ask(ABOUT_SCARS)
    patient.page.goto(f"{served.url}article")
    patient.page.go_back()
    loaded(patient.page, 1)
    assert asked(patient.page) == [ABOUT_SCARS]


def test_a_reload_with_the_sheet_open_keeps_it_open(visit: Open) -> None:
    patient = visit(PHONE)
    patient.ask(ABOUT_SCARS).locator("[data-action=show]").first.click()
    patient.page.reload()
    loaded(patient.page, 1)
    expect(patient.page.locator("#reading")).to_be_visible()
    patient.page.go_back()
    expect(patient.page.locator("#reading")).not_to_be_visible()
    patient.page.go_forward()
    expect(patient.page.locator("#reading")).to_be_visible()


def test_two_tabs_hold_two_conversations(visit: Open) -> None:
    one = visit()
    two = Visit(one.page.context, one.page.url)
    one.ask(DECLINED)
    assert two.ask(ABOUT_SCARS).get_attribute("data-turn") == "1"
    assert one.ask(ABOUT_SCARS).get_attribute("data-turn") == "2"


def test_a_duplicated_tab_begins_with_the_conversation_and_goes_on_apart(visit: Open) -> None:
    one = visit()
    one.ask(ABOUT_SCARS)
    two = duplicate(one)
    loaded(two.page, 1)
    one.ask(DECLINED)
    two.ask(FOLLOW_UP)
    for patient, questions in ((one, [ABOUT_SCARS, DECLINED]), (two, [ABOUT_SCARS, FOLLOW_UP])):
        patient.page.reload()
        loaded(patient.page, 2)
        assert asked(patient.page) == questions


def test_clear_all_forgets_at_once_and_everywhere(visit: Open) -> None:
    one = visit()
    one.ask(ABOUT_SCARS)
    two = duplicate(one)
    loaded(two.page, 1)
    with one.page.expect_response("**/gradio_api/run/**"):
        one.page.get_by_role("button", name="Clear all").click()
    expect(one.turns).to_have_count(0)
    one.page.reload()
    loaded(one.page, 0)
    expect(one.page.locator(".parted")).to_have_count(0)
    two.page.reload()
    loaded(two.page, 0)
    expect(two.page.locator(".parted")).to_contain_text("no longer kept")
    assert one.ask(FOLLOW_UP).locator(".looked-up").count() == 0


def test_a_new_topic_stays_one_after_a_reload(visit: Open) -> None:
    patient = visit()
    patient.ask(ABOUT_SCARS)
    patient.page.get_by_role("button", name="New topic").click()
    patient.page.reload()
    loaded(patient.page, 1)
    expect(patient.page.locator(".parted")).to_have_count(1)
    assert patient.ask(FOLLOW_UP).locator(".looked-up").count() == 0
    expect(patient.page.locator(".parted")).to_have_count(1)
    patient.page.reload()
    loaded(patient.page, 2)
    assert patient.page.locator("#turns > *").evaluate_all("all => all.map(one => one.classList[0])") == [
        "turn",
        "parted",
        "turn",
    ]


def test_a_forged_name_starts_afresh(visit: Open) -> None:
    patient = visit()
    for forged in ("<b>no such name</b>", {"no": "name"}):
        patient.page.evaluate("forged => history.replaceState({conversation: forged}, '')", forged)
        patient.page.reload()
        loaded(patient.page, 0)
        expect(patient.page.locator(".parted")).to_contain_text("no longer kept")
    assert patient.ask(ABOUT_SCARS).get_attribute("data-turn") == "1"


@pytest.fixture
def restarting(bot: Bot, corpus_folder: Path, index_folder: Path) -> Iterator[Callable[[], Served]]:
    """A server on one port; every further call starts it anew, with nothing remembered."""
    running: list[Served] = []

    def start() -> Served:
        port = running[-1].port if running else 0
        for old in running:
            old.stop()
        running.append(Served(bot, port=port, corpus=corpus_folder, index=index_folder))
        return running[-1]

    yield start
    running[-1].stop()


def test_a_restarted_server_goes_on_with_the_page_and_says_so(visit: Open, restarting: Callable[[], Served]) -> None:
    patient = visit(url=restarting().url)
    patient.ask(ABOUT_SCARS)
    restarting()
    patient.ask(DECLINED)
    assert patient.turns.count() == 2
    expect(patient.page.locator(".parted")).to_contain_text("no longer taken into account")
    restarting()
    patient.page.reload()
    loaded(patient.page, 0)
    expect(patient.page.locator(".parted")).to_contain_text("no longer kept")
    expect(patient.page.locator("#problem")).to_have_text("")
    assert patient.ask(ABOUT_SCARS).get_attribute("data-turn") == "1"


def test_a_conversation_that_cannot_be_fetched_now_is_not_lost(visit: Open) -> None:
    patient = visit()
    patient.ask(ABOUT_SCARS)
    patient.page.route("**/conversation", lambda route: route.fulfill(status=503))
    patient.page.reload()
    loaded(patient.page, 0)
    expect(patient.page.locator("#problem")).to_contain_text("could not be shown")
    patient.page.unroute("**/conversation")
    patient.page.reload()
    loaded(patient.page, 1)


def test_a_question_in_the_address_is_asked_once(visit: Open) -> None:
    patient = visit(path="?q=can%20scar%20tissue%20cause%20this%20pain")
    patient.arrival(0)
    assert "q=" not in patient.page.url
    patient.page.reload()
    loaded(patient.page, 1)


# "Ask it on its own": a follow-up that was read with what stood before it


def test_a_follow_up_can_be_asked_on_its_own(visit: Open, bot: Bot) -> None:
    patient = visit()
    patient.ask(ABOUT_SCARS)
    patient.ask(FOLLOW_UP).get_by_role("button", name="Ask it on its own").click()
    turn = patient.arrival(2)
    assert shown_text(turn.locator(".asked-words")) == FOLLOW_UP
    assert turn.locator(".looked-up").count() == 0
    assert turn.get_attribute("data-outcome") == bot.answer(FOLLOW_UP).outcome.value
    expect(patient.page.locator(".parted")).to_contain_text("A new topic")


def test_a_follow_up_is_asked_on_its_own_by_keyboard(visit: Open) -> None:
    patient = visit(path="es/")
    patient.ask(ABOUT_SCARS)
    patient.ask(FOLLOW_UP)
    while focused(patient.page) != "Preguntarlo por separado":
        patient.page.keyboard.press("Shift+Tab")
    patient.page.keyboard.press("Enter")
    expect(patient.arrival(2).locator(".looked-up")).to_have_count(0)
    expect(patient.page.locator(".parted")).to_contain_text("Un tema nuevo")


def test_only_what_was_read_with_the_conversation_can_be_asked_on_its_own(visit: Open) -> None:
    patient = visit()
    for question in (ABOUT_SCARS, "tell me more", DECLINED):
        assert patient.ask(question).locator("[data-action=alone]").count() == 0


def test_a_question_on_its_own_that_does_not_arrive_stays_so_when_tried_again(visit: Open) -> None:
    patient = visit()
    patient.ask(ABOUT_SCARS)
    follow_up = patient.ask(FOLLOW_UP)
    patient.page.context.set_offline(True)
    follow_up.get_by_role("button", name="Ask it on its own").click()
    expect(patient.page.locator("#problem")).to_contain_text("did not arrive")
    patient.page.context.set_offline(False)
    patient.page.get_by_role("button", name="Try again").click()
    expect(patient.arrival(2).locator(".looked-up")).to_have_count(0)

"""The page in a real browser: words are the article's, and nothing leaves this machine."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import PHONE, Visit, collapsed, focused, serving, shown_text, slice_of
from playwright.sync_api import expect

from bot.bot import Bot
from indexer.build import build

pytest_plugins = ("browser_fixtures",)
pytestmark = pytest.mark.browser
Open = Callable[..., Visit]

QUESTION = "why does my leg still hurt?"
HOSTILE_ARTICLE = """1986. was the year of the first one, and $$5 was its price.

Costs and # marks

# x is no heading here, _x_ is not slanted, ~x~ is not struck out and **x** is not bold.

A <b>bold</b> <script>document.title = "taken"</script> claim stands at http://example.org/?a=1&b=2 &amp; nowhere else.

<img src=x onerror="document.title='taken'"> ${1+1} {{1+1}} `code` \\(x\\) stays as it is typed.

Dr. Ann Example is a surgeon who writes <i>plainly</i> & well.
"""
HOSTILE_QUESTIONS = [
    "<script>document.title='taken'</script> does it hurt?",
    '"><img src=x onerror="document.title=\'taken\'">',
    "${7*7} {{7*7}} #{7*7} `7` $$7$$ _x_ ~x~ # x",
    "javascript:document.title='taken'",
    "\u202eturned \U0001f635 e\u0301 \ufeff question",
]


def test_the_sample_question_gets_the_articles_own_list_word_for_word(visit: Open, bot: Bot) -> None:
    turn = visit().ask(QUESTION)
    quotes = turn.locator(".quote").all()
    assert turn.get_attribute("data-outcome") == "overview"
    assert len(quotes) >= 7
    for quote in quotes:
        assert shown_text(quote.locator("blockquote")) == slice_of(bot, quote)
    starts = [int(quote.get_attribute("data-start") or 0) for quote in quotes]
    assert starts == sorted(starts)


def test_every_span_on_the_page_equals_its_slice(visit: Open, bot: Bot) -> None:
    patient = visit()
    for question in (QUESTION, "can scar tissue cause this pain", "when can i drive again"):
        turn = patient.ask(question)
        for element in turn.locator(".topics button, .byline").all():
            assert shown_text(element) == slice_of(bot, element)
        for mark in turn.locator(".quote mark").all():
            assert shown_text(mark) in collapsed(next(iter(bot.corpus.articles.values())).text)


def test_the_article_pane_is_the_whole_article_in_order(visit: Open, bot: Bot) -> None:
    article = next(iter(bot.corpus.articles.values()))
    blocks = visit().page.locator("#articles .block")
    shown = blocks.evaluate_all("blocks => blocks.map(block => block.textContent)")
    assert re.sub(r"\s+", "", "".join(shown)) == re.sub(r"\s+", "", article.text)
    assert blocks.evaluate_all("blocks => blocks.filter(b => b.matches('h3.heading')).map(b => b.textContent)") == [
        article.text[block.start : block.end] for block in article.blocks if block.kind == "heading"
    ]


def test_show_in_the_article_marks_the_sentence_and_leads_back(visit: Open, bot: Bot) -> None:
    patient = visit()
    quote = patient.ask("can scar tissue cause this pain").locator(".quote").first
    quote.get_by_role("button", name="Show in the article").click()
    shown = patient.page.locator("#articles .shown")
    assert shown_text(shown) == slice_of(bot, quote)
    assert [shown_text(m) for m in shown.locator("mark").all()] == [shown_text(m) for m in quote.locator("mark").all()]
    expect(shown).to_be_focused()
    expect(shown.locator("mark").first).to_be_in_viewport()
    patient.page.get_by_role("button", name="Back to the answer").click()
    assert focused(patient.page).startswith("Show in the article")


def test_on_a_phone_the_article_is_a_sheet_that_the_back_button_closes(visit: Open) -> None:
    patient = visit(PHONE)
    patient.ask(QUESTION).locator("[data-action=show]").nth(2).click()
    expect(patient.page.locator("#articles .shown mark").first).to_be_in_viewport()
    assert patient.page.evaluate("document.getElementById('talk').inert")
    patient.page.go_back()
    expect(patient.page.locator("#reading")).not_to_be_visible()
    assert focused(patient.page).startswith("Show in the article")
    assert patient.turns.count() == 1


def test_nothing_is_asked_of_another_host_and_nothing_is_stored(visit: Open) -> None:
    patient = visit()
    for question in (QUESTION, "can scar tissue cause this pain", "when can i drive again", "i cant feel when i pee"):
        patient.ask(question)
    assert {re.match(r"\w+://([^:/]+)", url)[1] for url in patient.requests if not url.startswith("data:")} == {
        "127.0.0.1"
    }  # type: ignore[index]
    stored = patient.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert stored == '[{},{},""]'
    assert patient.page.context.cookies() == []
    assert patient.page.evaluate("indexedDB.databases().then(all => all.length)") == 0
    assert patient.complaints == []


@pytest.mark.parametrize("question", HOSTILE_QUESTIONS)
def test_a_hostile_question_reaches_the_page_as_text(visit: Open, question: str) -> None:
    patient = visit()
    turn = patient.ask(question)
    assert turn.locator(".asked-words").evaluate("element => element.textContent") == question
    assert turn.locator(".asked-words *, script, img").count() == 0
    assert patient.page.title() == "Ask the article"
    assert patient.complaints == []


def test_a_hostile_article_reaches_the_page_unchanged(visit: Open, tmp_path: Path) -> None:
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    (corpus / "hostile").mkdir(parents=True)
    (corpus / "hostile" / "article.txt").write_text(HOSTILE_ARTICLE, encoding="utf-8")
    build(corpus, index)
    bot = Bot.open(corpus, index)
    with serving(bot, corpus=corpus, index=index) as server:
        patient = visit(url=server.url)
        blocks = patient.page.locator("#articles .block").evaluate_all("all => all.map(block => block.textContent)")
        assert re.sub(r"\s+", "", "".join(blocks)) == re.sub(r"\s+", "", HOSTILE_ARTICLE)
        for question in (
            "1986. was the year of the first one",
            "# x is no heading, _x_ not slanted, ~x~",
            "a bold claim",
        ):
            turn = patient.ask(question)
            for quote in turn.locator(".quote").all():
                assert shown_text(quote.locator("blockquote")) == slice_of(bot, quote)
                quote.locator("[data-action=show]").click()
                assert shown_text(patient.page.locator("#articles .shown")) == slice_of(bot, quote)
        assert patient.turns.locator(".quote").count() > 0
        assert patient.page.locator("#panes script, #panes img, #panes b, #panes i").count() == 0
        assert patient.page.title() == "Ask the article"
        assert patient.complaints == []

"""Spelling: slips become words that are used of the article; everything else stays as it was typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer import Outcome
from bot.bot import Bot
from bot.spelling import Speller, english_speller


@pytest.fixture(scope="module")
def mended(bot: Bot) -> Speller:
    return english_speller(bot.corpus)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("is my leg worce after the surgury", "is my leg worse after the surgery"),
        ("a hernated disk", "a herniated disk"),
        ("MY LEG IS WORCE", "MY LEG IS worse"),
        ("will physiotherrapy help?", "will physiotherapy help?"),
    ],
)
def test_a_slip_becomes_the_nearest_word_in_use(mended: Speller, typed: str, meant: str) -> None:
    assert mended(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "the herring moved to the sea",  # words of a dictionary, though nobody was taught them
        "was it an ALIF with Dr Voss",  # abbreviations and names
        "do statins matter",  # too short for two wrong letters
        "youre sure it isnt the nerve",  # contractions without their apostrophe
        "por que me duele todavia la pierna izquierda",  # another language
        "asdkjh qwezz zzxcv",  # nothing at all
        "почему болит нога",
        "",
    ],
)
def test_what_is_no_slip_stays_as_it_is(mended: Speller, text: str) -> None:
    assert mended(text) == text


@given(st.text(max_size=60))
def test_mending_twice_is_mending_once(mended: Speller, text: str) -> None:
    assert mended(mended(text)) == mended(text)


def test_what_was_looked_up_shows_the_mended_words(bot: Bot) -> None:
    answer = bot.answer("is scar tissue a rare cause after surgury")
    assert answer.question == "is scar tissue a rare cause after surgury"
    assert answer.looked_up == "is scar tissue a rare cause after surgery"
    assert (answer.outcome, answer.leans) == (Outcome.ANSWERED, False)


def test_a_mended_word_hides_no_emergency(bot: Bot) -> None:
    assert (
        bot.answer("i am numb perianally since this morning and cannot feel when i wipe").outcome is Outcome.EMERGENCY
    )

"""The reader, and what it decides where nobody taught a question."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer import Outcome
from bot.bot import Bot
from indexer.evidence import untaught_evidence
from indexer.reader import Reading, load_reader
from indexer.untaught import READ, load_untaught, read_best

CAST = "A cast stays on for about six weeks."
DRIVING = "Nobody should drive with a cast on the arm."


@pytest.mark.parametrize(
    ("question", "fits", "does_not"),
    [
        ("how long do I have to wear the plaster cast", CAST, DRIVING),
        ("am I allowed to drive with my arm in a cast", DRIVING, CAST),
    ],
)
def test_a_sentence_that_answers_reads_better_than_one_that_shares_words(question, fits, does_not):
    assert load_reader().read(question, fits).score > load_reader().read(question, does_not).score


def test_a_pair_reads_the_same_whatever_was_read_before():
    first = load_reader().read("how long", CAST)
    load_reader().read("is something else altogether read in between?", DRIVING * 20)
    again = load_reader().read("how long", CAST)
    assert again.score == first.score
    np.testing.assert_array_equal(again.state, first.state)


@pytest.mark.parametrize("question", ["", "?", "🦵", "wie lange", "why " * 5000])
def test_any_question_can_be_read(question):
    reading = load_reader().read(question, CAST)
    assert np.isfinite(reading.score)
    assert reading.state.shape == (len(load_untaught().unanswered),)


@given(st.lists(st.floats(0.1, 0.9), min_size=READ + 2, max_size=12, unique=True), st.data())
def test_only_the_best_places_are_read_and_stay_ahead_of_the_others(cosines, data):
    dense = np.array([cosines])
    evidence = untaught_evidence(dense, dense, np.zeros_like(dense))
    asked: dict[int, float] = {}

    def read(place: int) -> Reading:
        asked[place] = data.draw(st.floats(-11, 11))
        return Reading(asked[place], np.full(3, float(place)))

    ranked, state = read_best(evidence, read)
    before, after = np.argsort(-evidence.taught[0]), np.argsort(-ranked.taught[0], kind="stable")
    assert set(asked) == set(before[:READ].tolist()) == set(after[:READ].tolist())
    np.testing.assert_array_equal(np.sort(before[READ:]), np.sort(after[READ:]))
    assert ranked.taught[0, int(state[0])] == ranked.taught.max(), (
        "the state is that of a best place, should two be equal"
    )


def test_an_untaught_article_answers_what_it_says_and_declines_what_it_does_not(small_corpus, tmp_path):
    from indexer.build import build

    build(small_corpus, tmp_path / "index")
    bot = Bot.open(small_corpus, tmp_path / "index")
    said = bot.answer("how long does the cast stay on")
    assert said.outcome is Outcome.ANSWERED
    assert bot.corpus.text(said.quotes[0].highlights[0]).startswith("A cast stays on")
    assert bot.answer("what is the capital of France").outcome is Outcome.DECLINED
    sure, unsure = (
        bot.answer("which leg goes first up the stairs"),
        bot.answer("which shoe size fits best on the stairs"),
    )
    assert sure.confidence > unsure.confidence

"""What is taught is not judged, and what is judged is not taught. Failures name places, never words."""

from pathlib import Path

import numpy as np
import pytest

from bot.bot import Bot
from eval.repeats import Asked, encode_with, find_repeats, judged_questions, taught_questions

JUDGED = sorted((Path(__file__).parent.parent / "eval" / "questions").glob("*.jsonl"))


def test_no_judged_question_nearly_repeats_a_taught_one(bot: Bot) -> None:
    repeats = find_repeats(taught_questions(bot.corpus), judged_questions(JUDGED), encode_with(bot.index))
    # Ids and line numbers only: who reads a failure must stay blind to the other side.
    found = [f"{repeat.left.name} ~ {repeat.right.name} ({repeat.likeness:.3f})" for repeat in repeats]
    assert found == [], f"{len(found)} repeats; take these out of what is taught"


@pytest.mark.parametrize(
    ("taught", "judged", "is_repeat"),
    [
        ("Is scar tissue common?", "is  scar tissue COMMON", True),
        ("Is the scar tissue common?", "Is scar tissue common?", True),
        ("How long does scar tissue grow?", "Is it common for a disc to rupture twice?", False),
    ],
)
def test_the_same_words_and_nearly_the_same_are_repeats(bot: Bot, taught: str, judged: str, is_repeat: bool) -> None:
    repeats = find_repeats([Asked("a", taught)], [Asked("b", judged)], encode_with(bot.index))
    assert bool(repeats) is is_repeat


def test_a_follow_up_repeats_another_only_together_with_what_came_before(bot: Bot) -> None:
    after_scars = Asked("a", "how come", before="is scar tissue a common cause")
    after_scars_too = Asked("b", "How come?", before="Is scar tissue a common cause?")
    after_nerves = Asked("c", "how come", before="can the surgeon hit a nerve")
    alone = Asked("d", "how come")
    encode = encode_with(bot.index)
    assert find_repeats([after_scars], [after_scars_too], encode)
    assert not find_repeats([after_scars], [after_nerves], encode)
    assert find_repeats([after_scars], [alone], encode)
    assert find_repeats([alone], [after_scars], encode)


def test_vectors_of_the_index_are_those_of_the_model(bot: Bot) -> None:
    taught, turns = next(iter(bot.corpus.questions.values())), next(iter(bot.corpus.conversations.values()))
    texts = [question.text for question in taught[:3]] + [turn.question.text for turn in turns if turn.earlier][:3]
    np.testing.assert_allclose(encode_with(bot.index)(texts), bot.index.encoder.encode(texts), atol=1e-6)

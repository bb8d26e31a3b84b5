"""Which questions nearly repeat others: what is taught must not be what is judged."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.questions import normalise, read_rows

if TYPE_CHECKING:
    from indexer.corpus import Corpus
    from indexer.encoder import Vectors
    from indexer.index import Index

# Two questions say the same in nearly the same words when their unit vectors (default model) are this alike.
NEARLY_THE_SAME = 0.97

Encode = Callable[[Sequence[str]], "Vectors"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, where it stands (`name`), and the question asked before it, if it is a follow-up."""

    name: str
    text: str
    before: str | None = None

    @property
    def together(self) -> str:
        """The question behind the one before it: "how come" alone says nothing."""
        return f"{self.before} {self.text}" if self.before else self.text


@dataclass(frozen=True, slots=True)
class Repeat:
    """Two questions that are nearly one; `likeness` is the cosine of their vectors, 1.0 for the same words."""

    left: Asked
    right: Asked
    likeness: float


def find_repeats(left: Sequence[Asked], right: Sequence[Asked], encode: Encode) -> list[Repeat]:
    """Return every pair with the same words (case and punctuation aside), or with nearly equal vectors.

    Two follow-ups are compared together with the question before each.
    """
    left_turns, right_turns = ([each for each in side if each.before] for side in (left, right))
    left_first, right_first = ([each for each in side if not each.before] for side in (left, right))
    return [
        *_compare(left_first, right, [each.text for each in left_first], [each.text for each in right], encode),
        *_compare(left_turns, right_first, [e.text for e in left_turns], [e.text for e in right_first], encode),
        *_compare(left_turns, right_turns, [e.together for e in left_turns], [e.together for e in right_turns], encode),
    ]


def judged_questions(files: Iterable[Path]) -> list[Asked]:
    """Return the questions of judged files, each named by its id or its line; answers are not looked at."""
    return [
        Asked(
            f"'{row.get('id', f'line {number}')}' of {path.name}",
            str(row.get("question", "")),
            next(iter([str(turn) for turn in row.get("history", ())][-1:]), None),
        )
        for path in files
        for number, row in read_rows(path)
    ]


def taught_questions(corpus: "Corpus") -> list[Asked]:
    """Return all taught questions and turns of taught conversations, each named by its place in its file."""
    questions = [
        Asked(f"taught question {number} of {article}", question.text)
        for article, own in corpus.questions.items()
        for number, question in enumerate(own, start=1)
    ]
    turns = [
        Asked(f"taught turn {number} of {article}", turn.question.text, turn.earlier[-1].text if turn.earlier else None)
        for article, own_turns in corpus.conversations.items()
        for number, turn in enumerate(own_turns, start=1)
    ]
    return [*questions, *turns]


def encode_with(index: "Index") -> Encode:
    """Return an encoder of the default model that takes the vectors of taught questions from an index."""
    import numpy as np

    from indexer.encoder import DEFAULT_MODEL, load_encoder, plain

    encoder = load_encoder(DEFAULT_MODEL)
    wide: dict[str, Vectors] = {}
    if index.encoder.name == DEFAULT_MODEL:
        for shelf in index.shelves:
            for row, question in enumerate(shelf.taught.questions):
                wide[question.text] = index.question_views.reconstruct(shelf.first_question + row)
            if shelf.follow_ups:
                turns = [turn for article in shelf.articles for turn in index.corpus.conversations[article]]
                for row, turn in enumerate(turn for turn in turns if turn.earlier):
                    wide[turn.question.text] = shelf.follow_ups.alone(row)
    known = {text: plain(vector[None], encoder.dimension)[0] for text, vector in wide.items()}

    def encode(texts: Sequence[str]) -> "Vectors":
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, encoder.encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return encode


def _compare(
    left: Sequence[Asked], right: Sequence[Asked], left_texts: list[str], right_texts: list[str], encode: Encode
) -> list[Repeat]:
    import numpy as np

    if not left or not right:
        return []
    likeness = encode(left_texts) @ encode(right_texts).T
    places: dict[str, list[int]] = {}
    for place, text in enumerate(right_texts):
        places.setdefault(normalise(text), []).append(place)
    for place, text in enumerate(left_texts):
        likeness[place, places.get(normalise(text), [])] = 1.0
    found = np.argwhere(likeness >= NEARLY_THE_SAME)
    return [Repeat(left[row], right[column], float(likeness[row, column])) for row, column in found]

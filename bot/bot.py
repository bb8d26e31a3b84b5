"""Question → answer: the whole path on one screen."""

from collections.abc import Sequence
from pathlib import Path

from bot.answer import Answer, Outcome
from bot.decide import attribution, decide, emergency_probability
from bot.question import resolve
from bot.safety import red_flag
from bot.wording import wording
from indexer.article import Span
from indexer.index import Index, load_index


class Bot:
    """Answers questions with spans of the indexed articles, and with nothing else."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.corpus = index.corpus

    @classmethod
    def open(cls, corpus: Path = Path("corpus"), index: Path = Path(".index")) -> "Bot":
        """Load an index. Raises StaleIndexError when the corpus changed since, IndexFormatError when it is missing."""
        return cls(load_index(corpus, index))

    def answer(self, question: str, *, history: Sequence[str] = ()) -> Answer:
        """Answer `question` with spans of the indexed articles, or decline.

        history: the earlier questions of the conversation, oldest first.
        """
        looked_up = resolve(question, history)
        flag = red_flag(looked_up.text)
        if looked_up.problem and not flag:
            return self._fixed(Outcome.DECLINED, question, looked_up.text, wording(looked_up.problem))
        judgements = self.index.search(looked_up.text)
        probability, sure = emergency_probability(self.index, judgements)
        if flag or sure:
            notice = wording("emergency", flag or "unnamed")
            return self._fixed(Outcome.EMERGENCY, question, looked_up.text, notice, 1.0 if flag else probability)
        return decide(self.index, judgements, question=question, looked_up=looked_up.text, notice=wording("declined"))

    def rank(self, question: str, *, history: Sequence[str] = ()) -> list[tuple[Span, float]]:
        """Return every sentence with the probability that it answers, best first, whatever would be decided."""
        judgements = self.index.search(resolve(question, history).text)
        ranked = [
            (self.corpus.sentences[number].span, float(probability))
            for shelf, judgement in zip(self.index.shelves, judgements, strict=True)
            for number, probability in zip(shelf.sentences, judgement.sentences, strict=True)
        ]
        return sorted(ranked, key=lambda pair: -pair[1])

    def _fixed(self, outcome: Outcome, question: str, looked_up: str, notice: str, confidence: float = 0.0) -> Answer:
        return Answer(
            question=question,
            looked_up=looked_up,
            outcome=outcome,
            confidence=confidence,
            attribution=attribution(self.index),
            notice=notice,
        )

"""Question → answer: the whole path on one screen."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.answer import Answer, Outcome
from bot.decide import attribution, decide, emergency_probability
from bot.question import COMMAND, MAX_HISTORY, MORE, LookedUp, clean, resolve
from bot.safety import red_flag
from bot.sections import heading_named, next_in_section, section_of, without_shown
from bot.spelling import english_speller
from bot.wording import emergency_notice, wording
from indexer.article import Span
from indexer.followups import Context
from indexer.index import Index
from indexer.storage import load_index


class Bot:
    """Answers questions with spans of the indexed articles, and with nothing else."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.corpus = index.corpus
        self._mended = english_speller(index.corpus)
        self._numbers = {sentence.span: number for number, sentence in enumerate(index.corpus.sentences)}

    @classmethod
    def open(cls, corpus: Path = Path("corpus"), index: Path = Path(".index")) -> "Bot":
        """Load an index. Raises StaleIndexError when the corpus changed since, IndexFormatError when it is missing."""
        return cls(load_index(corpus, index))

    def answer(self, question: str, *, history: Sequence[str] = ()) -> Answer:
        """Answer `question` with spans of the indexed articles, or decline.

        history: the earlier questions of the conversation, oldest first; they are answered again, silently, to
        know what the patient has been shown.
        """
        return self.answer_in_context(question, self.replay(history))

    def rank(self, question: str, *, history: Sequence[str] = ()) -> list[tuple[Span, float]]:
        """Return every sentence with the probability that it answers, best first, whatever would be decided."""
        judgements = self.index.search(self._look_up(question).text, self.replay(history))
        ranked = [
            (self.corpus.sentences[number].span, float(probability))
            for shelf, judgement in zip(self.index.shelves, judgements, strict=True)
            for number, probability in zip(shelf.sentences, judgement.sentences, strict=True)
        ]
        return sorted(ranked, key=lambda pair: -pair[1])

    def answer_in_context(self, question: str, context: Context | None) -> Answer:
        """Answer the next question of a conversation that left `context` (None: the first question)."""
        looked_up = self._look_up(question)
        # Every word as it was typed: an emergency may stand at the very end of a long story.
        flag = red_flag(question)
        if flag:
            return self._fixed(Outcome.EMERGENCY, question, looked_up.text, emergency_notice(flag), 1.0)
        if looked_up.phrase == MORE and context and context.sentence is not None:
            return next_in_section(self.index, context.sentence, context.shown, question, wording("no_more"))
        if (heading := heading_named(self.index, looked_up.topic)) is not None:
            return section_of(self.index, heading, question, looked_up.text)
        if looked_up.phrase not in (None, MORE, COMMAND):
            return self._fixed(Outcome.DECLINED, question, looked_up.text, wording(str(looked_up.phrase)))
        judgements = self.index.search(looked_up.text, context)
        probability, sure = emergency_probability(judgements)
        if not sure and looked_up.text != clean(question):
            # Mending a word must not hide an emergency.
            probability, sure = emergency_probability(self.index.search(clean(question), context))
        if sure:
            notice = emergency_notice("unnamed")
            return self._fixed(Outcome.EMERGENCY, question, looked_up.text, notice, probability)
        if looked_up.phrase == COMMAND:
            # A sentence that speaks of the same would look like obedience.
            judgements = [replace(judgement, confidence=0.0) for judgement in judgements]
        answer = decide(self.index, judgements, question=question, looked_up=looked_up.text, notice=wording("declined"))
        if looked_up.wants_others and context and answer.outcome is Outcome.OVERVIEW:
            answer = without_shown(answer, {self.corpus.sentences[number].span for number in context.shown})
        leans = any(judgement.leans for judgement in judgements)
        return self._name_context(answer, context) if context and leans else answer

    def replay(self, history: Sequence[str]) -> Context | None:
        """Return what the earlier questions leave for the next one to lean on."""
        context: Context | None = None
        for question in history[-MAX_HISTORY:]:
            answer = self.answer_in_context(question, context)
            context = self.context_after(answer, context)
        return context

    def context_after(self, answer: Answer, before: Context | None) -> Context:
        """Return what an answer leaves for the next question to lean on."""
        shown = before.shown if before else frozenset()
        sentence = before.sentence if before else None
        highlighted = [self._numbers[span] for quote in answer.quotes for span in quote.highlights]
        if answer.outcome is Outcome.ANSWERED:
            sentence = highlighted[0]
        elif answer.outcome is Outcome.OVERVIEW:
            sentence = None
        asked = self._look_up(answer.question).text
        return Context(asked, sentence, shown | set(highlighted), before.first if before else asked)

    def _name_context(self, answer: Answer, context: Context) -> Answer:
        """Say what a follow-up was read with: the section shown last."""
        if context.sentence is None or not answer.quotes:
            return answer
        heading = self.corpus.passages[self.corpus.sentences[context.sentence].passage].heading
        if heading is None:
            return answer
        return replace(answer, looked_up=f"{answer.looked_up} — {self.corpus.text(heading)}", leans=True)

    def _look_up(self, question: str) -> LookedUp:
        """Clean a question and mend its spelling."""
        cleaned = resolve(question)
        return cleaned if cleaned.phrase else resolve(self._mended(cleaned.text))

    def _fixed(self, outcome: Outcome, question: str, looked_up: str, notice: str, confidence: float = 0.0) -> Answer:
        return Answer(
            question=question,
            looked_up=looked_up,
            outcome=outcome,
            confidence=confidence,
            attribution=attribution(self.index),
            notice=notice,
        )

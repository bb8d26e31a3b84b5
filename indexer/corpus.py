"""The corpus folder as data: its articles, their passages and sentences, and the questions taught for them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.article import Article, Span, article_folders, load_article
from indexer.errors import ArticleError
from indexer.passages import Passage, article_passages, list_opener
from indexer.questions import Question, Turn, load_conversations, load_taught

QUESTIONS_FILE = "questions.jsonl"
CONVERSATIONS_FILE = "conversations.jsonl"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and the number of its passage in the corpus."""

    span: Span
    passage: int


@dataclass(frozen=True, slots=True)
class Corpus:
    """All articles in the order of their folder names; passages and sentences are in reading order."""

    articles: dict[str, Article]
    passages: tuple[Passage, ...]
    sentences: tuple[Sentence, ...]
    questions: dict[str, tuple[Question, ...]]
    """Taught questions by article id."""
    conversations: dict[str, tuple[Turn, ...]]
    """Turns of taught conversations by article id."""
    list_openers: dict[str, Span]
    """The sentence that opens an article's list of sections, for the articles that have one."""

    def text(self, span: Span) -> str:
        """Return the words of a span, unchanged."""
        return self.articles[span.article].slice(span)

    def sentences_touched(self, spans: Sequence[Span]) -> list[int]:
        """Return the numbers of the sentences that any of the spans overlaps, in reading order."""
        return [
            number
            for number, sentence in enumerate(self.sentences)
            if any(
                sentence.span.article == span.article
                and sentence.span.start < span.end
                and span.start < sentence.span.end
                for span in spans
            )
        ]

    @property
    def synonyms(self) -> tuple[tuple[str, ...], ...]:
        """The groups of synonyms of all articles."""
        return tuple(group for article in self.articles.values() for group in article.synonyms)

    def sentence_view(self, sentence: Sentence) -> str:
        """Return what is indexed for a sentence: the heading above it, or the article's label, and its words."""
        return self._view(self.passages[sentence.passage], sentence.span)

    def passage_view(self, passage: Passage) -> str:
        """Return what is indexed for a passage: the heading above it, or the article's label, and its words."""
        return self._view(passage, passage.span)

    def _view(self, passage: Passage, span: Span) -> str:
        above = self.text(passage.heading) if passage.heading else self.articles[span.article].label
        return f"{above}. {self.text(span)}"


def load_corpus(folder: Path) -> Corpus:
    """Read every article of a corpus folder with its taught questions.

    Raises ArticleError or QuestionsError for the first thing that is not as it should be.
    """
    articles: dict[str, Article] = {}
    passages: list[Passage] = []
    questions: dict[str, tuple[Question, ...]] = {}
    conversations: dict[str, tuple[Turn, ...]] = {}
    openers: dict[str, Span] = {}
    for path in article_folders(folder):
        article = load_article(path)
        own = article_passages(article)
        if opener := list_opener(article, own):
            openers[article.id] = opener
        articles[article.id] = article
        passages += own
        questions[article.id] = load_taught(path / QUESTIONS_FILE, article)
        conversations[article.id] = load_conversations(path / CONVERSATIONS_FILE, article)
    sentences = tuple(Sentence(span, number) for number, passage in enumerate(passages) for span in passage.sentences)
    if not sentences:
        raise ArticleError(f"{folder}: no sentence was found in any article of this corpus.")
    return Corpus(articles, tuple(passages), sentences, questions, conversations, openers)


def file_sha256(path: Path) -> str:
    """Return the sha-256 of a file, or of nothing where there is no such file."""
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()

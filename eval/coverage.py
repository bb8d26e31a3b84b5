"""What the corpus covers: sections that no question reaches, passages taught too little, and how hard they read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.gaps import Gap
from eval.records import Run
from indexer.article import Span
from indexer.corpus import QUESTIONS_FILE, Corpus
from indexer.errors import UsageError
from indexer.index import Index
from indexer.questions import Kind

if TYPE_CHECKING:
    from eval.learning import Curve

# Taught questions a sentence from which another one brings little; the learning curve tells how little.
ENOUGH = 50
# School years from which health information is too hard for many readers.
HARD_GRADE = 8.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How hard a text reads: two estimates of the school years it takes, by letters and by words a sentence.

    Both count letters. Formulas over syllables are left out: textstat fetches their dictionary from the network.
    """

    words: int
    words_a_sentence: float
    automated_readability: float
    coleman_liau: float

    @property
    def is_hard(self) -> bool:
        """Whether both estimates together lie above HARD_GRADE."""
        return (self.automated_readability + self.coleman_liau) / 2 > HARD_GRADE


@dataclass(frozen=True, slots=True)
class SectionCoverage:
    """A section: how many taught questions lead into it, and how many answers of a run quote it (None: no run)."""

    article: str
    heading: str | None
    start: int
    end: int
    sentences: int
    taught: int
    quoted: int | None
    reading: Reading | None

    @property
    def is_unreached(self) -> bool:
        """Whether no taught question leads here, or a run never showed it."""
        return self.taught == 0 or self.quoted == 0


@dataclass(frozen=True, slots=True)
class PassageCoverage:
    """A passage: taught questions a sentence, and how often questions by new authors miss it.

    `missed` is the share of them whose best sentence is a wrong one, and `missed_doubled` what the learning curve
    expects with twice as many taught questions; both None without a curve. `tested` counts those questions.
    """

    article: str
    heading: str | None
    start: int
    end: int
    text: str
    sentences: int
    taught_a_sentence: float
    missed: float | None
    missed_doubled: float | None
    tested: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """All that the team can do next; `passages` with too few taught questions first, then the most missed."""

    enough: int
    sections: tuple[SectionCoverage, ...]
    passages: tuple[PassageCoverage, ...]
    gaps: tuple[Gap, ...]

    def unreached(self) -> list[SectionCoverage]:
        """Return the sections that no question reaches."""
        return [section for section in self.sections if section.is_unreached]

    def thin(self) -> list[PassageCoverage]:
        """Return the passages with fewer than `enough` taught questions a sentence."""
        return [passage for passage in self.passages if passage.taught_a_sentence < self.enough]


def cover(
    index: Index,
    gaps: Sequence[Gap],
    *,
    run: Run | None = None,
    curve: "Curve | None" = None,
    enough: int = ENOUGH,
) -> Coverage:
    """Put together what is known of every section and passage.

    Raises UsageError when the run or the curve belongs to articles or questions that changed since.
    """
    corpus = index.corpus
    if run is not None:
        _check_run(run, corpus)
    files = index.manifest["files_sha256"]
    if curve is not None and files.get(curve.article, {}).get(QUESTIONS_FILE) != curve.questions_sha256:
        raise UsageError(
            f"The taught questions of '{curve.article}' changed after the learning curve was drawn; "
            "run: python -m eval learning-curve"
        )
    return Coverage(
        enough=enough,
        sections=tuple(_sections(corpus, run)),
        passages=tuple(
            sorted(
                _passages(corpus, curve),
                key=lambda passage: (
                    passage.taught_a_sentence >= enough,
                    -(passage.missed or 0),
                    passage.taught_a_sentence,
                ),
            )
        ),
        gaps=tuple(gaps),
    )


def read(text: str, language: str) -> Reading | None:
    """Measure how hard a text reads; None where the formulas do not hold: no words, or not English."""
    import textstat

    words = textstat.lexicon_count(text)
    if not language.startswith("en") or not words:
        return None
    return Reading(
        words=words,
        words_a_sentence=words / max(1, textstat.sentence_count(text)),
        automated_readability=float(textstat.automated_readability_index(text)),
        coleman_liau=float(textstat.coleman_liau_index(text)),
    )


def _check_run(run: Run, corpus: Corpus) -> None:
    now = {article.id: article.sha256 for article in corpus.articles.values()}
    then = run.manifest.get("files_sha256", {})
    for article, sha256 in now.items():
        if sha256 not in then.get(article, {}).values():
            raise UsageError(f"The run was made with another text of article '{article}'; run it again.")


def _sections(corpus: Corpus, run: Run | None) -> list[SectionCoverage]:
    numbers: dict[tuple[str, int], list[int]] = {}
    for number, passage in enumerate(corpus.passages):
        numbers.setdefault((passage.span.article, passage.section), []).append(number)
    sections = []
    for (article, _), own in numbers.items():
        passages = [corpus.passages[number] for number in own]
        heading = passages[0].heading
        sections.append(
            SectionCoverage(
                article=article,
                heading=corpus.text(heading) if heading else None,
                start=passages[0].span.start,
                end=passages[-1].span.end,
                sentences=sum(len(passage.sentences) for passage in passages),
                taught=_leading_to(corpus, [passage.span for passage in passages]),
                quoted=_quoting(run, article, [passage.span for passage in passages]),
                reading=read(
                    "\n".join(corpus.text(passage.span) for passage in passages),
                    corpus.articles[article].language,
                ),
            )
        )
    return sections


def _passages(corpus: Corpus, curve: "Curve | None") -> list[PassageCoverage]:
    measured = {sentence.sentence: sentence for sentence in curve.sentences} if curve else {}
    passages = []
    for number, passage in enumerate(corpus.passages):
        own = [at for at, sentence in enumerate(corpus.sentences) if sentence.passage == number]
        figures = [measured[at].first_right for at in own if at in measured]
        tested = sum(figure.n for figure in figures)
        missed = sum(figure.n * (1 - (figure.value or 0)) for figure in figures) / tested if tested else None
        halving = curve.halving if curve else None
        passages.append(
            PassageCoverage(
                article=passage.span.article,
                heading=corpus.text(passage.heading) if passage.heading else None,
                start=passage.span.start,
                end=passage.span.end,
                text=corpus.text(passage.span),
                sentences=len(passage.sentences),
                taught_a_sentence=sum(_leading_to(corpus, [span]) for span in passage.sentences)
                / len(passage.sentences),
                missed=missed,
                missed_doubled=missed * halving if missed is not None and halving is not None else None,
                tested=tested,
            )
        )
    return passages


def _leading_to(corpus: Corpus, spans: Sequence[Span]) -> int:
    """Count the taught questions, overviews aside, that any of these spans answers."""
    return sum(
        question.kind is Kind.ANSWERED and any(_overlap(answer, span) for answer in question.answers for span in spans)
        for question in corpus.questions[spans[0].article]
    )


def _quoting(run: Run | None, article: str, spans: Sequence[Span]) -> int | None:
    if run is None:
        return None
    quotes = [
        [Span(quote["article"], quote["start"], quote["end"]) for quote in record.answer.get("quotes", [])]
        for record in run.answers
    ]
    return sum(
        any(quote.article == article and _overlap(quote, span) for quote in own for span in spans) for own in quotes
    )


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end

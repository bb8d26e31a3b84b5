"""Article → sections and passages: what is retrieved and shown, and the sentences inside it."""

import re
from dataclasses import dataclass
from functools import cache

import pysbd
from pysbd.languages import LANGUAGE_CODES

from indexer.article import Article, Span
from indexer.blocks import BLANK, Block, BlockKind

QUOTED = (BlockKind.PARAGRAPH, BlockKind.BYLINE)

# A paragraph longer than this is cut at sentence ends: nobody finds an answer in a wall of text.
MAX_PASSAGE = 1200

# Words that announce a list of what follows, as "Below are a few reasons …" does.
_LIST_OPENER = re.compile(
    r"\b(?:below|following|here)\b[^.]*\b(?:are|is|include|list|reasons?|causes?|ways?|steps?)\b"
    r"|\b(?:reasons?|causes?|ways?|steps?|signs?)\b[^.]*\b(?:below|following|include|are)\b[^.]*:?$"
    r"|:$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph that can stand alone, with its heading and its sentences.

    `section` numbers the article's sections from 0; `see_also` are the cross-references of that section.
    """

    span: Span
    heading: Span | None
    section: int
    sentences: tuple[Span, ...]
    see_also: tuple[Span, ...]
    is_byline: bool


def article_passages(article: Article) -> tuple[Passage, ...]:
    """Cut an article into passages, in reading order."""
    passages: list[Passage] = []
    for section, blocks in enumerate(_sections(article)):
        heading = next((article.span(b) for b in blocks if b.kind is BlockKind.HEADING), None)
        see_also = tuple(article.span(b) for b in blocks if b.kind is BlockKind.CROSS_REFERENCE)
        for block in blocks:
            if block.kind in QUOTED:
                is_byline = block.kind is BlockKind.BYLINE
                passages += [
                    Passage(span, heading, section, sentences, see_also, is_byline)
                    for span, sentences in _cut(article, block)
                ]
    return tuple(passages)


def list_opener(article: Article, passages: tuple[Passage, ...]) -> Span | None:
    """Find the sentence that opens the article's list of sections ("Below are a few reasons …").

    It is told by `list_opener` under [sections] in article.toml, or guessed: the last sentence before the
    first heading, if it announces a list and at least two sections follow.
    """
    if told := article.section_patterns.get("list_opener"):
        for passage in passages:
            for sentence in passage.sentences:
                if any(re.search(pattern, article.slice(sentence)) for pattern in told):
                    return sentence
    headed = {p.section for p in passages if p.heading}
    before = [p for p in passages if headed and p.section < min(headed) and not p.is_byline]
    if len(headed) < 2 or not before:
        return None
    last = before[-1].sentences[-1]
    return last if _LIST_OPENER.search(article.slice(last)) else None


def _sections(article: Article) -> list[list[Block]]:
    """Group blocks by section: a heading opens one; a byline, and a block told by `end_before`, closes it."""
    ends = [re.compile(pattern) for pattern in article.section_patterns.get("end_before", [])]
    sections: list[list[Block]] = [[]]
    for block in article.blocks:
        words = article.text[block.start : block.end]
        opens = block.kind in (BlockKind.HEADING, BlockKind.BYLINE) or (
            block.kind is BlockKind.PARAGRAPH and any(end.search(words) for end in ends)
        )
        after_byline = bool(sections[-1]) and sections[-1][0].kind is BlockKind.BYLINE
        if (opens or after_byline) and sections[-1]:
            sections.append([])
        sections[-1].append(block)
    return sections


def _cut(article: Article, block: Block) -> list[tuple[Span, tuple[Span, ...]]]:
    """Cut a paragraph into parts of whole sentences, one part unless it is longer than MAX_PASSAGE."""
    sentences = split_sentences(article, article.span(block))
    if block.end - block.start <= MAX_PASSAGE:
        return [(article.span(block), sentences)]
    parts: list[list[Span]] = [[]]
    for sentence in sentences:
        if parts[-1] and sentence.end - parts[-1][0].start > MAX_PASSAGE:
            parts.append([])
        parts[-1].append(sentence)
    return [(Span(article.id, part[0].start, part[-1].end), tuple(part)) for part in parts]


def split_sentences(article: Article, span: Span) -> tuple[Span, ...]:
    """Split a span into sentences that cover its non-blank characters, in order, without overlap.

    Where the splitter gives back words that are not in the text, the whole span is one sentence.
    """
    bounds = sentence_bounds(article.slice(span), article.language)
    return tuple(Span(article.id, span.start + start, span.start + end) for start, end in bounds)


def sentence_bounds(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Return where each sentence of a text starts and ends; the whole text, where it cannot be split."""
    # pysbd ends a sentence at every line end, but a hard-wrapped paragraph has them inside sentences.
    text = re.sub(r"[\r\n]", " ", text)
    bounds: list[tuple[int, int]] = []
    edge = 0
    for piece in _segmenter(language).segment(text):
        words = piece.strip()
        at = text.find(words, edge)
        if not words or at < 0 or BLANK.sub("", text[edge:at]):
            return [(0, len(text))]
        bounds.append((at, at + len(words)))
        edge = at + len(words)
    return [(0, len(text))] if not bounds or BLANK.sub("", text[edge:]) else bounds


@cache
def _segmenter(language: str) -> pysbd.Segmenter:
    code = language.split("-")[0].lower()
    return pysbd.Segmenter(language=code if code in LANGUAGE_CODES else "en", clean=False)

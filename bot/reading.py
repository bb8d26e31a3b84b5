"""The articles as a patient reads them: all of each, in order, real headings, one element a block."""

from dataclasses import dataclass

from bot.templates import render
from bot.wording import page_words
from indexer.article import Article
from indexer.blocks import Block, BlockKind
from indexer.corpus import Corpus

# Block marks of Markdown that say only what their block is, which the page shows by other means.
_SILENT_MARKS = frozenset("#>`~=")


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block as shown: its slice, in the element that says what it is."""

    tag: str
    kind: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article as shown; `titled` when its label is the heading that it opens with."""

    id: str
    sha256: str
    label: str
    label_is_ours: bool
    titled: bool
    language: str
    publisher: str | None
    reviewed: str | None
    blocks: tuple[BlockView, ...]


def article_html(corpus: Corpus, language: str) -> str:
    """Return every article of a corpus as HTML; the page's own words are in `language`, the articles' as they are."""
    articles = [_view(article) for article in corpus.articles.values()]
    return render("article.html", w=page_words(language), articles=articles, language=language)


def _view(article: Article) -> ArticleView:
    title = article.title
    titled = title is not None and article.slice(title) == article.label
    blocks = tuple(
        BlockView(
            tag=_tag(block, is_title=titled and article.span(block) == title),
            kind=block.kind.value,
            start=block.start,
            end=block.end,
            text=article.text[block.start : block.end],
        )
        for block in article.blocks
        if not (block.kind is BlockKind.MARKUP and set(article.text[block.start : block.end]) <= _SILENT_MARKS)
    )
    return ArticleView(
        id=article.id,
        sha256=article.sha256,
        label=article.label,
        label_is_ours=article.label_is_ours,
        titled=titled,
        language=article.language,
        publisher=article.publisher,
        reviewed=article.reviewed,
        blocks=blocks,
    )


def _tag(block: Block, *, is_title: bool) -> str:
    if block.kind is not BlockKind.HEADING:
        return "p"
    return "h2" if is_title else "h3"

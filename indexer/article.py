"""An article: its text, exactly as published, and what the text itself does not say.

All offsets count Unicode code points into the text of the file decoded as UTF-8, newlines untouched.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer.blocks import BLANK, Block, BlockKind, parse_markdown, parse_plain
from indexer.errors import ArticleError

ARTICLE_FILES = {"article.txt": parse_plain, "article.md": parse_markdown}
_METADATA = {"label", "label_is_ours", "language", "publisher", "address", "reviewed", "synonyms", "blocks", "sections"}
_SECTION_KEYS = {"end_before", "list_opener"}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an article: `start` and `end` count Unicode code points into its decoded text."""

    article: str
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Article:
    """One publication of the corpus; `id` is the name of its folder.

    `label` is what the article is called: what article.toml says, or its `title`, or else the name of its folder.
    `label_is_ours` says that the text carries no such title.
    `publisher`, `address` and `reviewed` are None when unknown: nothing is guessed about a source.
    """

    id: str
    text: str = field(repr=False)
    sha256: str
    label: str
    label_is_ours: bool
    language: str
    publisher: str | None
    address: str | None
    reviewed: str | None
    blocks: tuple[Block, ...] = field(repr=False)
    section_patterns: Mapping[str, Sequence[str]] = field(repr=False)
    """Patterns under [sections]: `end_before` a block that its heading no longer covers; `list_opener`."""
    synonyms: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    """Groups of words and phrases that mean the same to one who searches."""

    def span(self, block: Block) -> Span:
        """Return the span of one of this article's blocks."""
        return Span(self.id, block.start, block.end)

    def slice(self, span: Span) -> str:
        """Return the words of a span of this article, unchanged."""
        if span.article != self.id or not 0 <= span.start <= span.end <= len(self.text):
            raise ArticleError(f"{span} does not lie in article '{self.id}' of {len(self.text)} characters.")
        return self.text[span.start : span.end]

    @property
    def title(self) -> Span | None:
        """The heading that the text opens with, if it opens with one."""
        return _title_of(self.id, self.blocks)

    @property
    def byline(self) -> Span | None:
        """The paragraph in which the article names its author, if it has one."""
        return next((self.span(b) for b in self.blocks if b.kind is BlockKind.BYLINE), None)


def load_article(folder: Path) -> Article:
    """Read one article folder: `article.txt` or `article.md`, and `article.toml` if there is one.

    Raises ArticleError with the file and what to do when something in it cannot be read.
    """
    found = [folder / name for name in ARTICLE_FILES if (folder / name).is_file()]
    if len(found) != 1:
        what = "no article.txt or article.md" if not found else "both an article.txt and an article.md"
        raise ArticleError(f"{folder}: there is {what} in this folder; put exactly one there.")
    path = found[0]
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArticleError(
            f"{path}: not UTF-8 (byte {error.start} is 0x{raw[error.start]:02x}); save it as UTF-8 text."
        ) from None
    if not BLANK.sub("", text):
        raise ArticleError(f"{path}: the file is empty; put the article's text there.")
    about = _read_metadata(folder / "article.toml")
    blocks = ARTICLE_FILES[path.name](text, about.get("blocks", {}))
    if not any(block.kind is BlockKind.PARAGRAPH for block in blocks):
        raise ArticleError(
            f"{path}: no paragraph was found in it; tell one by a pattern under [blocks] in article.toml."
        )
    title = _title_of(folder.name, blocks)
    own = text[title.start : title.end] if title else None
    return Article(
        id=folder.name,
        text=text,
        sha256=hashlib.sha256(raw).hexdigest(),
        label=about.get("label") or own or folder.name.replace("-", " ").replace("_", " ").capitalize(),
        label_is_ours=bool(about.get("label_is_ours", not own and "label" not in about)),
        language=about.get("language", "en"),
        publisher=about.get("publisher"),
        address=about.get("address"),
        reviewed=str(about["reviewed"]) if "reviewed" in about else None,
        blocks=blocks,
        section_patterns=about.get("sections", {}),
        synonyms=tuple(tuple(group) for group in about.get("synonyms", ())),
    )


def article_folders(corpus: Path) -> list[Path]:
    """Return the article folders of a corpus, by name. Raises ArticleError when there is none."""
    if not corpus.is_dir():
        raise ArticleError(f"{corpus}: no such corpus folder; name it with --corpus FOLDER.")
    folders = sorted(
        folder
        for folder in corpus.iterdir()
        if folder.is_dir() and any((folder / name).is_file() for name in ARTICLE_FILES)
    )
    if not folders:
        raise ArticleError(f"{corpus}: no article in this corpus; an article is a folder with an article.txt in it.")
    return folders


def _title_of(article: str, blocks: Sequence[Block]) -> Span | None:
    first = next((block for block in blocks if block.kind is not BlockKind.MARKUP), None)
    return Span(article, first.start, first.end) if first and first.kind is BlockKind.HEADING else None


def _read_metadata(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        about = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArticleError(f"{path}: not valid TOML ({error}).") from None
    if unknown := sorted(set(about) - _METADATA):
        known = ", ".join(sorted(_METADATA))
        raise ArticleError(f"{path}: unknown key '{unknown[0]}'; known keys are {known}.")
    for key in ("label", "language", "publisher", "address"):
        if key in about and not isinstance(about[key], str):
            raise ArticleError(f"{path}: '{key}' must be text in quotes.")
    groups = about.get("synonyms", [])
    if not isinstance(groups, list) or not all(
        isinstance(group, list) and all(isinstance(term, str) and term.strip() for term in group) for group in groups
    ):
        raise ArticleError(f"{path}: 'synonyms' must be a list of lists of words in quotes.")
    _check_patterns(path, "blocks", about.get("blocks", {}), {kind.value for kind in BlockKind})
    _check_patterns(path, "sections", about.get("sections", {}), _SECTION_KEYS)
    return about


def _check_patterns(path: Path, table: str, patterns: object, known: set[str]) -> None:
    if not isinstance(patterns, dict):
        raise ArticleError(f"{path}: [{table}] must be a table of name = [patterns].")
    for name, expressions in patterns.items():
        if name not in known:
            raise ArticleError(f"{path}: [{table}] has no '{name}'; it has {', '.join(sorted(known))}.")
        if not isinstance(expressions, list) or not all(isinstance(e, str) for e in expressions):
            raise ArticleError(f"{path}: [{table}] {name} must be a list of patterns in quotes.")
        for expression in expressions:
            try:
                re.compile(expression)
            except re.error as error:
                raise ArticleError(
                    f"{path}: [{table}] {name}: '{expression}' is no regular expression ({error})."
                ) from None

"""Text → blocks: what each stretch of an article is, with its exact offsets.

Rules guess the kind of a block from its shape and its neighbours; patterns under `[blocks]` in
article.toml tell it where guessing fails. Together the blocks of an article cover every non-blank
character of its text, once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from markdown_it import MarkdownIt

Patterns = Mapping[str, Sequence[str]]

# White space, and the byte order mark, which is no character of the article either.
BLANK = re.compile(r"[\s\ufeff]+")
_LINE = re.compile(r"[^\r\n]+")
_LINE_END = r"(?:\r\n|\r(?!\n)|\n)"
_BLANK_LINE = re.compile(rf"{_LINE_END}[\s\ufeff]*{_LINE_END}")


class BlockKind(StrEnum):
    """What a block is to a reader. Only paragraphs and bylines are quoted."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    CROSS_REFERENCE = "cross_reference"
    LINK_LIST = "link_list"
    CAPTION = "caption"
    BYLINE = "byline"
    FURNITURE = "furniture"
    MARKUP = "markup"


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the text with one role; `start` and `end` count code points."""

    kind: BlockKind
    start: int
    end: int


_TERMINAL = re.compile(r"[.!?…][\"'”’)\]]*$")
_BULLET = re.compile(r"(?:[-*•–]|\d{1,2}[.)])\s")
_CROSS_REFERENCE = re.compile(r"(?:See(?: also)?|Watch|Read(?: more)?|View|Related):?\s+\S")
_LINK_LIST = re.compile(
    r"(?:Learn more|Read more|Further reading|See also|Related [\w ]+|More on this|References|Sources)\s*:$",
    re.I,
)
_FURNITURE = re.compile(
    r"(?:Find a|Search for|Share|Print|Subscribe|Sign up|Advertisement|Back to top|Skip to|Cookies?|Previous|Next)\b",
    re.I,
)
_NAME = r"(?:[A-Z][\w.'’-]*\s+){1,4}"
_BYLINE = re.compile(
    rf"(?:Dr|Prof|Professor)\.?\s+{_NAME}(?:is|was|has|practi[cs]e[sd])\b"
    rf"|(?:By|Written by|Reviewed by)\s+(?:Dr\.?\s+)?{_NAME}?[A-Z]"
    r"|(?:Author|About the author)\s*:"
)
# An image caption that the page set behind a paragraph, parted from it by a no-break space.
_TRAILING_CAPTION = re.compile(r"(?<=[.!?])\u00a0+(?P<caption>[A-Z][^.!?]*)$")


def parse_plain(text: str, patterns: Patterns) -> tuple[Block, ...]:
    """Parse plain text into blocks, in order."""
    pieces = [piece for chunk in _chunks(text) for piece in _lines_to_pieces(text, chunk)]
    return _with_markup(text, _classify(text, [(start, end, None) for start, end in pieces], patterns))


def parse_markdown(text: str, patterns: Patterns) -> tuple[Block, ...]:
    """Parse Markdown into blocks, in order; its block marks (`#`, `-`, fences) become markup blocks."""
    # markdown-it counts lines after making every line end a \n; one character for two keeps its count ours.
    lines = [(m.start(), m.end()) for m in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n|$)", text)]
    pieces: list[tuple[int, int, BlockKind | None]] = []
    # A byte order mark would hide the mark of a heading on the first line.
    tokens = MarkdownIt("commonmark").parse(re.sub(r"^\ufeff", " ", text))
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != "inline" or token.map is None or not token.content.strip():
            continue
        heading = before is not None and before.type == "heading_open"
        start, limit = lines[token.map[0]][0], lines[token.map[1] - 1][1]
        words = token.content.split("\n")
        first = text.find(words[0], start, limit)
        last = text.rfind(words[-1], start, limit)
        if first < 0 or last < first:
            continue
        kind = BlockKind.HEADING if heading else None
        if re.fullmatch(r"!\[[^\]]*\]\([^)]*\)", token.content):
            kind = BlockKind.CAPTION
        pieces.append((*_trim(text, first, last + len(words[-1])), kind))
    return _with_markup(text, _classify(text, pieces, patterns))


def _chunks(text: str) -> list[tuple[int, int]]:
    """Return the stretches between blank lines."""
    edges = [0, *(edge for m in _BLANK_LINE.finditer(text) for edge in m.span()), len(text)]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if BLANK.sub("", text[a:b])]


def _lines_to_pieces(text: str, chunk: tuple[int, int]) -> list[tuple[int, int]]:
    """Join the hard-wrapped lines of a chunk to paragraphs, or keep the lines apart where they stand alone."""
    lines = [_trim(text, m.start(), m.end()) for m in _LINE.finditer(text, *chunk)]
    lines = [(start, end) for start, end in lines if start < end]
    wrapped = max(end - start for start, end in lines) <= 120
    pieces = [lines[0]]
    for (start, end), (_, previous_end) in zip(lines[1:], lines, strict=False):
        above, line = text[pieces[-1][0] : previous_end], text[start:end]
        alone = (
            not wrapped
            or _stands_alone(line)
            or _stands_alone(above)
            or (len(pieces) == 1 and pieces[0] == lines[0] and _looks_like_heading(above) and line[0].isupper())
        )
        if alone:
            pieces.append((start, end))
        else:
            pieces[-1] = (pieces[-1][0], end)
    return pieces


def _stands_alone(line: str) -> bool:
    if _BULLET.match(line) or _LINK_LIST.match(line):
        return True
    return not _TERMINAL.search(line) and bool(_CROSS_REFERENCE.match(line) or _FURNITURE.match(line))


def _looks_like_heading(line: str) -> bool:
    return (
        len(line) <= 80
        and len(line.split()) <= 12
        and not re.search(r"[.!…:;,]$", line)
        and not _BULLET.match(line)
        and not line[0].islower()
        and any(char.isalpha() for char in line)
    )


def _classify(text: str, pieces: Sequence[tuple[int, int, BlockKind | None]], patterns: Patterns) -> list[Block]:
    told = [(BlockKind(kind), re.compile(e)) for kind, expressions in patterns.items() for e in expressions]
    blocks: list[Block] = []
    in_link_list = False
    last_finished = max((n for n, (a, b, _) in enumerate(pieces) if _TERMINAL.search(text[a:b])), default=-1)
    for number, (start, end, known) in enumerate(pieces):
        words = text[start:end]
        kind = known or next((kind for kind, pattern in told if pattern.search(words)), None)
        if kind is None:
            kind = _guess(
                words,
                in_link_list=in_link_list,
                at_an_edge=number < 3 or number * 3 >= len(pieces) * 2,
                leads_on=number < last_finished,
            )
        in_link_list = kind is BlockKind.LINK_LIST
        caption = _TRAILING_CAPTION.search(words) if kind is BlockKind.PARAGRAPH else None
        if caption and len(caption["caption"].split()) > 1:
            blocks.append(Block(kind, start, start + caption.start()))
            blocks.append(Block(BlockKind.CAPTION, start + caption.start("caption"), end))
        else:
            blocks.append(Block(kind, start, end))
    return blocks


def _guess(words: str, *, in_link_list: bool, at_an_edge: bool, leads_on: bool) -> BlockKind:
    finished = bool(_TERMINAL.search(words))
    if _LINK_LIST.match(words):
        return BlockKind.LINK_LIST
    if at_an_edge and _BYLINE.match(words):
        return BlockKind.BYLINE
    if len(words) > 120:
        return BlockKind.PARAGRAPH
    if not finished and _CROSS_REFERENCE.match(words):
        return BlockKind.CROSS_REFERENCE
    if not finished and _FURNITURE.match(words):
        return BlockKind.FURNITURE
    if not finished and in_link_list:
        return BlockKind.LINK_LIST
    if leads_on and _looks_like_heading(words):
        return BlockKind.HEADING
    return BlockKind.PARAGRAPH


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Take blank characters off both ends of a stretch."""
    while start < end and BLANK.fullmatch(text[start]):
        start += 1
    while end > start and BLANK.fullmatch(text[end - 1]):
        end -= 1
    return start, end


def _with_markup(text: str, blocks: list[Block]) -> tuple[Block, ...]:
    """Add a markup block for every stretch of non-blank characters that no block covers."""
    gaps: list[Block] = []
    edge = 0
    for block in [*blocks, Block(BlockKind.MARKUP, len(text), len(text))]:
        for line in _LINE.finditer(text, edge, block.start):
            start, end = _trim(text, line.start(), line.end())
            if start < end:
                gaps.append(Block(BlockKind.MARKUP, start, end))
        edge = block.end
    return tuple(sorted([*blocks, *gaps], key=lambda block: block.start))

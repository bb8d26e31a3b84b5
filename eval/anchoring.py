"""Words as people paste them → the article's own words, so that they can be anchored there."""

import re
from collections.abc import Sequence

from eval.sheets import BAR
from indexer.article import Article

# What word processors change on the way: any of these stands for any other of its group.
_ALIKE = ("'’‘`´", '"“”„', "-‐‑–—")


def own_words(words: str, articles: Sequence[Article]) -> str:
    """Return the article's words that equal these but for white space, quote marks and dashes.

    Words that are not there, or not just once, are returned as they are: anchoring then says what is wrong.
    """
    pattern = r"\s+".join("".join(map(_character, word)) for word in words.split())
    if not pattern:
        return words
    found = [match.group() for article in articles for match in re.finditer(pattern, article.text)]
    return found[0] if len(found) == 1 else words


def answers_in(cell: str, articles: Sequence[Article]) -> list[str]:
    """Return the answers in a cell: between bars, or one a line where the lines together are no words of an article."""
    answers: list[str] = []
    for part in (part.strip() for part in cell.split(BAR.strip())):
        whole = own_words(part, articles)
        if any(whole in article.text for article in articles):
            answers.append(whole)
        else:
            answers += [own_words(line.strip(), articles) for line in part.splitlines()]
    return [answer for answer in answers if answer]


def _character(character: str) -> str:
    group = next((alike for alike in _ALIKE if character in alike), None)
    return f"[{re.escape(group)}]" if group else re.escape(character)

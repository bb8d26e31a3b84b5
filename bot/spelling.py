"""Spelling: a word that nobody writes becomes the nearest one that patients do write about this article."""

import re
from collections import Counter
from collections.abc import Callable
from importlib.resources import files

from symspellpy import SymSpell, Verbosity

from indexer.corpus import Corpus

Speller = Callable[[str], str]

# A word that so many taught questions use is no slip, whatever the dictionary says.
USED = 5
# Short words have too many neighbours to be mended.
SHORTEST = 4
# From this length on two letters may be wrong, below it one.
LONG = 8
# A text with a larger share of unknown words is no English with slips in it.
MOST_UNKNOWN = 0.4

_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")


def english_speller(corpus: Corpus) -> Speller:
    """Return what mends the spelling of a question, with the words of English articles and their taught questions.

    Words are compared with an English dictionary (symspellpy's) first: those that are in it stay.
    """
    articles = [article for article in corpus.articles.values() if article.language.startswith("en")]
    used = Counter(word for article in articles for q in corpus.questions[article.id] for word in _words(q.text))
    written = Counter(word for article in articles for word in _words(article.text))
    english = _dictionary()
    known = english | written.keys() | {word for word, count in used.items() if count >= USED}
    near = SymSpell(max_dictionary_edit_distance=2)
    for word, count in (used + written).items():
        if word in known and len(word) >= SHORTEST - 1:
            near.create_dictionary_entry(word, count)

    def is_slip(word: str) -> bool:
        folded = word.casefold()
        # Names and abbreviations stay, and so do plurals, and contractions without their apostrophe ("youre").
        return (
            len(folded) >= SHORTEST
            and (word.islower() or (word.isupper() and len(word) > SHORTEST))
            and "'" not in word
            and folded not in known
            and folded.removesuffix("s") not in known
            and not any(f"{folded[:at]}'{folded[at:]}" in known for at in range(1, len(folded)))
        )

    def mend(match: re.Match[str]) -> str:
        word = match.group()
        if not is_slip(word):
            return word
        found = near.lookup(word.casefold(), Verbosity.TOP, max_edit_distance=2 if len(word) >= LONG else 1)
        return found[0].term if found else word

    def speller(text: str) -> str:
        words = _WORD.findall(text)
        unknown = sum(is_slip(word) for word in words)
        return _WORD.sub(mend, text) if 0 < unknown <= max(1, MOST_UNKNOWN * len(words)) else text

    return speller


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _dictionary() -> frozenset[str]:
    table = files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    return frozenset(line.split(" ", 1)[0] for line in table.splitlines())

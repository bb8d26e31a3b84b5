"""The table of red flags: red_flags.toml, read, checked, and made ready to be looked up."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from indexer.errors import VerbatimError

GAP = "..."
"""Stands in a phrase for a few words."""

_TABLE = Path(__file__).with_name("red_flags.toml")
_WORD = re.compile(r"[^\W\d_]+|[^\W\d_]{3,}\*|\d+")
_STEM_LETTERS = 3
_MENDED_LETTERS = range(5, 17)

Phrase = tuple[str, ...]
"""What stands in a row: a word, "word*", "{list}" or GAP."""


class RedFlagsError(VerbatimError):
    """The table red_flags.toml cannot be read as it should."""


@dataclass(slots=True)
class Node:
    """A place in the tree of phrases: what may come next, and the lists one of whose phrases ends here."""

    after: dict[str, "Node"] = field(default_factory=dict)
    lists: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule raises its flag when all its parts, which are words or lists, stand near one another."""

    rank: int
    """The place of the flag in the table: the first flag that is raised gives the notice."""
    flag: str
    parts: tuple[str, ...]
    within: int
    """How many words the parts may span."""
    unless: str
    """The list of phrases whose words don't count for this flag."""


@dataclass(frozen=True, slots=True)
class Table:
    """The table of red flags, ready to be looked up."""

    flags: tuple[str, ...]
    rules: Mapping[str, Sequence[Rule]]
    """Rules by their last part."""
    tree: Mapping[str, Node]
    """All phrases, by their first element."""
    turns: Mapping[str, frozenset[str]]
    """Words that begin a new stretch → the words that must come next, or "" when any may: "but", "and now"."""
    words: frozenset[str]
    stems: Mapping[str, tuple[str, ...]]
    """What stands before "*" in the table, by its first letters."""
    numbers: Mapping[str, Sequence[tuple[float, float]]]
    joined: Mapping[tuple[str, str], str]
    """Two words that are read as one: "do not" is "dont"."""
    spelling: Mapping[str, str]
    """What is left of a word when it loses a letter → the word."""
    real_words: frozenset[str]
    """Words that look like a misspelling of another, and are none."""

    def names(self, token: str) -> Iterator[str]:
        """Yield the names under which a word of a question is looked up."""
        if token[0].isdecimal():
            yield token
            number = float(token.replace(",", "."))
            for name, ranges in self.numbers.items():
                if any(low <= number <= high for low, high in ranges):
                    yield name
            return
        word = self._mended(token)
        if word in self.words:
            yield word
        for stem in self.stems.get(word[:_STEM_LETTERS], ()):
            if word.startswith(stem):
                yield stem + "*"

    def _mended(self, word: str) -> str:
        """Return the word of the table that a word misspells by a letter, or the word itself."""
        if len(word) not in _MENDED_LETTERS or word in self.words or word in self.real_words:
            return word
        for less in (word, *_one_less(word)):
            if less in self.spelling:
                return self.spelling[less]
        return word


@cache
def red_flags(file: Path = _TABLE) -> Table:
    """Read the table of red flags. Raises RedFlagsError with what is wrong in it."""
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RedFlagsError(f"{file}: {error}") from None
    lists = {f"{{{name}}}": _phrases(text) for name, text in raw["words"].items()}
    rules: dict[str, list[Rule]] = {}
    for rank, flag in enumerate(raw["flag"]):
        unless = f"{{unless {flag['name']}}}"
        lists[unless] = _phrases(flag.get("unless", ""))
        for line in filter(None, flag["raised_by"].splitlines()):
            parts = tuple(_part(text, lists) for text in line.split("+"))
            rules.setdefault(parts[-1], []).append(
                Rule(rank, flag["name"], parts, flag.get("within", raw["within"]), unless)
            )
    numbers = {f"{{{name}}}": [(low, high) for low, high in ranges] for name, ranges in raw["numbers"].items()}
    used = {element for phrases in lists.values() for phrase in phrases for element in phrase}
    used |= {part for some in rules.values() for rule in some for part in rule.parts}
    _check(file, used, lists, numbers)
    joined = ((two.split(), one) for two, one in raw["joined"].items())
    mend = _words(raw["spelling"]["mend"])
    return Table(
        flags=tuple(flag["name"] for flag in raw["flag"]),
        rules=rules,
        tree=_tree(lists),
        turns=_turns(raw["turns"]),
        words=frozenset(word for word in used if word.isalpha()),
        stems=_by_first_letters(word[:-1] for word in used if word.endswith("*")),
        numbers=numbers,
        joined={(first, second): one for (first, second), one in joined},
        spelling={less: word for word in mend for less in (word, *_one_less(word))},
        real_words=frozenset(_words(raw["spelling"]["real_words"])),
    )


def _turns(text: str) -> dict[str, frozenset[str]]:
    grouped: dict[str, set[str]] = {}
    for first, *then in _phrases(text):
        grouped.setdefault(first, set()).add(" ".join(then))
    return {first: frozenset(then) for first, then in grouped.items()}


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _phrases(text: str) -> list[Phrase]:
    """Read a list of phrases, parted by commas or lines."""
    return [tuple(line.split()) for line in text.replace(",", "\n").splitlines() if line.strip()]


def _part(text: str, lists: dict[str, list[Phrase]]) -> str:
    """Return the name of a rule's part; several words become a list of their own."""
    phrase = tuple(text.split())
    if len(phrase) == 1:
        return phrase[0]
    name = f"{{{' '.join(phrase)}}}"
    lists[name] = [phrase]
    return name


def _check(file: Path, used: set[str], lists: Mapping[str, Sequence[Phrase]], numbers: Iterable[str]) -> None:
    """Raise RedFlagsError when something in the table cannot be looked up."""
    if wrong := sorted(word for word in used if word[0] != "{" and word != GAP and not _is_word(word)):
        raise RedFlagsError(
            f"{file}: {', '.join(wrong)}: write words in small letters without apostrophes; "
            f'"*" stands at the end of a word, after {_STEM_LETTERS} letters or more'
        )
    if unknown := sorted(word for word in used if word[0] == "{" and word not in {*lists, *numbers}):
        raise RedFlagsError(f"{file}: no list {', '.join(unknown)} under [words]: add it, or mend its name")
    named = {name: {element for phrase in phrases for element in phrase} for name, phrases in lists.items()}
    try:
        TopologicalSorter(named).prepare()
    except CycleError as error:
        raise RedFlagsError(f"{file}: these lists name one another: {' → '.join(error.args[1])}") from None


def _is_word(text: str) -> bool:
    return text == text.casefold() and _WORD.fullmatch(text) is not None


def _tree(lists: Mapping[str, Iterable[Phrase]]) -> dict[str, Node]:
    root = Node()
    for name, phrases in lists.items():
        for phrase in phrases:
            node = root
            for element in phrase:
                node = node.after.setdefault(element, Node())
            node.lists.append(name)
    return root.after


def _by_first_letters(stems: Iterable[str]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, tuple[str, ...]] = {}
    for stem in stems:
        first = stem[:_STEM_LETTERS]
        grouped[first] = (*grouped.get(first, ()), stem)
    return grouped


def _one_less(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(len(word)))

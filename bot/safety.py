"""Red flags: symptoms that get the emergency notice before anything else, told by the table red_flags.toml.

A question is read once, word by word from its end, and every phrase of the table that begins at a word is looked
up in a tree of phrases. So the time grows with the length of the question alone, whatever stands in it.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.red_flags import GAP, Node, Table, red_flags

# Apostrophes, and what cannot be seen: soft hyphens and characters without width.
_LEFT_OUT = str.maketrans("", "", "'’‘`´\u00ad\u200b\u200c\u200d\u2060\ufeff")
# "the wound's open" is read as "the wound open"; "there's" stays one word, as in the table.
_SHORT_IS = re.compile(r"(?<=\w{4})(?<!there)(?<!where)(?<!that)(?<!what)(?<!here)['’]s\b")
# Levels of the spine are passed over: "L4/5" and "L3-5" would be read as powers out of five. "L 4/5" and "L2/5" stay,
# for they may be the power of the left side.
_LEVEL = re.compile(r"\b[cl](?:(?:\d/)?4/[cl]?5\b|\d(?:[-–][cls]?\d)?\b(?!/))")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+|[.!?;…\n\r\u2028\u2029]|[,:()–—]| - ")
_SENTENCE_ENDS = frozenset(".!?;…\n\r\u2028\u2029")
_GAP_WORDS = 3
_NEGATION_WORDS = 5
_SHORT_ITEM_WORDS = 3
_OPENING_WORDS = 2
_ASIDE_WORDS = 2

Span = tuple[int, int]
"""A stretch of a question: its first word, and the word after its last one."""


@dataclass(slots=True)
class Reading:
    """A question as words: where each stands, and what was found to begin at it."""

    stretch: list[int] = field(default_factory=list)
    """The stretch of each word: between two punctuation marks, or from a turn such as "but" on."""
    sentence: list[int] = field(default_factory=list)
    found: list[dict[str, set[int]]] = field(default_factory=list)
    """At each word, the words and lists that begin there → the words after their last ones."""

    def spans(self, name: str) -> Iterator[Span]:
        """Yield where a word or a list was found: its longest phrase at each place."""
        return ((place, max(here[name])) for place, here in enumerate(self.found) if name in here)

    def covered(self, name: str) -> set[int]:
        """Return the words that the phrases of a list cover."""
        return {place for start, end in self.spans(name) for place in range(start, end)}


def red_flag(question: str) -> str | None:
    """Return the name of the first red flag that a question raises, or None."""
    table = red_flags()
    reading = _read(question, table)
    present = {name for here in reading.found for name in here}
    likely = [
        rule for name in present & table.rules.keys() for rule in table.rules[name] if present.issuperset(rule.parts)
    ]
    if not likely:
        return None
    likely.sort(key=lambda rule: rule.rank)
    void, negated = _void(reading), _negated(reading)
    counted: dict[tuple[str, str], list[Span]] = {}
    for rule in likely:
        for part in rule.parts:
            if (part, rule.unless) not in counted:
                spans = _counted(part, reading, void | reading.covered(rule.unless), negated)
                counted[part, rule.unless] = list(spans)
        if _near([counted[part, rule.unless] for part in rule.parts], rule.within):
            return rule.flag
    return None


def _counted(part: str, reading: Reading, void: set[int], negated: set[int]) -> Iterator[Span]:
    """Yield where a part of a rule was found, unless it does not speak of a symptom that somebody has now."""
    for start, here in enumerate(reading.found):
        if part not in here:
            continue
        words = range(start, min(here[part]))
        if not void.isdisjoint(words):
            continue
        # "no feeling" denies by itself: a "not" further ahead does not turn it round.
        if start in negated and not any("{denial}" in reading.found[place] for place in words):
            continue
        yield start, words.stop


def _near(parts: Sequence[Sequence[Span]], within: int) -> bool:
    """Return whether one span of each part stands within as many words."""
    for start, end in (span for part in parts for span in part):
        last = start + within
        if end <= last and all(_one_between(part, start, last) for part in parts):
            return True
    return False


def _one_between(spans: Sequence[Span], start: int, last: int) -> bool:
    place = bisect_left(spans, (start, 0))
    return place < len(spans) and spans[place][1] <= last


def _void(reading: Reading) -> set[int]:
    """Return the words that speak of an animal, or of the past or in general in stretches that do not speak of now."""
    if _of_an_animal(reading):
        return set(range(len(reading.found)))
    now = {reading.stretch[start] for start, _ in reading.spans("{now}")}
    now_or_mine = now | {reading.stretch[start] for start, _ in reading.spans("{mine}")}
    void: set[int] = set()
    for marker, present in (("{past}", now), ("{general}", now_or_mine), ("{generally}", now_or_mine)):
        for start, end in reading.spans(marker):
            if reading.stretch[start] in present:
                continue
            first, stop = _stretch(reading, start)
            opens = start - first <= _OPENING_WORDS
            if marker == "{general}":
                void.update(range(start, stop))
            else:
                void.update(range(first, stop if opens or marker == "{generally}" else end))
            # "In 2019, …" speaks of what comes next.
            aside = marker == "{past}" and opens and stop - end <= _ASIDE_WORDS and stop < len(reading.stretch)
            if aside and reading.sentence[stop] == reading.sentence[start] and reading.stretch[stop] not in present:
                void.update(range(*_stretch(reading, stop)))
    return void


def _of_an_animal(reading: Reading) -> bool:
    """Return whether a sentence begins with an animal that does something, and no person stands in any of them."""
    begins = (start for start, _ in reading.spans("{animal}"))
    opens = any(start == 0 or reading.sentence[start] != reading.sentence[start - 1] for start in begins)
    return opens and not any("{somebody}" in here for here in reading.found)


def _stretch(reading: Reading, place: int) -> Span:
    """Return the stretch that a word stands in."""
    return bisect_left(reading.stretch, reading.stretch[place]), bisect_right(reading.stretch, reading.stretch[place])


def _negated(reading: Reading) -> set[int]:
    """Return the words that a "no" or "not" ahead of them turns into their opposite."""
    no_denial = reading.covered("{no_denial}")
    negated: set[int] = set()
    for start, end in reading.spans("{negation}"):
        if start in no_denial:
            continue
        negated.update(range(start, end))
        left = _NEGATION_WORDS
        place = end
        while place < len(reading.stretch) and left and "{denial_ends}" not in reading.found[place]:
            lists_on = "{or}" in reading.found[place]
            if reading.stretch[place] != reading.stretch[place - 1]:
                if reading.sentence[place] != reading.sentence[start] or not _list_goes_on(reading, place):
                    break
                lists_on = True
            negated.add(place)
            left = _NEGATION_WORDS if lists_on else left - 1
            place += 1
    return negated


def _list_goes_on(reading: Reading, place: int) -> bool:
    """Return whether an "or" comes soon, as in "no fever, chills or discharge"."""
    return any("{or}" in here for here in reading.found[place : place + _SHORT_ITEM_WORDS + 1])


def _read(question: str, table: Table) -> Reading:
    """Read a question: its words, the stretches they stand in, and all phrases of the table."""
    text = unicodedata.normalize("NFKC", question).casefold()
    text = _LEVEL.sub("", _SHORT_IS.sub("", text)).translate(_LEFT_OUT)
    reading = Reading()
    words: list[str] = []
    breaks: list[int] = []
    stretch = sentence = 0
    for token in _TOKEN.findall(text):
        if words and breaks[-1] == stretch and (joined := table.joined.get((words[-1], token))):
            words[-1] = joined
        elif token[0].isalnum():
            words.append(token)
            breaks.append(stretch)
            reading.sentence.append(sentence)
        else:
            stretch += 1
            sentence += token in _SENTENCE_ENDS
    keys = {word: tuple(table.names(word)) for word in set(words)}
    turns = 0
    for place, word in enumerate(words):
        reading.found.append({key: {place + 1} for key in keys[word]})
        if (then := table.turns.get(word)) and ("" in then or then.intersection(words[place + 1 : place + 2])):
            turns += 1
        reading.stretch.append(breaks[place] + turns)
    _find(reading, table)
    return reading


def _find(reading: Reading, table: Table) -> None:
    """Find the phrases that begin at each word; those that begin further on are known by then."""
    limit = len(reading.found)
    for place in reversed(range(limit)):
        if place + 1 < len(reading.found) and reading.stretch[place] != reading.stretch[place + 1]:
            limit = place + 1
        here = reading.found[place]
        todo = list(here)
        while todo:
            name = todo.pop()
            node = table.tree.get(name)
            if node is None:
                continue
            reached: list[tuple[str, int]] = []
            for end in here[name]:
                _follow(node, end, limit, reading.found, reached)
            for found, end in reached:
                ends = here.setdefault(found, set())
                if end not in ends:
                    ends.add(end)
                    todo.append(found)


def _follow(
    node: Node, place: int, limit: int, found: Sequence[Mapping[str, set[int]]], reached: list[tuple[str, int]]
) -> None:
    """Add to `reached` the lists that have a phrase from `node` on, each with the word after that phrase."""
    reached += [(name, place) for name in node.lists]
    if not node.after or place >= limit:
        return
    for element, ends in found[place].items():
        if following := node.after.get(element):
            for end in ends:
                _follow(following, end, limit, found, reached)
    if gap := node.after.get(GAP):
        for after in range(place, min(place + _GAP_WORDS + 1, limit)):
            _follow(gap, after, limit, found, reached)
            # A phrase never jumps over a "not".
            if "{denial}" in found[after]:
                break

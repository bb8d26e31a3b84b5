"""A question as typed → what is looked up, or what is said instead."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MAX_CHARACTERS = 2000
# How many earlier questions of a conversation are looked at.
MAX_HISTORY = 6

_PHRASES = Path(__file__).with_name("phrases.toml")
MORE = "more"
COMMAND = "command"
_LEAD_IN = re.compile(
    r"^(?:(?:and|so|ok|okay|no|i mean)\s+)*"
    r"(?:(?:what|how) about|tell me (?:more )?about|about|show me|go to|back to)?\s*(?:the|a|an|my)?\b\s*"
)
_OTHERS = re.compile(r"\b(?:else|others?|another|besides|apart from|except)\b")


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What is looked up for a question.

    `phrase` names the sentence of wording.toml to say instead of looking up, or MORE. `topic` is the text without
    words such as "and what about the", to be compared with the article's headings. `wants_others` tells that it
    asks for other things than were shown.
    """

    text: str
    phrase: str | None = None
    topic: str = ""
    wants_others: bool = False


def resolve(question: str) -> LookedUp:
    """Clean a question, and see whether it is one."""
    if len(question) > MAX_CHARACTERS:
        return LookedUp(clean(question[:MAX_CHARACTERS]), "too_long")
    text = clean(question)
    if not re.search(r"\w", text):
        return LookedUp(text, "empty")
    folded = re.sub(r"[^\w\s]+$", "", text.casefold().replace("'", "").replace("’", "")).strip()
    phrase = next((name for name, said in phrases().items() if said.fullmatch(folded)), None)
    return LookedUp(text, phrase, _LEAD_IN.sub("", folded), bool(_OTHERS.search(folded)))


def clean(question: str) -> str:
    """Return a question without control characters, and with its white space folded."""
    # Line and tab characters are control characters too, but they part words.
    spaced = re.sub(r"\s+", " ", question)
    kept = "".join(char for char in spaced if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return unicodedata.normalize("NFC", kept).strip()


@cache
def phrases() -> dict[str, re.Pattern[str]]:
    """Read the table of phrases that are no questions."""
    table = tomllib.loads(_PHRASES.read_text(encoding="utf-8"))
    return {name: re.compile("|".join(f"(?:{pattern})" for pattern in own)) for name, own in table.items()}

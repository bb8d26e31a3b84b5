"""A question as typed → what is looked up."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MAX_CHARACTERS = 2000
MAX_HISTORY = 20


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What is looked up for a question; `problem` names the sentence of wording.toml to say instead."""

    text: str
    problem: str | None = None


def clean(question: str) -> str:
    """Return a question without control characters, and with its white space folded."""
    # Line and tab characters are control characters too, but they part words.
    spaced = re.sub(r"\s+", " ", question)
    kept = "".join(char for char in spaced if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return unicodedata.normalize("NFC", kept).strip()


def resolve(question: str, history: Sequence[str] = ()) -> LookedUp:
    """Decide what is looked up. history: the earlier questions of the conversation, oldest first."""
    del history  # follow-ups are read by themselves for now
    if len(question) > MAX_CHARACTERS:
        return LookedUp(clean(question[:MAX_CHARACTERS]), "too_long")
    text = clean(question)
    if not re.search(r"\w", text):
        return LookedUp(text, "empty")
    return LookedUp(text)

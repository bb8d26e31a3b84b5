"""The sentences of wording.toml: all that a patient can see and that is not the article's."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("wording.toml")
ENGLISH = "en"


def wording(*keys: str, language: str = ENGLISH) -> str:
    """Return one sentence by its keys, such as "emergency" and "weakness"."""
    value: Any = wordings()[language]
    for key in keys:
        value = value[key]
    if not isinstance(value, str):
        raise KeyError(keys)
    return value


def emergency_notice(flag: str) -> str:
    """Return the notice for a red flag; one without a notice of its own gets the general one."""
    notices = wordings()[ENGLISH]["emergency"]
    return str(notices.get(flag, notices["unnamed"]))


def page_words(language: str = ENGLISH) -> dict[str, str]:
    """Return all sentences of the page in one language."""
    return dict(wordings()[language]["page"])


def languages() -> tuple[str, ...]:
    """Return the languages that the page speaks, English first."""
    return tuple(wordings())


def translated(notice: str, language: str) -> str:
    """Return a notice of an answer in another language; as it is where that language has no words for it."""
    for key, words in wordings()[ENGLISH].items():
        if words == notice:
            return str(wordings()[language].get(key, notice))
    for key, words in wordings()[ENGLISH]["emergency"].items():
        if words == notice:
            return str(wordings()[language].get("emergency", {}).get(key, notice))
    return notice


@cache
def wordings() -> dict[str, Any]:
    """Return the whole table."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))

"""The sentences of wording.toml: all that a patient can see and that is not the article's."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("wording.toml")


def wording(*keys: str, language: str = "en") -> str:
    """Return one sentence, by its keys: wording("emergency", "weakness")."""
    value: Any = wordings()[language]
    for key in keys:
        value = value[key]
    if not isinstance(value, str):
        raise KeyError(keys)
    return value


@cache
def wordings() -> dict[str, Any]:
    """Return the whole table."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))

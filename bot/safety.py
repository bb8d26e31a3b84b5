"""Red flags: symptoms that get the emergency notice before anything else, told by the table red_flags.toml."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("red_flags.toml")


@dataclass(frozen=True, slots=True)
class RedFlag:
    """One class of symptoms and the patterns that tell it."""

    name: str
    any: tuple[re.Pattern[str], ...]
    all: tuple[tuple[re.Pattern[str], ...], ...]
    unless: tuple[re.Pattern[str], ...]

    def raised_by(self, question: str) -> bool:
        """Return whether a question, folded by `fold`, describes these symptoms."""
        if any(pattern.search(question) for pattern in self.unless):
            return False
        if any(pattern.search(question) for pattern in self.any):
            return True
        return bool(self.all) and all(any(p.search(question) for p in group) for group in self.all)


def red_flag(question: str) -> str | None:
    """Return the name of the first red flag that a question raises, or None."""
    folded = fold(question)
    return next((flag.name for flag in red_flags() if flag.raised_by(folded)), None)


def fold(question: str) -> str:
    """Return a question as the patterns expect it: lower case, no apostrophes, single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"['’`´]", "", question.casefold()))


@cache
def red_flags() -> tuple[RedFlag, ...]:
    """Read the table of red flags."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return tuple(
        RedFlag(
            name=flag["name"],
            any=_compile(flag.get("any", [])),
            all=tuple(_compile(group) for group in flag.get("all", [])),
            unless=_compile(flag.get("unless", [])),
        )
        for flag in table["flag"]
    )


def _compile(patterns: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"(?<!\w){pattern}") for pattern in patterns)

"""Ratings of answers, where an operator wants them: a JSON line each, with the question only if its patient agrees."""

import json
import secrets
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot.answer import Answer
from indexer.corpus import Corpus
from indexer.errors import UsageError

_MOST_OPEN = 5_000


class Rating(BaseModel):
    """What a patient sends: `token` names the answer that is rated."""

    model_config = ConfigDict(extra="forbid")

    token: str
    helpful: bool
    reason: Literal["other", "hard", "missing", "wrong"] | None = None
    keep_question: bool = False


class Feedback:
    """Answers that can still be rated, in memory, and the file that the ratings go to."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._open: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()
        try:
            file.open("a", encoding="utf-8").close()
        except OSError as error:
            raise UsageError(f"{file}: --feedback cannot write there ({error.strerror or error}).") from None

    def offer(self, answer: Answer, corpus: Corpus) -> str:
        """Remember an answer for a while; return the token by which it is rated."""
        token = secrets.token_urlsafe(12)
        self._open[token] = answer.to_json(corpus) | {"leans": answer.leans}
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return token

    def is_open(self, token: str | None) -> bool:
        """Tell whether the answer of a token can still be rated."""
        return token in self._open

    def take(self, rating: Rating) -> bool:
        """Write a rating down; False when its answer is not known (any more) or was rated already."""
        answer = self._open.pop(rating.token, None)
        if answer is None:
            return False
        row = {
            "id": rating.token,
            "day": datetime.now(UTC).date().isoformat(),
            "verdict": "right" if rating.helpful else "wrong",
            "reason": rating.reason,
            "question": answer["question"] if rating.keep_question else None,
            "looked_up": answer["looked_up"] if rating.keep_question else None,
            "leans": answer["leans"],
            "outcome": answer["outcome"],
            "confidence": answer["confidence"],
            "quotes": answer["quotes"],
        }
        line = json.dumps(row, ensure_ascii=False) + "\n"
        with self._lock, self.file.open("a", encoding="utf-8") as file:
            file.write(line)
        return True

"""What the server remembers of each conversation: its questions and its citation numbers, in memory, for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.question import MAX_HISTORY
from bot.serving import Thread
from indexer.article import Span

FORGET_AFTER_SECONDS = 3600.0
MAX_CONVERSATIONS = 10_000


@dataclass(slots=True)
class Conversation:
    """One patient's conversation. `numbers` are the citations: the same passage keeps its number."""

    questions: list[str] = field(default_factory=list)
    thread: Thread | None = None
    turns: int = 0
    numbers: dict[tuple[Span, str], int] = field(default_factory=dict)
    last_used: float = 0.0

    def number(self, span: Span, sha256: str) -> int:
        """Return the citation number of a passage of an article as it is with this sha-256."""
        return self.numbers.setdefault((span, sha256), len(self.numbers) + 1)

    def asked(self, question: str, thread: Thread) -> None:
        """Remember a question and what its answer left; only as many questions as follow-ups are resolved with."""
        self.turns += 1
        self.thread = thread
        self.questions = [*self.questions, question][-MAX_HISTORY:]

    def new_topic(self) -> None:
        """Forget the questions, so that the next one stands alone; citations keep their numbers."""
        self.questions = []
        self.thread = None


class Conversations:
    """Conversations by the session that Gradio gives a page; bounded in number and in age.

    Nothing of them comes from the browser but the session's name, and nothing is written anywhere.
    """

    def __init__(
        self,
        *,
        forget_after: float = FORGET_AFTER_SECONDS,
        most: int = MAX_CONVERSATIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._forget_after = forget_after
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, Conversation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, session: str) -> Conversation:
        """Return the conversation of a session, a new one where there is none (any more)."""
        now = self._clock()
        while self._kept and next(iter(self._kept.values())).last_used < now - self._forget_after:
            self._kept.popitem(last=False)
        conversation = self._kept.pop(session, None) or Conversation()
        conversation.last_used = now
        self._kept[session] = conversation
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return conversation

    def forget(self, session: str) -> None:
        """Forget all of a conversation."""
        self._kept.pop(session, None)

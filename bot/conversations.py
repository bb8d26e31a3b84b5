"""What the server remembers of conversations: their questions and answers, in memory, for a while.

A conversation has a new name after each of its answers. Nobody can guess a name, and only the page that got the
answer holds it; so a page that is loaded anew can show its conversation again, and two pages that begin at the same
name (a tab and its duplicate) go on apart.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bot.answer import Answer
from bot.question import MAX_CHARACTERS, MAX_HISTORY, clean
from bot.serving import ServingBot, Thread
from indexer.article import Span

FORGET_AFTER_SECONDS = 3600.0
MAX_STATES = 20_000
# How many turns a page that is loaded anew shows again.
MAX_TURNS = 50


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, whose spans belong to the corpus of `bot`.

    parted: it was asked without what stood before it. token: by which the answer can be rated, if it can.
    """

    answer: Answer
    bot: ServingBot
    parted: bool
    token: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One patient's conversation after one of its answers.

    `family` is shared by all states that grew from the same first question, `asked` counts all questions, `questions`
    and `thread` are what the next one can lean on, and `numbers` are the citations: a passage keeps its number.
    """

    family: str = field(default_factory=secrets.token_urlsafe)
    turns: tuple[Turn, ...] = ()
    asked: int = 0
    questions: tuple[str, ...] = ()
    thread: Thread | None = None
    numbers: Mapping[tuple[Span, str], int] = field(default_factory=lambda: MappingProxyType({}))

    def alone(self) -> "Conversation":
        """Return the conversation with nothing for the next question to lean on; citations keep their numbers."""
        return replace(self, questions=(), thread=None)

    def after(self, answer: Answer, thread: Thread, token: str | None) -> "Conversation":
        """Return the conversation with one more answer; it keeps only as much as is shown again or leant on."""
        numbers = dict(self.numbers)
        for quote in answer.quotes:
            sha256 = thread.bot.corpus.articles[quote.span.article].sha256
            numbers.setdefault((quote.span, sha256), len(numbers) + 1)
        short = replace(answer, question=answer.question[:MAX_CHARACTERS])
        turn = Turn(short, thread.bot, parted=self.asked > 0 and not self.questions, token=token)
        return Conversation(
            family=self.family,
            turns=(*self.turns, turn)[-MAX_TURNS:],
            asked=self.asked + 1,
            questions=(*self.questions, clean(short.question))[-MAX_HISTORY:],
            thread=thread,
            numbers=MappingProxyType(numbers),
        )


class Conversations:
    """Conversations by name; bounded in number and in age, and written nowhere."""

    def __init__(
        self,
        *,
        forget_after: float = FORGET_AFTER_SECONDS,
        most: int = MAX_STATES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._forget_after = forget_after
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Conversation]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, name: str) -> Conversation | None:
        """Return the conversation of a name, if it is known (still)."""
        self._forget_old()
        _, conversation = self._kept.pop(name, (0.0, None))
        if conversation:
            self._kept[name] = self._clock(), conversation
        return conversation

    def keep(self, conversation: Conversation) -> str:
        """Remember a conversation for a while; return its new name."""
        self._forget_old()
        name = secrets.token_urlsafe(16)
        self._kept[name] = self._clock(), conversation
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return name

    def forget(self, name: str) -> None:
        """Forget a conversation at once, as it stands and as it ever stood."""
        _, known = self._kept.get(name, (0.0, None))
        if known:
            for other in [one for one, (_, kept) in self._kept.items() if kept.family == known.family]:
                del self._kept[other]

    def _forget_old(self) -> None:
        oldest = self._clock() - self._forget_after
        while self._kept and next(iter(self._kept.values()))[0] < oldest:
            self._kept.popitem(last=False)

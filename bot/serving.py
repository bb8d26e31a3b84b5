"""The bot as a server needs it: what a conversation left behind is kept, where a single call replays it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.answer import Answer
from bot.bot import Bot
from indexer.followups import Context


@dataclass(frozen=True, slots=True)
class Thread:
    """What a conversation leaves for its next question to lean on, as the bot that answered it sees it."""

    bot: "ServingBot"
    context: Context | None


class ServingBot(Bot):
    """A bot whose tenth answer in a conversation costs as much as its first."""

    def answer_next(self, question: str, thread: Thread | None, history: Sequence[str] = ()) -> tuple[Answer, Thread]:
        """Answer the next question of a conversation, as `answer` would with all of its history.

        history: the earlier questions; replayed only when the thread is another bot's, of an older index.
        """
        context = thread.context if thread and thread.bot is self else self.replay(history)
        answer = self.answer_in_context(question, context)
        return answer, Thread(self, self.context_after(answer, context))

"""The turns of patients' conversations: the next one, and all of them again for a page that was loaded anew."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field

from bot.cards import turn_html
from bot.conversations import Conversation, Conversations, Turn
from bot.desk import Desk
from bot.feedback import Feedback
from bot.page_parts import Edition
from indexer.article import Span


class Named(BaseModel):
    """What a page sends to have its conversation again."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100)
    language: str = Field(max_length=35)


class Turns:
    """Takes turns for all patients at once. Of a conversation, the browser is believed nothing but its name."""

    def __init__(self, desk: Desk, conversations: Conversations, feedback: Feedback | None = None) -> None:
        self._desk = desk
        self._conversations = conversations
        self._feedback = feedback

    async def take(self, question: str, *, name: str, alone: bool, client: str, edition: Edition) -> str:
        """Answer the next question of the conversation of that name; return the turn as HTML.

        An unknown name begins a conversation. alone: lean on nothing that was asked before. Raises Refused.
        """
        known = self._conversations.find(name)
        before = known or Conversation()
        before = before.alone() if alone else before
        answer, thread = await self._desk.ask_next(client, question, before.thread, before.questions)
        if known and not self._conversations.find(name):
            before = Conversation()  # it was cleared meanwhile
        token = self._feedback.offer(answer, thread.bot.corpus) if self._feedback else None
        after = before.after(answer, thread, token)
        # What is kept of an overlong question is cut; who typed it sees it whole.
        turn = replace(after.turns[-1], answer=answer)
        return _html(after, turn, after.asked, edition, name=self._conversations.keep(after))

    async def again(self, name: str, *, client: str, edition: Edition) -> str | None:
        """Return the turns of a conversation as HTML, or None when it is not known (any more). Raises Refused."""
        self._desk.admit(client)
        conversation = self._conversations.find(name)
        if conversation is None:
            return None
        return await to_thread.run_sync(partial("".join, self._all(conversation, name, edition)))

    def forget(self, name: str) -> None:
        """Forget a conversation at once."""
        self._conversations.forget(name)

    def _all(self, conversation: Conversation, name: str, edition: Edition) -> Iterator[str]:
        first = conversation.asked - len(conversation.turns) + 1
        for number, turn in enumerate(conversation.turns, start=first):
            is_open = self._feedback is not None and self._feedback.is_open(turn.token)
            yield _html(conversation, turn if is_open else replace(turn, token=None), number, edition, name=name)


def _html(conversation: Conversation, turn: Turn, number: int, edition: Edition, *, name: str) -> str:
    corpus = turn.bot.corpus

    def number_of(span: Span) -> int:
        return conversation.numbers[span, corpus.articles[span.article].sha256]

    return turn_html(
        turn.answer,
        corpus,
        turn=number,
        conversation=name,
        parted=turn.parted,
        number_of=number_of,
        language=edition.language,
        root_path=edition.root_path,
        token=turn.token,
    )

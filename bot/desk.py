"""Where every door of the server asks: a bounded queue before the bot, a limit for each client, and fresh indexes."""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from bot.answer import Answer
from bot.bot import Bot
from bot.metrics import Metrics
from bot.serving import ServingBot, Thread
from indexer.errors import VerbatimError
from indexer.storage import CURRENT, load_index

log = logging.getLogger("ask-the-article")


class Refused(Exception):  # noqa: N818 - nothing went wrong: the desk says "not now", as it should
    """A question that is not looked up now; `reason` names the sentence of wording.toml that says so."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Desk:
    """Answers for all patients at once with one bot, and swaps the bot when its index is built anew."""

    def __init__(
        self, bot: Bot, *, corpus: Path, index: Path, per_minute: int, longest_queue: int, metrics: Metrics
    ) -> None:
        self.bot = ServingBot(bot.index)
        self.metrics = metrics
        self._corpus = corpus
        self._index = index
        self._generation = _generation(index)
        self._longest_queue = longest_queue
        self._waiting = 0
        # More threads than cores would only contend: an answer is computing from its first to its last moment.
        self._threads = CapacityLimiter(os.cpu_count() or 1)
        self._rate = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def ask(self, client: str, question: str, history: Sequence[str] = ()) -> tuple[Answer, ServingBot]:
        """Answer a question; also return the bot that did, whose corpus the answer's spans belong to.

        Raises Refused when this client asked too much, or too many questions wait already.
        """
        answer, thread = await self.ask_next(client, question, None, history)
        return answer, thread.bot

    def admit(self, client: str) -> None:
        """Count one more thing that a client wants. Raises Refused when it was too much."""
        if self._rate and not self._limiter.hit(self._rate, client):
            self.metrics.refusals.labels("too_many").inc()
            raise Refused("too_many")

    async def ask_next(
        self, client: str, question: str, thread: Thread | None, history: Sequence[str]
    ) -> tuple[Answer, Thread]:
        """Answer the next question of a conversation that is kept; see ServingBot.answer_next. Raises Refused."""
        self.admit(client)
        if self._waiting >= self._longest_queue:
            self.metrics.refusals.labels("busy").inc()
            raise Refused("busy")
        started = time.perf_counter()
        self._waiting += 1
        self.metrics.waiting.inc()
        try:
            find = partial(self.bot.answer_next, sound(question), thread, list(history))
            answer, left = await to_thread.run_sync(find, limiter=self._threads)
        finally:
            self._waiting -= 1
            self.metrics.waiting.dec()
        self.metrics.seconds.observe(time.perf_counter() - started)
        self.metrics.answers.labels(answer.outcome.value).inc()
        return answer, left

    async def watch(self, every_seconds: float = 2.0) -> None:
        """Pick up every newly built index until cancelled; while a new one is not usable, the old one serves."""
        while True:
            await asyncio.sleep(every_seconds)
            await self.refresh()

    async def refresh(self) -> bool:
        """Swap the bot if the index on disk is another one than that in memory; tell whether it was."""
        found = _generation(self._index)
        if found is None or found == self._generation:
            return False
        try:
            self.bot = await to_thread.run_sync(lambda: ServingBot(load_index(self._corpus, self._index)))
        except VerbatimError as error:
            log.warning("The new index is not used, the old one serves on: %s", error)
            self.metrics.reloads.labels("refused").inc()
        else:
            log.info("A new index was picked up: %s", found)
            self.metrics.reloads.labels("picked_up").inc()
        self._generation = found
        return True


def sound(question: str) -> str:
    """Return a question without half characters (lone surrogates), which no answer could carry back."""
    return question.encode("utf-8", "replace").decode("utf-8")


def _generation(index: Path) -> str | None:
    try:
        return (index / CURRENT).read_text(encoding="utf-8").strip()
    except OSError:
        return None

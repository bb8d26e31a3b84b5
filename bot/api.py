"""The JSON API: POST /api/answer, described at /api/docs."""

from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.desk import Desk, Refused
from bot.question import MAX_HISTORY
from bot.wording import page_words


class Asked(BaseModel):
    """A question and the conversation it stands in."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(description="In the patient's own words.", examples=["why does my leg still hurt?"])
    history: Annotated[list[Annotated[str, StringConstraints(max_length=100_000)]], Field(max_length=1000)] = Field(
        default=[], description="The earlier questions of the same conversation, oldest first."
    )
    id: str | int | None = Field(default=None, description="Comes back unchanged.")


class SpanText(BaseModel):
    """A stretch of an article: `start` and `end` count Unicode code points; `text` equals the slice."""

    start: int
    end: int
    text: str


class Mark(BaseModel):
    """A sentence that answers."""

    start: int
    end: int


class QuoteText(SpanText):
    """A passage that can stand alone, and the sentences in it that answer."""

    article: str
    article_sha256: str
    heading: str | None
    highlights: list[Mark]
    score: float


class Answered(BaseModel):
    """An answer: spans of the article and, where there are none, a fixed sentence."""

    id: str | int | None
    question: str
    looked_up: str
    outcome: str = Field(description="answered, overview, declined or emergency")
    confidence: float
    quotes: list[QuoteText]
    see_also: list[SpanText]
    attribution: SpanText | None
    notice: str | None
    topics: list[SpanText]


class Refusal(BaseModel):
    """Why a question was not looked up now."""

    detail: str


def build_api(desk: Desk) -> FastAPI:
    """Return the API as an application of its own, to be mounted at /api."""
    api = FastAPIOffline(
        title="Ask the Article", version="1", docs_url="/docs", redoc_url=None,
        description="An article answers questions in its own words: verbatim, cited spans, or a decline.",
    )  # fmt: skip

    @api.post("/answer", response_model=Answered, responses={429: {"model": Refusal}, 503: {"model": Refusal}})
    async def answer(asked: Asked, request: Request) -> Any:
        """Answer a question with spans of the articles, or decline."""
        client = request.client.host if request.client else "unknown"
        return await answer_json(desk, client, asked.question, asked.history[-MAX_HISTORY:], id=asked.id)

    return api


async def answer_json(
    desk: Desk,
    client: str,
    question: str,
    history: list[str],
    *,
    id: str | int | None = None,  # noqa: A002
) -> dict[str, Any] | JSONResponse:
    """Return the answer as the contract has it, or the refusal with its status."""
    try:
        answer, bot = await desk.ask(client, question, history)
    except Refused as refused:
        status = 429 if refused.reason == "too_many" else 503
        return JSONResponse({"detail": page_words()[refused.reason]}, status, headers={"Retry-After": "60"})
    return {"id": id, **answer.to_json(bot.corpus)}

"""The Gradio page: a conversation with quote cards, and the article beside it. Its looks are page.css, page.js."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from fastapi.responses import JSONResponse
from gradio.themes import Base

from bot import page_parts as parts
from bot.api import answer_json
from bot.cards import turn_html
from bot.conversations import Conversation, Conversations
from bot.desk import Desk, Refused
from bot.examples import Example
from bot.feedback import Feedback
from bot.page_parts import Edition
from bot.question import MAX_CHARACTERS, clean
from bot.templates import render
from bot.wording import wording
from indexer.article import Span
from indexer.corpus import Corpus

_SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")


def build_page(
    desk: Desk,
    conversations: Conversations,
    examples: tuple[Example, ...],
    edition: Edition,
    feedback: Feedback | None = None,
) -> gr.Blocks:
    """Lay out the page in one language. All that a patient reads on it is escaped HTML made on the server."""
    w = edition.words
    with gr.Blocks(title=w["title"], analytics_enabled=False, fill_width=True) as page:
        _html(parts.masthead(edition, desk.bot), "masthead")
        with gr.Row(elem_id="panes"):
            with gr.Column(elem_id="talk"):
                _html(parts.thread(edition), "thread")
                _html(parts.welcome(edition, examples), "start")
                with gr.Column(elem_id="composer"):
                    _html(parts.hint(edition), "hint")
                    with gr.Row(elem_id="ask-row"):
                        box = gr.Textbox(
                            label=w["question_label"], placeholder=w["placeholder"], lines=1, max_lines=6,
                            elem_id="question",
                        )  # fmt: skip
                        ask = gr.Button(w["ask"], elem_id="ask", variant="primary", scale=0)
                    with gr.Row(elem_id="more-row"):
                        _html(parts.open_button(edition), "open")
                        topic = gr.Button(w["new_topic"], elem_id="new-topic", size="sm")
                        clear = gr.Button(w["clear"], elem_id="clear", size="sm")
            with gr.Column(elem_id="reading"):
                article = _html(parts.reading(edition, desk.bot), "article")
        turn = gr.HTML(visible=False)

        async def take_turn(question: str, request: gr.Request) -> tuple[str, str]:
            """Answer one question in its conversation: the turn as HTML, and an empty box for the next."""
            if not clean(question):
                return render("refusal.html", sentence=wording("empty", language=edition.language), retry=False), ""
            conversation = conversations.of(request.session_hash or "")
            try:
                found, thread = await desk.ask_next(
                    client_of(request), question, conversation.thread, conversation.questions
                )
            except Refused as refused:
                return render("refusal.html", sentence=w[refused.reason], retry=True), question
            corpus = thread.bot.corpus
            conversation.asked(clean(question)[:MAX_CHARACTERS], thread)
            html = turn_html(
                found, corpus, turn=conversation.turns, number_of=_numbers(conversation, corpus),
                language=edition.language, root_path=edition.root_path,
                token=feedback.offer(found.to_json(corpus)) if feedback else None,
            )  # fmt: skip
            return html, ""

        def new_topic(request: gr.Request) -> None:
            conversations.of(request.session_hash or "").new_topic()

        def forget(request: gr.Request) -> None:
            conversations.forget(request.session_hash or "")

        async def answer_for_programs(question: str, request: gr.Request) -> dict[str, Any]:
            """Answer one question that stands alone: the JSON of POST /api/answer."""
            found = await answer_json(desk, client_of(request), question, [])
            if isinstance(found, JSONResponse):
                raise gr.Error(w["too_many"] if found.status_code == 429 else w["busy"])
            return found

        # Past the queue: its event stream costs more time than an answer does. No public name: Gradio would keep
        # questions in the browser's storage for its run history.
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        asked = gr.on([ask.click, box.submit], take_turn, [box], [turn, box], **quick)
        asked.success(None, [turn], None, js="(html) => askTheArticle.arrived(html)", queue=False)
        asked.failure(None, None, None, js="() => askTheArticle.failed()", queue=False)
        topic.click(new_topic, **quick).success(None, js="() => askTheArticle.newTopic()", queue=False)
        clear.click(forget, **quick).success(None, js="() => askTheArticle.cleared()", queue=False)
        page.load(lambda: parts.reading(edition, desk.bot), None, [article], **quick)
        gr.api(answer_for_programs, api_name="answer", concurrency_limit=None)
    return page


def theme() -> Base:
    """Return a theme that asks no other host for its fonts."""
    return Base(font=_SYSTEM_FONTS, font_mono=("ui-monospace", "monospace"))


def client_of(request: gr.Request) -> str:
    """Return what the rate limit counts by: the client's address, which a trusted proxy may have told."""
    return request.client.host if request.client else "unknown"


def _html(value: str, name: str) -> gr.HTML:
    """Place HTML of our own, without Gradio's styles and without its script."""
    return gr.HTML(value, elem_id=name, apply_default_css=False, js_on_load=None)


def _numbers(conversation: Conversation, corpus: Corpus) -> Callable[[Span], int]:
    return lambda span: conversation.number(span, corpus.articles[span.article].sha256)

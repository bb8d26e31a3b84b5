"""The Gradio page: a conversation with quote cards, and the article beside it. Its looks are page.css, page.js."""

from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.responses import JSONResponse
from gradio.themes import Base

from bot import page_parts as parts
from bot.api import answer_json
from bot.desk import Desk, Refused
from bot.examples import Example
from bot.page_parts import Edition
from bot.question import clean
from bot.templates import render
from bot.turns import Turns
from bot.wording import wording

_SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")


def build_page(desk: Desk, turns: Turns, examples: tuple[Example, ...], edition: Edition) -> gr.Blocks:
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
        # What page.js fills in when it asks: the conversation's name, and whether the question stands alone.
        name, alone = gr.Textbox(visible=False), gr.Checkbox(visible=False)

        async def take_turn(question: str, name: str, alone: bool, request: gr.Request) -> tuple[str, str]:
            """Answer one question in its conversation: the turn as HTML, and an empty box for the next."""
            if not clean(question):
                return render("refusal.html", sentence=wording("empty", language=edition.language), retry=False), ""
            try:
                html = await turns.take(question, name=name, alone=alone, client=client_of(request), edition=edition)
            except Refused as refused:
                return render("refusal.html", sentence=w[refused.reason], retry=True), question
            return html, ""

        async def forget(name: str) -> None:
            turns.forget(name)

        async def answer_for_programs(question: str, request: gr.Request) -> dict[str, Any]:
            """Answer one question that stands alone: the JSON of POST /api/answer."""
            found = await answer_json(desk, client_of(request), question, [])
            if isinstance(found, JSONResponse):
                raise gr.Error(w["too_many"] if found.status_code == 429 else w["busy"])
            return found

        # Past the queue: its event stream costs more time than an answer does. No public name: Gradio would keep
        # questions in the browser's storage for its run history.
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        told = "(question) => askTheArticle.told(question)"
        asked = gr.on([ask.click, box.submit], take_turn, [box, name, alone], [turn, box], js=told, **quick)
        asked.success(None, [turn], None, js="(html) => askTheArticle.arrived(html)", queue=False)
        asked.failure(None, None, None, js="() => askTheArticle.failed()", queue=False)
        topic.click(None, js="() => askTheArticle.newTopic()", queue=False)
        clear.click(forget, [name], js="() => askTheArticle.cleared()", **quick)
        page.load(lambda: parts.reading(edition, desk.bot), None, [article], **quick)
        gr.api(answer_for_programs, api_name="answer", concurrency_limit=None)
    return page


def theme() -> Base:
    """Return a theme that asks no other host for its fonts."""
    return Base(font=_SYSTEM_FONTS, font_mono=("ui-monospace", "monospace"))


def client_of(request: gr.Request | Request) -> str:
    """Return what the rate limit counts by: the client's address, which a trusted proxy may have told."""
    return request.client.host if request.client else "unknown"


def _html(value: str, name: str) -> gr.HTML:
    """Place HTML of our own, without Gradio's styles and without its script."""
    return gr.HTML(value, elem_id=name, apply_default_css=False, js_on_load=None)

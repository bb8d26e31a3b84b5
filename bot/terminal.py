"""Answers on a terminal: quotes with their marks in colour, source lines, attribution."""

from rich.console import Console
from rich.text import Text

from bot.answer import Answer, Outcome, Quote
from bot.bot import Bot
from bot.wording import wording
from indexer.corpus import Corpus


def render(answer: Answer, corpus: Corpus) -> Text:
    """Return an answer as styled text; without colour the marks are » and «."""
    text = Text()
    if answer.notice:
        style = "bold red" if answer.outcome is Outcome.EMERGENCY else "bold"
        text.append(answer.notice + "\n", style)
    for number, quote in enumerate(answer.quotes, start=1):
        text.append("\n" if number > 1 or answer.notice else "")
        text.append_text(_render_quote(number, quote, corpus))
    if answer.topics:
        text.append("\n" + wording("topics") + "\n", "dim")
        for topic in answer.topics:
            text.append(f"  • {corpus.text(topic)}\n")
    for span in answer.see_also:
        text.append(f"\n{corpus.text(span)}", "dim")
    if answer.attribution:
        text.append("\n" if answer.see_also else "")
        text.append(f"\n{corpus.text(answer.attribution)}", "italic")
    return text


def _render_quote(number: int, quote: Quote, corpus: Corpus) -> Text:
    article = corpus.articles[quote.span.article]
    above = [corpus.text(quote.heading)] if quote.heading and quote.heading != article.title else []
    text = Text(f"[{number}] {' · '.join([*above, article.label])}\n", "bold")
    edge = quote.span.start
    for span in quote.highlights:
        text.append(article.text[edge : span.start])
        text.append("»", "dim")
        text.append(corpus.text(span), "bold green")
        text.append("«", "dim")
        edge = span.end
    text.append(article.text[edge : quote.span.end] + "\n")
    source = f"characters {quote.span.start}–{quote.span.end} of {article.id}, sha-256 {article.sha256[:12]}…"
    text.append(source + "\n", "dim")
    return text


def converse(bot: Bot) -> None:
    """Hold a conversation on the terminal until an empty line or the end of input."""
    console = Console(highlight=False, markup=False)
    console.print(wording("conversation"), style="dim")
    history: list[str] = []
    while True:
        try:
            question = console.input("> ").strip()
        except EOFError:
            return
        if not question:
            return
        answer = bot.answer(question, history=history)
        console.print(render(answer, bot.corpus))
        history.append(question)

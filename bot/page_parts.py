"""The parts of the page that are HTML of our own: masthead, welcome, the article pane, the first paint."""

from dataclasses import dataclass

from bot.bot import Bot
from bot.cards import words_of
from bot.examples import Example, first_examples
from bot.question import MAX_CHARACTERS
from bot.reading import article_html
from bot.templates import render
from bot.wording import ENGLISH, languages, page_words

_LIMIT_SHOWN_FROM = 1800


@dataclass(frozen=True, slots=True)
class Edition:
    """The page in one language, as one server offers it. `feedback`: answers can be rated."""

    language: str
    root_path: str
    feedback: bool

    @property
    def words(self) -> dict[str, str]:
        """The page's own sentences."""
        return page_words(self.language)


def page_path(language: str) -> str:
    """Return where the page in a language is, below the server's root path."""
    return "/" if language == ENGLISH else f"/{language}/"


def masthead(edition: Edition, bot: Bot) -> str:
    """Return who speaks on this page and on what terms."""
    # The byline's first sentence: the name and the credentials. The whole of it stands under every answer.
    byline = next((passage.sentences[0] for passage in bot.corpus.passages if passage.is_byline), None)
    others = [
        {"tag": tag, "path": edition.root_path + page_path(tag), "name": page_words(tag)["language_name"]}
        for tag in languages()
        if tag != edition.language
    ]
    return render(
        "masthead.html",
        w=edition.words,
        byline=words_of(byline, bot.corpus) if byline else None,
        others=others,
        feedback=edition.feedback,
    )


def welcome(edition: Edition, examples: tuple[Example, ...]) -> str:
    """Return the examples to tap; which of them show depends on the section being read."""
    return render("welcome.html", w=edition.words, examples=examples, first=first_examples(examples))


def hint(edition: Edition) -> str:
    """Return the place above the box for problems and for the count of characters."""
    return render("hint.html", w=edition.words, limit=MAX_CHARACTERS, shown_from=_LIMIT_SHOWN_FROM)


def thread(edition: Edition) -> str:
    """Return the empty conversation with its live regions."""
    return render("thread.html", w=edition.words)


def open_button(edition: Edition) -> str:
    """Return the button that opens the article on a phone."""
    return render("open.html", w=edition.words)


def reading(edition: Edition, bot: Bot) -> str:
    """Return the article pane."""
    return render("reading.html", w=edition.words, articles=article_html(bot.corpus, edition.language))


def first_paint(edition: Edition, bot: Bot) -> str:
    """Return what stands on the page before Gradio has started: who speaks, and how to read without scripts."""
    return render("first-paint.html", w=edition.words, masthead=masthead(edition, bot), root=edition.root_path)

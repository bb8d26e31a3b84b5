"""What a run can be told."""

from dataclasses import dataclass
from enum import StrEnum


class System(StrEnum):
    """What ranks the documents of a third-party set.

    The bot's evidence for articles that nobody taught, with what a search of thousands of documents adds to it; that
    evidence as it is; or one of its two parts alone.
    """

    DEFAULT = "default"
    PLAIN = "plain"
    BM25 = "bm25"
    DENSE = "dense"


class History(StrEnum):
    """What is told of the earlier turns of a conversation.

    Nothing; the user's turns, as the bot has them; all turns in one text; or, where a set has one, the standalone
    question that its authors wrote instead, which says what could be won.
    """

    LAST = "last"
    USER = "user"
    ALL = "all"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True)
class Search:
    """How a third-party set is searched.

    `model` is None for the bot's own; `query_prefix` is what the model wants in front of a query; `within_article`
    searches only the article that a query was asked of.
    """

    system: System = System.DEFAULT
    model: str | None = None
    history: History = History.USER
    query_prefix: str = ""
    within_article: bool = False

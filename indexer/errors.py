"""Every error of ours. Each message says what is wrong, where, and how to mend it.

VerbatimError
├── ArticleError        an article, its folder or its article.toml cannot be read as it should
├── QuestionsError      file:line of a taught or judged question, and the nearest match
├── StaleIndexError     what changed since the index was built, and the command that mends it
├── IndexFormatError    an index folder that is missing, damaged or of another format
├── ModelError          a model that is missing, or not the weights whose sha-256 we know
└── UsageError          a command was called with values that cannot work
"""


class VerbatimError(Exception):
    """Base of all errors that a reader of the message can mend."""


class ArticleError(VerbatimError):
    """An article, its folder or its article.toml cannot be read as it should."""


class QuestionsError(VerbatimError):
    """A taught or judged question is wrong; the message starts with file:line."""


class StaleIndexError(VerbatimError):
    """Something changed after the index was built."""


class IndexFormatError(VerbatimError):
    """The index folder is missing, damaged, or written in another format."""


class ModelError(VerbatimError):
    """A model is missing, or is not the weights whose sha-256 we know."""


class UsageError(VerbatimError):
    """A command was called with values that cannot work."""

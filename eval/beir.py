"""Third-party sets in the BEIR layout: corpus.jsonl, queries.jsonl and qrels/test.tsv in one folder.

A set may tell more of a query: "is_answerable", the "history" of its conversation ([{"speaker", "text"}]) and a
standalone "rewrite".
"""

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.errors import QuestionsError, UsageError
from indexer.questions import read_rows

CORPUS_FILE, QUERIES_FILE, QRELS_FILE = "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"


@dataclass(frozen=True, slots=True)
class Document:
    """One passage of a set: its id, title and body, and the article that it is of, where the set tells."""

    id: str
    title: str
    body: str
    article: str | None = None

    @property
    def text(self) -> str:
        """The body with the title in front."""
        return f"{self.title} {self.body}" if self.title else self.body


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier turn of a conversation; `by_user` tells the questions from the answers."""

    text: str
    by_user: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One query: the earlier turns of its conversation, oldest first, and what the set tells besides.

    `answerable` is None where the set does not say. `relevant` maps document ids to grades from 1. `article` is the
    one that the query was asked of, where the set tells.
    """

    id: str
    text: str
    history: tuple[Turn, ...]
    rewrite: str | None
    answerable: bool | None
    relevant: dict[str, int]
    article: str | None = None


@dataclass(frozen=True, slots=True)
class BeirSet:
    """A set: its documents, and the queries that it judges (those with qrels or told to be unanswerable)."""

    name: str
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    files: tuple[dict[str, str], ...]


def load_beir(folder: Path) -> BeirSet:
    """Read a set. Raises QuestionsError with file:line, UsageError for a file that is not there."""
    paths = [folder / name for name in (CORPUS_FILE, QUERIES_FILE, QRELS_FILE)]
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file; a set in BEIR layout has {', '.join(map(str, paths))}.")
    corpus, queries, qrels = paths
    documents = _by_id(corpus, _document)
    relevant = _read_qrels(qrels, set(documents))
    judged = _by_id(queries, lambda where, row: _query(where, row, relevant.get(str(row.get("_id")), {})))
    if unknown := sorted(set(relevant) - set(judged)):
        raise QuestionsError(f"{qrels}: query '{unknown[0]}' is not in {queries}; both must be of one set.")
    return BeirSet(
        name=folder.resolve().name,
        documents=tuple(documents.values()),
        queries=tuple(query for query in judged.values() if query.relevant or query.answerable is False),
        files=tuple({"file": str(path), "sha256": _sha256(path)} for path in paths),
    )


def _document(where: str, row: dict[str, Any]) -> Document:
    title = _text(where, row, "title", "")
    text = _text(where, row, "text")
    # Some sets repeat the title at the beginning of the text.
    body = text.removeprefix(title).lstrip() or text
    return Document(row["_id"], title, body, _text(where, row, "article", "") or None)


def _query(where: str, row: dict[str, Any], relevant: dict[str, int]) -> Query:
    history, answerable = row.get("history") or [], row.get("is_answerable")
    if not isinstance(history, list) or not all(isinstance(turn, dict) for turn in history):
        raise QuestionsError(f"{where}: 'history' must be a list of turns in braces.")
    if answerable not in (None, True, False):
        raise QuestionsError(f"{where}: 'is_answerable' must be true or false.")
    return Query(
        id=row["_id"],
        text=_text(where, row, "text"),
        history=tuple(Turn(_text(where, turn, "text"), turn.get("speaker") == "user") for turn in history),
        rewrite=_text(where, row, "rewrite", "") or None,
        answerable=answerable,
        relevant=relevant,
        article=_text(where, row, "article", "") or None,
    )


def _text(where: str, row: dict[str, Any], name: str, default: str | None = None) -> str:
    value = row.get(name)
    if value is None:
        value = default
    if not isinstance(value, str):
        raise QuestionsError(f"{where}: '{name}' must be text in quotes.")
    return value


def _by_id(path: Path, read: Callable[[str, dict[str, Any]], Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, row in read_rows(path):
        where = f"{path}:{number}"
        identity = _text(where, row, "_id")
        if not identity or any(character.isspace() for character in identity):
            raise QuestionsError(f"{where}: '_id' must not be empty, nor have white space in it.")
        if identity in found:
            raise QuestionsError(f"{where}: '_id' '{identity}' stands there twice.")
        found[identity] = read(where, row)
    if not found:
        raise QuestionsError(f"{path}: nothing is in it.")
    return found


def _read_qrels(path: Path, documents: set[str]) -> dict[str, dict[str, int]]:
    relevant: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows: Iterable[list[str]] = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, row in enumerate(rows, start=1):
            if number == 1 and row[-1:] == ["score"]:
                continue
            if len(row) != 3 or not row[2].lstrip("-").isdigit():
                raise QuestionsError(f"{path}:{number}: a row is query, document and grade, parted by tabs.")
            query, document, grade = row
            if document not in documents:
                raise QuestionsError(f"{path}:{number}: document '{document}' is not in {CORPUS_FILE}.")
            if int(grade) > 0:
                relevant.setdefault(query, {})[document] = int(grade)
    return relevant


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

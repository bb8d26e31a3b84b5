"""A run over a third-party set: our retrieval against published figures."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ir_measures import RR, R, nDCG

from eval.beir import BeirSet, Query
from eval.environment import environment
from eval.measures import certainty_of, curves, figures
from eval.records import AnswerRecord, Ranking, Run, prepare_folder, write_qrels, write_run, write_trec
from eval.retrieval import Found, Library, library_views, readings
from eval.scores import ranking_scores
from eval.settings import Search, System
from eval.vectors import document_vectors, sentence_vectors
from indexer.encoder import DEFAULT_MODEL, Encoder, load_encoder
from indexer.errors import UsageError
from indexer.questions import Kind

BEIR_MEASURES = {"ndcg@10": nDCG @ 10, "ndcg@5": nDCG @ 5, "rr": RR, "r@5": R @ 5, "r@10": R @ 10, "r@100": R @ 100}

Progress = Callable[[Sequence[Any], str], Iterable[Any]]


def run_beir(
    beir: BeirSet,
    output: Path,
    cache: Path,
    search: Search,
    *,
    force: bool = False,
    progress: Progress = lambda rows, _: rows,
) -> Run:
    """Index a set (once, kept in `cache`), search it for every query, and write the folder `output`.

    Raises UsageError when `output` holds a finished run, unless `force`.
    """
    prepare_folder(output, force=force)
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    encoder = None if search.system is System.BM25 else load_encoder(search.model or DEFAULT_MODEL)
    if search.within_article and not all(query.article for query in beir.queries):
        raise UsageError(f"{beir.name}: does not tell the article of every query; leave out --within-article.")
    library = open_library(beir, search, encoder, cache, progress)
    place = {document.id: number for number, document in enumerate(beir.documents)}
    rankings: list[Ranking] = []
    answers = []
    for query in progress(beir.queries, "Searching"):
        texts = readings(query, search.history)
        began = time.perf_counter()
        found = library.search(texts, search.query_prefix, query.article if search.within_article else None)
        milliseconds = round(1000 * (time.perf_counter() - began), 3)
        names = [beir.documents[number].id for number in found.documents]
        rankings.append((query.id, list(zip(names, found.scores, strict=True))))
        answers.append(_record(query, texts, found, place, milliseconds))
    qrels = [(query.id, document, grade) for query in beir.queries for document, grade in query.relevant.items()]
    answers = _scored(answers, qrels, rankings)
    run = Run(
        kind="beir",
        questions=beir.files,
        settings={"set": beir.name, **_told(search, encoder)},
        environment=environment(),
        manifest={"model": {"name": encoder.name, "sha256": encoder.sha256}} if encoder else {},
        started=started,
        seconds=round(time.perf_counter() - clock, 3),
        sentences=(),
        figures=figures(answers, "beir"),
        curves=curves(certainty_of(answers)),
        answers=tuple(answers),
    )
    write_trec(output, rankings)
    write_qrels(output, qrels)
    write_run(run, output)
    return run


def open_library(beir: BeirSet, search: Search, encoder: Encoder | None, cache: Path, progress: Progress) -> Library:
    """Encode what a system searches, or read it from `cache`, and return the documents ready to be searched."""
    views = None
    if encoder is not None:
        documents = document_vectors(beir, encoder, cache, lambda rows: progress(rows, "Encoding documents"))
        sentences = None
        if search.system in (System.DEFAULT, System.PLAIN):
            sentences = sentence_vectors(beir, encoder, cache, lambda rows: progress(rows, "Encoding sentences"))
        views = library_views(documents, sentences)
    return Library(beir.documents, search.system, encoder, views)


def _record(
    query: Query, texts: Iterable[str], found: Found, place: dict[str, int], milliseconds: float
) -> AnswerRecord:
    return AnswerRecord(
        id=query.id,
        question=query.text,
        kind=(Kind.DECLINED if query.answerable is False else Kind.ANSWERED).value,
        scores={},
        history=tuple(turn.text for turn in query.history if turn.by_user),
        answer={"looked_up": " | ".join(texts), "confidence": found.confidence},
        ranking=found.documents,
        gold_sentences=tuple(place[document] for document in query.relevant),
        milliseconds=milliseconds,
    )


def _scored(
    answers: Sequence[AnswerRecord], qrels: Sequence[tuple[str, str, int]], rankings: Sequence[Ranking]
) -> list[AnswerRecord]:
    scores = ranking_scores(qrels, rankings, BEIR_MEASURES)
    none = dict.fromkeys(BEIR_MEASURES, None)
    return [replace(answer, scores={**scores.get(answer.id, none)}) for answer in answers]


def _told(search: Search, encoder: Encoder | None) -> dict[str, str]:
    model = {"model": encoder.name} if encoder else {}
    prefix = {"query_prefix": search.query_prefix} if search.query_prefix else {}
    within = {"searched": "the article that a query was asked of"} if search.within_article else {}
    return {"system": search.system.value, **model, "history": search.history.value, **prefix, **within}

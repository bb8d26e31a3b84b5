"""Building an index: corpus → views → vectors → heads and deciders → a new generation on disk."""

import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import faiss
import numpy as np
from filelock import FileLock, Timeout
from threadpoolctl import threadpool_limits

from indexer.corpus import Corpus, load_corpus
from indexer.encoder import DEFAULT_MODEL, Encoder, Vectors, load_encoder
from indexer.errors import IndexFormatError, StaleIndexError, UsageError, VerbatimError
from indexer.evidence import Lexicon
from indexer.followups import Context, FollowUps, turn_vectors
from indexer.index import Index, Shelf, Views, lead_places, passage_numbers, shelf_sentences, shelf_taught
from indexer.known import KEPT_FILE, KnownVectors
from indexer.questions import Kind, Question, Turn
from indexer.storage import CURRENT, check_fresh, corpus_fingerprint, make_manifest, read_manifest, save_generation
from indexer.training import MIN_ANSWERED, MIN_FOLLOW_UPS, fit_follow_ups, fit_shelf
from indexer.untaught import load_untaught

CHANGES_OF_TOPIC = 600

# Threads of the linear algebra.
THREADS = 2

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: `why` it was needed, or None when there was nothing to do."""

    why: str | None
    index: Path
    counts: dict[str, int]


def build(
    corpus_folder: Path,
    index_folder: Path,
    *,
    model: str | None = None,
    force: bool = False,
    progress: Progress = lambda _: None,
    progress_bar: bool = False,
) -> BuildReport:
    """Build the index when it is missing, stale, damaged or made with another model than the one named.

    Without `model`, an existing index keeps its own. Texts that the last build encoded are not encoded again, unless
    `force` is set. Raises VerbatimError; the old index is left as it was.
    """
    why = "asked for with --force" if force else why_build(corpus_folder, index_folder, model)
    if why is None:
        return BuildReport(None, index_folder, read_manifest(corpus_folder, index_folder)["counts"])
    progress(f"Reading {corpus_folder}")
    fingerprint = corpus_fingerprint(corpus_folder)
    corpus = load_corpus(corpus_folder)
    with _locked(index_folder):
        encoder = load_encoder(model or _model_of(corpus_folder, index_folder))
        known = KnownVectors(encoder, None if force else index_folder / KEPT_FILE)
        index = _make(corpus, fingerprint, encoder, known, progress, progress_bar)
        progress(f"Writing {index_folder}")
        _publish(index, index_folder)
        known.keep(index_folder / KEPT_FILE)
    return BuildReport(why, index_folder, index.manifest["counts"])


def why_build(corpus_folder: Path, index_folder: Path, model: str | None = None) -> str | None:
    """Return why the index must be built, or None when it is as it should be."""
    try:
        manifest = read_manifest(corpus_folder, index_folder)
        check_fresh(manifest, corpus_folder, index_folder)
    except (IndexFormatError, StaleIndexError) as error:
        return str(error).split("; run:")[0]
    if model and manifest["model"]["name"] != model:
        return f"the index was built with model '{manifest['model']['name']}', '{model}' is asked for"
    return None


def _model_of(corpus_folder: Path, index_folder: Path) -> str:
    try:
        return str(read_manifest(corpus_folder, index_folder)["model"]["name"])
    except VerbatimError:
        return DEFAULT_MODEL


def _make(
    corpus: Corpus,
    fingerprint: dict[str, dict[str, str]],
    encoder: Encoder,
    known: KnownVectors,
    progress: Progress,
    progress_bar: bool,
) -> Index:
    sentences = [corpus.sentence_view(sentence) for sentence in corpus.sentences]
    passages = [corpus.passage_view(passage) for passage in corpus.passages]
    groups = shelve(corpus)
    texts = [question.text for articles in groups for article in articles for question in corpus.questions[article]]
    new = len(texts) - known.count(texts)
    progress(f"Encoding {len(sentences)} sentences and {len(texts)} taught questions ({new} new) with {encoder.name}")
    question_vectors = known.encode(texts, progress=progress_bar)
    views = Views(_flat(encoder.encode(sentences)), _flat(encoder.encode(passages)), passage_numbers(corpus))
    question_views = _flat(question_vectors)
    lexicon = Lexicon(sentences, corpus.synonyms)
    shelves: list[Shelf] = []
    figures: list[dict[str, dict[str, float]]] = []
    # The order of additions, and so the last digit of every weight, must not depend on how many cores there are.
    with threadpool_limits(THREADS):
        for articles in groups:
            first = sum(len(shelf.taught.questions) for shelf in shelves)
            shelf, own = _fill_shelf(corpus, articles, first, question_vectors, views, lexicon, progress)
            shelves.append(shelf)
            figures.append({"single questions": own} if own else {})
        index = Index(corpus, encoder, views, question_views, lexicon, tuple(shelves), {})
        for number, shelf in enumerate(shelves):
            turns = [t for article in shelf.articles for t in corpus.conversations[article] if t.earlier]
            if shelf.head and len(turns) >= MIN_FOLLOW_UPS:
                progress(f"Learning from {len(turns)} follow-up questions taught for {shelf.articles[0]}")
                turns += _changes_of_topic(shelf, turns)
                shelves[number], figures[number]["follow-ups"] = _add_follow_ups(index, shelf, turns, known)
    manifest = make_manifest(corpus, fingerprint, encoder, shelves, figures)
    return replace(index, shelves=tuple(shelves), manifest=manifest)


def _changes_of_topic(shelf: Shelf, turns: list[Turn]) -> list[Turn]:
    """Set single questions behind the earlier turns of conversations that they have nothing to do with.

    Without them nothing teaches that a question after another one may stand alone. CHANGES_OF_TOPIC of the taught ones
    are drawn by a checksum of their words, so that teaching a few more leaves most of the others as they were.
    """
    questions = sorted(shelf.taught.questions, key=lambda question: zlib.crc32(question.text.encode()))
    return [
        Turn(question, turns[zlib.crc32(question.text[::-1].encode()) % len(turns)].earlier)
        for question in questions[:CHANGES_OF_TOPIC]
    ]


def _add_follow_ups(
    index: Index, shelf: Shelf, turns: list[Turn], known: KnownVectors
) -> tuple[Shelf, dict[str, float]]:
    """Fit what judges follow-ups, each turn read in the context that its taught answers would have left."""
    corpus = index.corpus
    questions = [turn.question.text for turn in turns]
    contexts = [taught_context(corpus, turn) for turn in turns]
    last = [None if c.sentence is None else corpus.text(corpus.sentences[c.sentence].span) for c in contexts]
    behind = [context.behind(q, sentence) for context, q, sentence in zip(contexts, questions, last, strict=True)]
    alone, behind_vectors = np.split(known.encode([*questions, *behind]), 2)
    evidence = index.read(questions, alone, shelf)
    place = {int(number): at for at, number in enumerate(shelf.sentences)}
    taught = lead_places(corpus, tuple(turn.question for turn in turns), place)
    vectors = turn_vectors(alone, behind_vectors)
    places = np.stack([shelf.context_places(corpus, context) for context in contexts])
    head, decider, leaning, figures = fit_follow_ups(taught, vectors, evidence, places, shelf.decider)
    follow_ups = FollowUps(head, decider, tuple(taught.leads), leaning, _flat(vectors))
    return replace(shelf, follow_ups=follow_ups), figures


def taught_context(corpus: Corpus, turn: Turn) -> Context:
    """Return the context that the taught answers of the earlier turns would have left."""
    sentence: int | None = None
    shown: set[int] = set()
    for earlier in turn.earlier:
        if earlier.answers:
            first = corpus.sentences_touched(earlier.answers[:1])[0]
            sentence = None if earlier.kind is Kind.OVERVIEW else first
            shown.add(first)
    return Context(turn.earlier[-1].text, sentence, frozenset(shown), turn.earlier[0].text)


def shelve(corpus: Corpus) -> list[tuple[str, ...]]:
    """Group the articles into shelves: one for each that is taught enough, one for all the others together."""
    taught = [article for article, questions in corpus.questions.items() if _answered(questions) >= MIN_ANSWERED]
    rest = tuple(article for article in corpus.articles if article not in taught)
    return [*((article,) for article in taught), *([rest] if rest else [])]


def _answered(questions: Sequence[Question]) -> int:
    return sum(question.kind is Kind.ANSWERED for question in questions)


def _fill_shelf(
    corpus: Corpus,
    articles: tuple[str, ...],
    first_question: int,
    question_vectors: Vectors,
    views: Views,
    lexicon: Lexicon,
    progress: Progress,
) -> tuple[Shelf, dict[str, float]]:
    sentences, taught = shelf_sentences(corpus, articles), shelf_taught(corpus, articles)
    if _answered(taught.questions) < MIN_ANSWERED:
        return Shelf(articles, sentences, first_question, taught, None, load_untaught().decider), {}
    progress(f"Learning from {len(taught.questions)} questions taught for {articles[0]}")
    vectors = question_vectors[first_question : first_question + len(taught.questions)]
    dense = views.dense(vectors)[:, sentences]
    lexical = lexicon.scores([question.text for question in taught.questions])[:, sentences]
    head, decider, figures = fit_shelf(taught, vectors, dense, lexical)
    return Shelf(articles, sentences, first_question, taught, head, decider), figures


def _flat(vectors: Vectors) -> object:
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(vectors))
    return flat


@contextmanager
def _locked(index_folder: Path) -> Iterator[None]:
    try:
        index_folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(index_folder / ".lock", timeout=0)
        with lock:
            yield
    except Timeout:
        raise UsageError(f"{index_folder}: another build is writing this index; wait until it is done.") from None
    except OSError as error:
        raise IndexFormatError(
            f"{index_folder}: cannot be written ({error.strerror or error}); the old index is as it was."
        ) from None


def _publish(index: Index, index_folder: Path) -> None:
    """Write a new generation, then make it the current one in a single step, then remove the others."""
    building = Path(tempfile.mkdtemp(prefix="building-", dir=index_folder))
    try:
        save_generation(index, building)
        _sync(building)
        name = _free_name(index_folder, _digest(building))
        building.rename(index_folder / name)
        pointer = index_folder / f"{CURRENT}.new"
        pointer.write_text(name + "\n", encoding="utf-8")
        _sync(index_folder)
        pointer.replace(index_folder / CURRENT)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    for old in index_folder.iterdir():
        if old.is_dir() and old.name != name and old.name.startswith(("generation-", "building-")):
            shutil.rmtree(old, ignore_errors=True)


def _free_name(index_folder: Path, digest: str) -> str:
    """Name a generation by its content; one of that name may be there, whole or damaged, and stays until the end."""
    name, number = f"generation-{digest}", 1
    while (index_folder / name).exists():
        number += 1
        name = f"generation-{digest}-{number}"
    return name


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _sync(folder: Path) -> None:
    """Flush a folder's files to disk, so that a power cut cannot leave a complete-looking, empty file."""
    for path in folder.iterdir():
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())

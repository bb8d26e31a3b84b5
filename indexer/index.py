"""The index in memory and on disk: vectors of every view in FAISS, heads, deciders, and a manifest.

On disk an index is a folder with one *generation* folder and a CURRENT file that names it:

    .index/CURRENT                       name of the generation in use
    .index/<generation>/manifest.json    format, model, hashes, versions, counts, deciders, figures
                        sentences.faiss  IndexFlatIP over sentence views (heading + sentence)
                        questions.faiss  IndexFlatIP over taught-question views
                        follow_ups.0.faiss  the same over the turns of taught conversations, one for each shelf
                        heads.safetensors, grams.json

CURRENT is replaced in one step after a generation is complete, so that a build killed at any moment leaves
the old index as it was.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import safetensors.numpy

from indexer.article import ARTICLE_FILES
from indexer.corpus import CONVERSATIONS_FILE, QUESTIONS_FILE, Corpus, file_sha256, load_corpus
from indexer.decision import Decider, Judgement, judge
from indexer.encoder import Encoder, Vectors, load_encoder, model_sha256
from indexer.errors import IndexFormatError, StaleIndexError
from indexer.evidence import Evidence, Ints, Lexicon, Taught, head_columns, mean_evidence, nearest, nearest_declined
from indexer.followups import Context, FollowUps, place_features, turn_vectors
from indexer.head import Floats, GramTable, Head
from indexer.questions import Question

FORMAT_VERSION = 3
CURRENT = "CURRENT"
_LIBRARIES = ("faiss-cpu", "numpy", "scikit-learn", "sentence-transformers", "pysbd", "bm25s")


@dataclass(frozen=True)
class Shelf:
    """Sentences judged against each other: those of one taught article, or of all untaught ones together.

    `sentences` are numbers in the corpus; `first_question` is the row of its first taught-question view.
    """

    articles: tuple[str, ...]
    sentences: Ints
    first_question: int
    taught: Taught
    head: Head | None
    decider: Decider
    follow_ups: FollowUps | None = None

    def evidence(self, question: str, dense: Floats, lexical: Floats, likeness: Floats) -> Evidence:
        """Gather this shelf's evidence from the scores of all sentences and all taught questions.

        dense, lexical: (sentences,); likeness: (taught questions,).
        """
        places = len(self.sentences)
        dense, lexical = dense[None, self.sentences], lexical[None, self.sentences]
        if self.head is None:
            none = np.zeros((1, places))
            return Evidence(dense, lexical, none, none, none, np.zeros((1, 3)), np.zeros(1))
        own = likeness[self.first_question : self.first_question + len(self.taught.questions)]
        scores = self.head.scores(own, question)
        taught, part, outcomes = head_columns(scores[None, :], self.taught.leads, places)
        return Evidence(
            dense=dense,
            lexical=lexical,
            taught=taught,
            neighbour=nearest(own[None, :], self.taught.rows_by_sentence, places),
            part=part,
            outcomes=outcomes,
            declined_neighbour=nearest_declined(own[None, :], self.taught.declined_rows),
        )

    def context_places(self, corpus: Corpus, context: Context) -> Floats:
        """Return where every sentence of the shelf stands to the one shown last, shape (s, 6)."""
        place = {int(number): at for at, number in enumerate(self.sentences)}
        passages = [corpus.sentences[number].passage for number in self.sentences]
        sections = [corpus.passages[number].section for number in passages]
        last = place.get(context.sentence) if context.sentence is not None else None
        return place_features(last, [place[n] for n in context.shown if n in place], passages, sections)


@dataclass(frozen=True)
class Index:
    """An index in memory, with the corpus and the encoder it was built from."""

    corpus: Corpus
    encoder: Encoder
    sentence_views: Any
    question_views: Any
    lexicon: Lexicon
    shelves: tuple[Shelf, ...]
    manifest: dict[str, Any]

    def search(self, question: str, context: Context | None = None) -> list[Judgement]:
        """Return what every shelf says of a question, in the order of `shelves`.

        context: what was asked and shown before it, if the question may lean on that.
        """
        if context is None:
            vector = self.encoder.encode([question])
            return [judge(shelf.decider, self.read(question, vector, shelf))[0] for shelf in self.shelves]
        last = None if context.sentence is None else self.corpus.text(self.corpus.sentences[context.sentence].span)
        behind = context.behind(question, last)
        vectors = self.encoder.encode([question, behind])
        return [self._judge_in_context(shelf, question, behind, vectors, context) for shelf in self.shelves]

    def read(self, text: str, vector: Vectors, shelf: Shelf) -> Evidence:
        """Gather the evidence of a shelf for one text and its vector (1, d)."""
        dense = all_scores(self.sentence_views, vector)[0]
        likeness = all_scores(self.question_views, vector)[0]
        return shelf.evidence(text, dense, self.lexicon.scores(text), likeness)

    def _judge_in_context(
        self, shelf: Shelf, question: str, behind: str, vectors: Vectors, context: Context
    ) -> Judgement:
        """Judge a question that is not the first. vectors: (2, d), of the question and of `behind`."""
        alone = self.read(question, vectors[:1], shelf)
        if shelf.follow_ups is None:
            return judge(shelf.decider, mean_evidence(alone, self.read(behind, vectors[1:], shelf)))[0]
        likeness = all_scores(shelf.follow_ups.views, turn_vectors(vectors[:1], vectors[1:]))[0]
        places = shelf.context_places(self.corpus, context)
        follow_up = shelf.follow_ups.judge(shelf.decider, question, alone, likeness, places)
        return follow_up or judge(shelf.decider, alone)[0]


def all_scores(views: Any, vectors: Vectors) -> Vectors:
    """Return the inner product of each vector with every view of a FAISS index, shape (vectors, views)."""
    scores = np.zeros((len(vectors), views.ntotal), dtype=np.float32)
    if views.ntotal:
        found, rows = views.search(vectors, views.ntotal)
        np.put_along_axis(scores, rows, found, axis=1)
    return scores


def corpus_fingerprint(folder: Path) -> dict[str, dict[str, str]]:
    """Return the sha-256 of every file that an index depends on, by article folder and file name."""
    names = (*ARTICLE_FILES, "article.toml", QUESTIONS_FILE, CONVERSATIONS_FILE)
    return {
        path.name: {name: file_sha256(path / name) for name in names if (path / name).is_file()}
        for path in sorted(folder.iterdir() if folder.is_dir() else ())
        if any((path / name).is_file() for name in ARTICLE_FILES)
    }


@cache
def recipe_sha256() -> str:
    """Return one hash over the program that makes indexes: what it learns changes when the program does."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in sources)).hexdigest()


def make_manifest(
    corpus: Corpus,
    fingerprint: dict[str, dict[str, str]],
    encoder: Encoder,
    shelves: Sequence[Shelf],
    figures: Sequence[dict[str, dict[str, float]]],
) -> dict[str, Any]:
    """Describe an index: all that `load_index` checks, and what `show` tells."""
    return {
        "format_version": FORMAT_VERSION,
        "model": {"name": encoder.name, "sha256": encoder.sha256, "dimension": encoder.dimension},
        "files_sha256": fingerprint,
        "recipe_sha256": recipe_sha256(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "counts": {
            "articles": len(corpus.articles),
            "passages": len(corpus.passages),
            "sentences": len(corpus.sentences),
            "taught questions": sum(len(shelf.taught.questions) for shelf in shelves),
            "taught follow-ups": sum(shelf.follow_ups.views.ntotal for shelf in shelves if shelf.follow_ups),
        },
        "shelves": [
            {
                "articles": list(shelf.articles),
                "decider": shelf.decider.to_json(),
                "follow_up_decider": shelf.follow_ups.decider.to_json() if shelf.follow_ups else None,
                "follow_up_leads": list(shelf.follow_ups.leads) if shelf.follow_ups else [],
                "leaning_threshold": shelf.follow_ups.leaning_threshold if shelf.follow_ups else None,
                "out_of_fold": own,
            }
            for shelf, own in zip(shelves, figures, strict=True)
        ],
    }


def save_generation(index: Index, folder: Path) -> None:
    """Write all files of an index into a folder that exists and is empty."""
    faiss.write_index(index.sentence_views, str(folder / "sentences.faiss"))
    faiss.write_index(index.question_views, str(folder / "questions.faiss"))
    heads = {str(number): shelf.head for number, shelf in enumerate(index.shelves) if shelf.head}
    for number, shelf in enumerate(index.shelves):
        if shelf.follow_ups:
            heads[f"{number}.follow_ups"] = shelf.follow_ups.head
            faiss.write_index(shelf.follow_ups.views, str(folder / f"follow_ups.{number}.faiss"))
    tensors: dict[str, Vectors] = {}
    for name, head in heads.items():
        tensors |= {f"{name}.dual": head.dual, f"{name}.bias": head.bias}
        for table in head.tables:
            tensors[f"{name}.{table.kind}.idf"] = table.idf
            tensors[f"{name}.{table.kind}.weights"] = np.ascontiguousarray(table.weights)
    # safetensors does not read a file without tensors.
    safetensors.numpy.save_file(tensors or {"none": np.zeros(1, dtype=np.float32)}, folder / "heads.safetensors")
    grams = {name: {table.kind: table.grams for table in head.tables} for name, head in heads.items()}
    (folder / "grams.json").write_text(json.dumps(grams, ensure_ascii=False), encoding="utf-8")
    manifest = json.dumps(index.manifest, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")


def load_index(corpus_folder: Path, index_folder: Path) -> Index:
    """Load the current index and check that it belongs to the corpus as it is now.

    Raises IndexFormatError when it is missing, damaged or foreign, StaleIndexError when something changed.
    """
    manifest = read_manifest(index_folder)
    check_fresh(manifest, corpus_folder, index_folder)
    corpus = load_corpus(corpus_folder)
    rebuild = rebuild_command(corpus_folder, index_folder)
    encoder = load_encoder(manifest["model"]["name"])
    if encoder.sha256 != manifest["model"]["sha256"]:
        raise StaleIndexError(f"The weights of model '{encoder.name}' changed since the index was built; {rebuild}.")
    folder = _generation(index_folder)
    try:
        sentence_views = faiss.read_index(str(folder / "sentences.faiss"))
        question_views = faiss.read_index(str(folder / "questions.faiss"))
        tensors = safetensors.numpy.load_file(folder / "heads.safetensors")
        grams = json.loads((folder / "grams.json").read_text(encoding="utf-8"))
        shelves = tuple(
            _read_shelf(folder, corpus, manifest, number, tensors, grams) for number in range(len(manifest["shelves"]))
        )
        taught = sum(len(shelf.taught.questions) for shelf in shelves)
        if (sentence_views.ntotal, question_views.ntotal) != (len(corpus.sentences), taught):
            raise ValueError("the number of vectors is not the number of views")
    except Exception as error:  # faiss, safetensors and json each raise kinds of their own
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise IndexFormatError(f"{folder}: the index is damaged ({reason}); {rebuild} --force.") from None
    faiss.omp_set_num_threads(1)  # one short query does not feed two threads: measured 2.5 times slower with two
    lexicon = Lexicon([corpus.sentence_view(sentence) for sentence in corpus.sentences])
    return Index(corpus, encoder, sentence_views, question_views, lexicon, shelves, manifest)


def read_manifest(index_folder: Path) -> dict[str, Any]:
    """Read the manifest of the current generation. Raises IndexFormatError when there is no usable one."""
    folder = _generation(index_folder)
    build = f"run: python -m indexer build --index {index_folder} --force"
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        found = manifest["format_version"]
    except (OSError, ValueError, TypeError, KeyError):
        raise IndexFormatError(f"{folder}: this is no index of ours, or a damaged one; {build}") from None
    if found != FORMAT_VERSION:
        raise IndexFormatError(f"{folder}: the index has format {found}, this program reads {FORMAT_VERSION}; {build}")
    return dict(manifest)


def check_fresh(manifest: dict[str, Any], corpus_folder: Path, index_folder: Path) -> None:
    """Raise StaleIndexError naming the first thing that differs from when the index was built."""
    rebuild = rebuild_command(corpus_folder, index_folder)
    now, then = corpus_fingerprint(corpus_folder), manifest["files_sha256"]
    if not now:
        load_corpus(corpus_folder)  # says what is wrong with the folder
    for article in sorted(now.keys() | then.keys()):
        if article not in then:
            raise StaleIndexError(f"Article '{article}' was added after the index was built; {rebuild}.")
        if article not in now:
            raise StaleIndexError(f"Article '{article}' was removed after the index was built; {rebuild}.")
        for name in sorted(now[article].keys() | then[article].keys()):
            if now[article].get(name) != then[article].get(name):
                path = corpus_folder / article / name
                raise StaleIndexError(f"{path} changed after the index was built; {rebuild}.")
    if manifest.get("recipe_sha256") != recipe_sha256():
        raise StaleIndexError(f"The program that makes the index changed since it was built; {rebuild}.")
    model = manifest["model"]
    if (known := model_sha256(model["name"])) and known != model["sha256"]:
        raise StaleIndexError(f"The index was built with other weights of '{model['name']}'; {rebuild}.")


def rebuild_command(corpus_folder: Path, index_folder: Path) -> str:
    """Return the words that tell how to mend a stale index."""
    return f"run: python -m indexer build --corpus {corpus_folder} --index {index_folder}"


def _generation(index_folder: Path) -> Path:
    try:
        name = (index_folder / CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise IndexFormatError(
            f"{index_folder}: there is no index here; run: python -m indexer build --index {index_folder}"
        ) from None
    if not name or Path(name).name != name:
        raise IndexFormatError(
            f"{index_folder / CURRENT}: damaged; run: python -m indexer build --index {index_folder} --force"
        )
    return index_folder / name


def _read_shelf(
    folder: Path,
    corpus: Corpus,
    manifest: dict[str, Any],
    number: int,
    tensors: dict[str, Vectors],
    grams: dict[str, dict[str, list[str]]],
) -> Shelf:
    about = manifest["shelves"][number]
    follow_ups = None
    if follow_up_head := _read_head(f"{number}.follow_ups", tensors, grams):
        views = faiss.read_index(str(folder / f"follow_ups.{number}.faiss"))
        follow_ups = FollowUps(
            head=follow_up_head,
            decider=Decider.from_json(about["follow_up_decider"]),
            leads=tuple(about["follow_up_leads"]),
            leaning_threshold=about["leaning_threshold"],
            views=views,
        )
    before = [article for shelf in manifest["shelves"][:number] for article in shelf["articles"]]
    return Shelf(
        articles=tuple(about["articles"]),
        sentences=shelf_sentences(corpus, about["articles"]),
        first_question=sum(len(corpus.questions[article]) for article in before),
        taught=shelf_taught(corpus, about["articles"]),
        head=_read_head(str(number), tensors, grams),
        decider=Decider.from_json(about["decider"]),
        follow_ups=follow_ups,
    )


def _read_head(name: str, tensors: dict[str, Vectors], grams: dict[str, dict[str, list[str]]]) -> Head | None:
    if name not in grams:
        return None
    tables = tuple(
        GramTable(kind, tuple(words), tensors[f"{name}.{kind}.idf"], tensors[f"{name}.{kind}.weights"])
        for kind, words in grams[name].items()
    )
    return Head(tensors[f"{name}.dual"], tensors[f"{name}.bias"], tables)


def shelf_sentences(corpus: Corpus, articles: Sequence[str]) -> Ints:
    """Return the numbers of the sentences of some articles."""
    return np.array([n for n, s in enumerate(corpus.sentences) if s.span.article in articles], dtype=np.int64)


def shelf_taught(corpus: Corpus, articles: Sequence[str]) -> Taught:
    """Return the taught questions of some articles with the places they lead to."""
    place = {int(number): at for at, number in enumerate(shelf_sentences(corpus, articles))}
    questions = tuple(question for article in articles for question in corpus.questions[article])
    return lead_places(corpus, questions, place)


def lead_places(corpus: Corpus, questions: tuple[Question, ...], place: dict[int, int]) -> Taught:
    """Turn the answers of questions into places of a shelf; `place` is from sentence numbers to places."""
    by_answers = {q.answers: tuple(place[n] for n in corpus.sentences_touched(q.answers)) for q in questions}
    return Taught(questions, tuple(by_answers[question.answers] for question in questions))

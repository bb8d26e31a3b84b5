"""The index on disk: vectors of every view in FAISS, heads, deciders, and a manifest of what it was made from.

On disk an index is a folder with one *generation* folder and a CURRENT file that names it:

    .index/CURRENT                       name of the generation in use
    .index/<generation>/manifest.json    format, model, hashes, versions, counts, deciders, figures
                        sentences.faiss  IndexFlatIP over sentence views (heading + sentence)
                        passages.faiss   IndexFlatIP over passage views (heading + passage)
                        questions.faiss  IndexFlatIP over taught-question views
                        follow_ups.0.faiss  the same over the turns of taught conversations, one for each shelf
                        heads.safetensors, grams.json
    .index/vectors.npz                   kept for the next build (indexer/known.py), no part of the index

CURRENT is replaced in one step after a generation is complete, so that a build killed at any moment leaves
the old index as it was.
"""

import hashlib
import json
import shlex
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import safetensors.numpy
from threadpoolctl import threadpool_limits

from indexer.article import ARTICLE_FILES
from indexer.corpus import CONVERSATIONS_FILE, QUESTIONS_FILE, Corpus, file_sha256, load_corpus
from indexer.decision import Decider
from indexer.encoder import Encoder, Vectors, load_encoder, model_sha256
from indexer.errors import IndexFormatError, StaleIndexError
from indexer.evidence import Lexicon
from indexer.followups import FollowUps
from indexer.head import GramTable, Head
from indexer.index import Index, Shelf, Views, passage_numbers, shelf_sentences, shelf_taught
from indexer.untaught import UNTAUGHT_FILE

FORMAT_VERSION = 4
CURRENT = "CURRENT"
_LIBRARIES = ("faiss-cpu", "numpy", "scikit-learn", "sentence-transformers", "pysbd", "bm25s")


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
    sources = sorted([*Path(__file__).parent.glob("*.py"), UNTAUGHT_FILE])
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
    _write_views(index.views.sentences, folder / "sentences.faiss")
    _write_views(index.views.passages, folder / "passages.faiss")
    _write_views(index.question_views, folder / "questions.faiss")
    heads = {str(number): shelf.head for number, shelf in enumerate(index.shelves) if shelf.head}
    for number, shelf in enumerate(index.shelves):
        if shelf.follow_ups:
            heads[f"{number}.follow_ups"] = shelf.follow_ups.head
            _write_views(shelf.follow_ups.views, folder / f"follow_ups.{number}.faiss")
    tensors: dict[str, Vectors] = {}
    for name, head in heads.items():
        tensors |= {f"{name}.dual": head.dual, f"{name}.bias": head.bias}
        for table in head.tables:
            tensors[f"{name}.{table.kind}.idf"] = table.idf
            tensors[f"{name}.{table.kind}.weights"] = np.ascontiguousarray(table.weights)
    # safetensors does not read a file without tensors.
    (folder / "heads.safetensors").write_bytes(
        safetensors.numpy.save(tensors or {"none": np.zeros(1, dtype=np.float32)})
    )
    grams = {name: {table.kind: table.grams for table in head.tables} for name, head in heads.items()}
    (folder / "grams.json").write_text(json.dumps(grams, ensure_ascii=False), encoding="utf-8")
    manifest = json.dumps(index.manifest, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")


def _write_views(views: Any, path: Path) -> None:
    """Write a FAISS index by ways that say so when the disk is full; FAISS's own raise no OSError."""
    path.write_bytes(faiss.serialize_index(views).tobytes())


def load_index(corpus_folder: Path, index_folder: Path) -> Index:
    """Load the current index and check that it belongs to the corpus as it is now.

    Raises IndexFormatError when it is missing, damaged or foreign, StaleIndexError when something changed.
    """
    manifest = read_manifest(corpus_folder, index_folder)
    check_fresh(manifest, corpus_folder, index_folder)
    corpus = load_corpus(corpus_folder)
    rebuild = rebuild_command(corpus_folder, index_folder)
    encoder = load_encoder(manifest["model"]["name"])
    if encoder.sha256 != manifest["model"]["sha256"]:
        raise StaleIndexError(f"The weights of model '{encoder.name}' changed since the index was built; {rebuild}")
    folder = _generation(corpus_folder, index_folder)
    try:
        sentences = faiss.read_index(str(folder / "sentences.faiss"))
        passages = faiss.read_index(str(folder / "passages.faiss"))
        question_views = faiss.read_index(str(folder / "questions.faiss"))
        tensors = safetensors.numpy.load_file(folder / "heads.safetensors")
        grams = json.loads((folder / "grams.json").read_text(encoding="utf-8"))
        shelves = tuple(
            _read_shelf(folder, corpus, manifest, number, tensors, grams) for number in range(len(manifest["shelves"]))
        )
        taught = sum(len(shelf.taught.questions) for shelf in shelves)
        found = (sentences.ntotal, passages.ntotal, question_views.ntotal)
        if found != (len(corpus.sentences), len(corpus.passages), taught):
            raise ValueError("the number of vectors is not the number of views")
    except Exception as error:  # faiss, safetensors and json each raise kinds of their own
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise IndexFormatError(f"{folder}: the index is damaged ({reason}); {rebuild} --force") from None
    # One short query does not feed two threads: FAISS was 2.5 times slower with two, and a second one of the linear
    # algebra doubled the processor time of a question by waiting for work.
    faiss.omp_set_num_threads(1)
    threadpool_limits(1, user_api="blas")
    lexicon = Lexicon([corpus.sentence_view(sentence) for sentence in corpus.sentences], corpus.synonyms)
    views = Views(sentences, passages, passage_numbers(corpus))
    return Index(corpus, encoder, views, question_views, lexicon, shelves, manifest)


def read_manifest(corpus_folder: Path, index_folder: Path) -> dict[str, Any]:
    """Read the manifest of the current generation of a corpus's index.

    Raises IndexFormatError when there is no usable one.
    """
    folder = _generation(corpus_folder, index_folder)
    build = f"{rebuild_command(corpus_folder, index_folder)} --force"
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
            raise StaleIndexError(f"Article '{article}' was added after the index was built; {rebuild}")
        if article not in now:
            raise StaleIndexError(f"Article '{article}' was removed after the index was built; {rebuild}")
        for name in sorted(now[article].keys() | then[article].keys()):
            if now[article].get(name) != then[article].get(name):
                path = corpus_folder / article / name
                raise StaleIndexError(f"{path} changed after the index was built; {rebuild}")
    if manifest.get("recipe_sha256") != recipe_sha256():
        raise StaleIndexError(f"The program that makes the index changed since it was built; {rebuild}")
    model = manifest["model"]
    if (known := model_sha256(model["name"])) and known != model["sha256"]:
        raise StaleIndexError(f"The index was built with other weights of '{model['name']}'; {rebuild}")


def rebuild_command(corpus_folder: Path, index_folder: Path) -> str:
    """Return the words that tell how to mend a stale index."""
    folders = shlex.join(["--corpus", str(corpus_folder), "--index", str(index_folder)])
    return f"run: python -m indexer build {folders}"


def _generation(corpus_folder: Path, index_folder: Path) -> Path:
    rebuild = rebuild_command(corpus_folder, index_folder)
    try:
        name = (index_folder / CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise IndexFormatError(f"{index_folder}: there is no index here; {rebuild}") from None
    if not name or Path(name).name != name:
        raise IndexFormatError(f"{index_folder / CURRENT}: damaged; {rebuild} --force")
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

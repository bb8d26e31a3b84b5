"""The vectors of a third-party set's documents and of their sentences, encoded once and kept."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np

from eval.beir import BeirSet, Document
from indexer.encoder import Encoder, Vectors
from indexer.errors import UsageError
from indexer.evidence import Ints
from indexer.passages import sentence_bounds

CHUNK = 256

Progress = Callable[[Sequence[Any]], Iterable[Any]]


def document_vectors(beir: BeirSet, encoder: Encoder, cache: Path, progress: Progress = iter) -> Vectors:
    """Return the vectors of a set's documents, shape (documents, d).

    They are encoded once for each content and model, and written in chunks to a folder of `cache`, so that an
    interrupted encoding continues where it stopped.
    """

    def encode(documents: Sequence[Document], pool: ThreadPoolExecutor) -> dict[str, Any]:
        return {"vectors": _encode([document.text for document in documents], encoder, pool)}

    return np.vstack([chunk["vectors"] for chunk in _chunks(beir, encoder, cache, "documents", encode, progress)])


def sentence_vectors(beir: BeirSet, encoder: Encoder, cache: Path, progress: Progress = iter) -> tuple[Vectors, Ints]:
    """Return the vectors of all sentences (s, d), in order, each read behind its document's title, as the bot does.

    Also the number of the first sentence of each document, shape (documents,). Kept as `document_vectors` are.
    """

    def encode(documents: Sequence[Document], pool: ThreadPoolExecutor) -> dict[str, Any]:
        views = list(pool.map(sentence_views, documents))
        texts = [text for own in views for text in own]
        return {"vectors": _encode(texts, encoder, pool), "counts": np.array([len(own) for own in views])}

    chunks = _chunks(beir, encoder, cache, "sentences", encode, progress)
    counts = np.concatenate([chunk["counts"] for chunk in chunks])
    return np.vstack([chunk["vectors"] for chunk in chunks]), np.cumsum(counts) - counts


def sentence_views(document: Document) -> list[str]:
    """Return the sentences of a document, each behind its title."""
    above = f"{document.title}. " if document.title else ""
    return [above + document.body[start:end] for start, end in sentence_bounds(document.body)]


def _chunks(
    beir: BeirSet,
    encoder: Encoder,
    cache: Path,
    kind: str,
    encode: Callable[[Sequence[Document], ThreadPoolExecutor], dict[str, Any]],
    progress: Progress,
) -> list[dict[str, Any]]:
    digest = hashlib.sha256(encoder.sha256.encode())
    for document in beir.documents:
        digest.update(f"{document.title}\0{document.body}\0".encode("utf-8", "surrogatepass"))
    folder = cache / f"{beir.name}-{kind}-{encoder.name.replace('/', '-')}-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); name another --cache.") from None
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in progress(range(0, len(beir.documents), CHUNK)):
            path = folder / f"{start:07}.npz"
            if not path.is_file():
                arrays = encode(beir.documents[start : start + CHUNK], pool)
                with NamedTemporaryFile(dir=folder, suffix=".npz", delete=False) as file:
                    np.savez(file, **arrays)
                Path(file.name).replace(path)
            with np.load(path) as arrays_read:
                found.append(dict(arrays_read))
    return found


def _encode(texts: Sequence[str], encoder: Encoder, pool: ThreadPoolExecutor) -> Vectors:
    # One text at a time, as the bot does it, so that vectors do not depend on their neighbours; two cores are
    # kept busy by two texts at once.
    return np.vstack(list(pool.map(encoder.encode, [texts[at : at + 8] for at in range(0, len(texts), 8)])))

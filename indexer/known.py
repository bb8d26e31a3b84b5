"""Vectors kept from one build to the next, so that teaching a few questions encodes those few only.

A text's vector depends on nothing but the text, the weights and the program that reads them, so that an index made
with kept vectors is the same, to the byte, as one made without. They lie beside the generations of an index, in a
file that may be missing, damaged or of another model: then everything is encoded, as for the first index.
"""

import hashlib
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from indexer import encoder as encoder_source
from indexer import network as network_source
from indexer.encoder import Encoder, Vectors

KEPT_FILE = "vectors.npz"


class KnownVectors:
    """Encodes texts, each only once, and not those whose vectors a file of an earlier build has."""

    def __init__(self, encoder: Encoder, file: Path | None = None) -> None:
        self._encoder = encoder
        self._known = _read(file, encoder) if file else {}
        self._used: dict[bytes, None] = {}

    def count(self, texts: Sequence[str]) -> int:
        """Count the texts that need not be encoded."""
        return sum(_key(text) in self._known for text in texts)

    def encode(self, texts: Sequence[str], *, progress: bool = False) -> Vectors:
        """Return what `Encoder.encode_questions` returns, (len(texts), question_dimension)."""
        keys = [_key(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        encoded = self._encoder.encode_questions(list(new.values()), progress=progress)
        self._known |= dict(zip(new, encoded, strict=True))
        self._used |= dict.fromkeys(keys)
        return np.array([self._known[key] for key in keys], dtype=np.float32).reshape(
            len(keys), self._encoder.question_dimension
        )

    def keep(self, file: Path) -> None:
        """Write the vectors that were asked for, and no others; a full disk costs the next build time, nothing else."""
        new = file.with_suffix(".new.npz")
        with suppress(OSError):
            try:
                np.savez(
                    new,
                    reader=_reader(self._encoder),
                    keys=np.frombuffer(b"".join(self._used), dtype=np.uint8).reshape(-1, 32),
                    vectors=np.array([self._known[key] for key in self._used], dtype=np.float32),
                )
                new.replace(file)
            finally:
                new.unlink(missing_ok=True)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _read(file: Path, encoder: Encoder) -> dict[bytes, Vectors]:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            if str(kept["reader"]) != _reader(encoder):
                return {}
            # The archive has a checksum of every part, and reading one that differs is an error.
            return dict(zip(map(bytes, kept["keys"]), kept["vectors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def _reader(encoder: Encoder) -> str:
    """Name everything but the text that a vector depends on."""
    digest = hashlib.sha256(encoder.sha256.encode())
    for source in (encoder_source.__file__, network_source.__file__):
        digest.update(Path(source).read_bytes())
    for library in ("onnxruntime", "sentence-transformers", "tokenizers", "torch", "transformers"):
        digest.update(version(library).encode())
    return digest.hexdigest()

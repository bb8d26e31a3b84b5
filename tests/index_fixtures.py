"""A small corpus to build from."""

import shutil
from pathlib import Path

import pytest
from indexing import LEG_PAIN


@pytest.fixture
def corpus(tmp_path: Path, corpus_folder: Path) -> Path:
    """A copy of the real article with a handful of taught questions."""
    folder = tmp_path / "corpus" / LEG_PAIN
    folder.mkdir(parents=True)
    for name in ("article.txt", "article.toml"):
        shutil.copy(corpus_folder / LEG_PAIN / name, folder)
    lines = (corpus_folder / LEG_PAIN / "questions.jsonl").read_text(encoding="utf-8").splitlines()[:5]
    (folder / "questions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder.parent

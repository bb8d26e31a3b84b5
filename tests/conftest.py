"""Fixtures named after what they stand in for."""

from pathlib import Path

import pytest
from filelock import FileLock

from bot.bot import Bot
from indexer.build import build

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def corpus_folder() -> Path:
    """The real corpus."""
    return ROOT / "corpus"


@pytest.fixture(scope="session")
def index_folder(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the real corpus: the project's own if it is fresh, so that only a first run builds it."""
    folder = ROOT / ".index"
    # Test processes run side by side; the first builds, the others wait for it.
    with FileLock(tmp_path_factory.getbasetemp().parent / "index-of-the-tests.lock"):
        build(corpus_folder, folder)
    return folder


@pytest.fixture(scope="session")
def bot(corpus_folder: Path, index_folder: Path) -> Bot:
    """The bot a patient meets."""
    return Bot.open(corpus_folder, index_folder)


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny articles that nobody taught, one of them in Markdown."""
    corpus = tmp_path_factory.mktemp("small-corpus")
    (corpus / "knee").mkdir()
    (corpus / "knee" / "article.txt").write_text(
        "After a knee replacement most people walk with a stick on the first day.\n\n"
        "Swelling\n\n"
        "Swelling around the knee is usual for three to six months. Ice and raising the leg help.\n\n"
        "See Physical Therapy After Knee Surgery\n\n"
        "Stairs\n\n"
        "Going up stairs starts with the good leg. Going down starts with the operated leg.\n\n"
        "Dr. Ann Example is a knee surgeon who lives by the sea.\n",
        encoding="utf-8",
    )
    (corpus / "wrist").mkdir()
    (corpus / "wrist" / "article.md").write_text(
        "# A broken wrist\n\nA cast stays on for about *six* weeks.\n\n## Driving\n\n"
        "Nobody should drive with a cast on the arm.\n",
        encoding="utf-8",
    )
    return corpus

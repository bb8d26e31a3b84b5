"""Runs of the bench that several files look at: a small one over two tiny articles, and one of our own questions."""

import json
from pathlib import Path

import pytest

from bot.bot import Bot
from eval.judged import JudgedQuestion, load_judged
from eval.records import Run
from eval.running import run_questions
from indexer.build import build

ROOT = Path(__file__).parent.parent
KNEE = [
    {"question": "is a swollen knee usual?", "answers": ["Swelling around the knee is usual for three to six months."]},
    {"question": "which leg first on the stairs", "answers": ["Going up stairs starts with the good leg."]},
    {"question": "how long with a stick", "answers": ["After a knee replacement most people walk with a stick on"]},
    {"question": "may i drive with a cast", "answers": ["Nobody should drive with a cast on the arm."], "split": "dev"},
    {
        "question": "and what helps?",
        "answers": ["Ice and raising the leg help."],
        "history": ["is a swollen knee usual?"],
    },
    {"question": "what is the capital of France", "answers": [], "kind": "declined", "tags": ["offtopic"]},
]


@pytest.fixture(scope="session")
def small_index(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small-index")
    build(small_corpus, folder)
    return folder


@pytest.fixture(scope="session")
def small_bot(small_corpus: Path, small_index: Path) -> Bot:
    return Bot.open(small_corpus, small_index)


@pytest.fixture(scope="session")
def knee_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("questions") / "knee.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in KNEE), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def knee(small_bot: Bot, knee_file: Path) -> tuple[JudgedQuestion, ...]:
    return load_judged([knee_file], list(small_bot.corpus.articles.values()))


@pytest.fixture(scope="session")
def knee_run(
    small_bot: Bot, knee: tuple[JudgedQuestion, ...], knee_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    output = tmp_path_factory.mktemp("runs") / "knee"
    run_questions(small_bot, knee, [knee_file], output)
    return output


@pytest.fixture(scope="session")
def real_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "real"


@pytest.fixture(scope="session")
def real_run(bot: Bot, real_folder: Path) -> Run:
    """Every eighth of the project's judged questions."""
    files = sorted((ROOT / "eval" / "questions").glob("*.jsonl"))
    questions = load_judged(files, list(bot.corpus.articles.values()))[::8]
    return run_questions(bot, questions, files, real_folder)

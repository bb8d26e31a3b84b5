"""The index: taught questions are anchored, builds are atomic and repeatable, stale ones are refused."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indexer.article import load_article
from indexer.build import build, shelve, why_build
from indexer.corpus import load_corpus
from indexer.encoder import DEFAULT_MODEL
from indexer.errors import IndexFormatError, QuestionsError, StaleIndexError, UsageError
from indexer.questions import Kind, load_taught
from indexer.storage import CURRENT, load_index, read_manifest
from indexer.training import upper_bound

LEG_PAIN = "leg-pain-after-surgery"


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


def teach(corpus: Path, *rows: object) -> None:
    path = corpus / LEG_PAIN / "questions.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" if not isinstance(r, str) else r + "\n" for r in rows))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Without a hub to ask, a model that is not packaged is missing at once.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


# Taught questions


def test_every_taught_question_of_the_corpus_is_anchored(corpus_folder):
    taught = load_taught(corpus_folder / LEG_PAIN / "questions.jsonl", load_article(corpus_folder / LEG_PAIN))
    assert len(taught) >= 4000
    assert {q.kind for q in taught} == set(Kind)
    assert all(bool(q.answers) == (q.kind in (Kind.ANSWERED, Kind.OVERVIEW)) for q in taught)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"question": "q", "answers": ["Scar tissue grows for years."]},
            r"questions\.jsonl:1: .*nearest words.*Scar tissue only grows",
        ),
        ({"question": "q", "answers": ["surgery"]}, r"questions\.jsonl:1: the answer stands \d+ times"),
        ({"question": "q", "answers": []}, "needs at least one answer"),
        ({"question": "q", "answers": ["Scar tissue"], "kind": "declined"}, "must have no answers"),
        ({"question": " ", "answers": []}, "'question' must be text"),
        ({"question": "half \ud83d of it", "answers": []}, "half of a character"),
        ({"question": "q", "answers": "Scar"}, "'answers' must be a list"),
        ({"question": "q", "answers": [], "kind": "maybe"}, "kind 'maybe' is none of"),
        ({"question": "q", "answer": []}, "unknown field 'answer'"),
        ("{not json", r"questions\.jsonl:1: not valid JSON"),
        ("[1]", "one JSON object"),
    ],
)
def test_a_wrong_taught_question_is_named_by_file_and_line(corpus, row, message):
    teach(corpus, row)
    with pytest.raises(QuestionsError, match=message):
        load_corpus(corpus)


def test_a_question_taught_twice_is_refused(corpus):
    row = {"question": "When can I drive?", "answers": [], "kind": "declined"}
    teach(corpus, row, {**row, "question": "when can i  drive"})
    with pytest.raises(QuestionsError, match=r":2: the same question as line 1"):
        load_corpus(corpus)


# Building


def test_a_build_is_the_same_byte_for_byte(corpus, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    build(corpus, first)
    build(corpus, second)
    assert (first / CURRENT).read_text() == (second / CURRENT).read_text()
    name = (first / CURRENT).read_text().strip()
    for path in sorted((first / name).iterdir()):
        assert path.read_bytes() == (second / name / path.name).read_bytes()


def test_what_is_learned_is_the_same_byte_for_byte_with_kept_vectors_and_without(corpus, corpus_folder, tmp_path):
    questions, turns = (
        (corpus_folder / LEG_PAIN / name).read_text(encoding="utf-8").splitlines()
        for name in ("questions.jsonl", "conversations.jsonl")
    )
    (corpus / LEG_PAIN / "questions.jsonl").write_text("\n".join(questions[::20]), encoding="utf-8")
    (corpus / LEG_PAIN / "conversations.jsonl").write_text("\n".join(turns[:300]), encoding="utf-8")
    build(corpus, tmp_path / "i")
    manifest = read_manifest(corpus, tmp_path / "i")
    assert set(manifest["shelves"][0]["out_of_fold"]) == {"single questions", "follow-ups"}
    first = (tmp_path / "i" / CURRENT).read_text()
    shutil.rmtree(tmp_path / "i" / first.strip())
    build(corpus, tmp_path / "i")
    assert (tmp_path / "i" / CURRENT).read_text() == first


def test_what_an_earlier_build_encoded_is_not_encoded_again_and_changes_no_byte(corpus, tmp_path):
    index, messages = tmp_path / "i", []
    build(corpus, index)
    teach(corpus, {"question": "When can I drive?", "answers": [], "kind": "declined"})
    build(corpus, index, progress=messages.append)
    assert any("1 taught questions (1 new)" in message for message in messages)
    with (corpus / LEG_PAIN / "article.toml").open("a") as rules:
        rules.write("\n")
    build(corpus, index, progress=messages.append)
    assert any("1 taught questions (0 new)" in message for message in messages)
    build(corpus, tmp_path / "anew")
    assert (index / CURRENT).read_text() == (tmp_path / "anew" / CURRENT).read_text()


def test_a_forced_build_encodes_everything_anew(corpus, tmp_path):
    messages = []
    build(corpus, tmp_path / "i")
    build(corpus, tmp_path / "i", force=True, progress=messages.append)
    assert any("5 taught questions (5 new)" in message for message in messages)


def test_a_model_that_is_not_there_is_one_clear_line(corpus, tmp_path):
    done = run(
        "indexer",
        "build",
        "--corpus",
        str(corpus),
        "--index",
        str(tmp_path / "i"),
        "--model",
        "no/such-model",
    )
    assert done.returncode == 2
    assert "The model 'no/such-model' cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_done_when_nothing_changed(corpus, tmp_path):
    assert build(corpus, tmp_path / "i").why is not None
    assert build(corpus, tmp_path / "i").why is None
    assert build(corpus, tmp_path / "i", force=True).why == "asked for with --force"


def test_a_build_leaves_one_generation_and_no_scrap(corpus, tmp_path):
    index = tmp_path / "i"
    build(corpus, index)
    build(corpus, index, force=True)
    teach(corpus, {"question": "When can I drive?", "answers": [], "kind": "declined"})
    build(corpus, index)
    current = (index / CURRENT).read_text().strip()
    assert [p.name for p in index.iterdir() if p.is_dir()] == [current]


def test_a_build_killed_at_any_moment_leaves_the_old_index_usable(corpus, tmp_path):
    index = tmp_path / "i"
    build(corpus, index)
    old = (index / CURRENT).read_text()
    command = [
        sys.executable,
        "-m",
        "indexer",
        "build",
        "--corpus",
        str(corpus),
        "--index",
        str(index),
        "--force",
    ]
    for wait in ("Reading", "Encoding", "Writing"):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(wait):
                break
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        process.stderr.close()
        assert (index / CURRENT).read_text().startswith(old.strip())
        assert load_index(corpus, index).manifest["counts"]["sentences"] == 30
    assert build(corpus, index, force=True).why  # a lock left by the dead build does not stop the next


def test_two_builds_at_once_do_not_mix(corpus, tmp_path):
    from filelock import FileLock

    index = tmp_path / "i"
    index.mkdir()
    with FileLock(index / ".lock"), pytest.raises(UsageError, match="another build"):
        build(corpus, index)


def test_an_index_path_that_is_a_file_is_named(corpus, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(IndexFormatError, match="cannot be written"):
        build(corpus, tmp_path / "file")


def test_a_taught_article_gets_a_shelf_of_its_own(corpus_folder, small_corpus):
    assert shelve(load_corpus(corpus_folder)) == [(LEG_PAIN,)]
    assert shelve(load_corpus(small_corpus)) == [("knee", "wrist")]


# Stale and damaged indexes


@pytest.mark.parametrize("name", ["article.txt", "article.toml", "questions.jsonl"])
def test_a_changed_file_makes_the_index_stale(corpus, tmp_path, name):
    index = tmp_path / "i"
    build(corpus, index)
    path = corpus / LEG_PAIN / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(StaleIndexError, match=rf"{name} changed after the index was built; run: python -m indexer"):
        load_index(corpus, index)
    assert build(corpus, index).why is not None
    load_index(corpus, index)


def test_an_added_or_removed_article_makes_the_index_stale(corpus, tmp_path):
    index = tmp_path / "i"
    build(corpus, index)
    (corpus / "new").mkdir()
    (corpus / "new" / "article.txt").write_text("A new article has a paragraph.")
    assert why_build(corpus, index) == "Article 'new' was added after the index was built"
    build(corpus, index)
    shutil.rmtree(corpus / "new")
    assert why_build(corpus, index) == "Article 'new' was removed after the index was built"


@pytest.mark.parametrize(
    "damage",
    ["manifest.json", "sentences.faiss", "questions.faiss", "heads.safetensors", "grams.json", CURRENT],
)
@pytest.mark.parametrize("how", ["truncated", "foreign", "missing"])
def test_a_damaged_index_is_one_clear_error_and_mends_itself(corpus, tmp_path, damage, how):
    index = tmp_path / "i"
    build(corpus, index)
    folder = index if damage == CURRENT else index / (index / CURRENT).read_text().strip()
    path = folder / damage
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if how == "truncated" else b"\x00something else entirely\xff")
    with pytest.raises(IndexFormatError) as refused:
        load_index(corpus, index)
    command = shlex.split(str(refused.value).split("run: ")[1])
    assert command[:8] == ["python", "-m", "indexer", "build", "--corpus", str(corpus), "--index", str(index)]
    build(corpus, index, force="--force" in command)
    load_index(corpus, index)


def test_an_index_of_another_format_is_refused(corpus, tmp_path):
    index = tmp_path / "i"
    build(corpus, index)
    path = index / (index / CURRENT).read_text().strip() / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))
    with pytest.raises(IndexFormatError, match="has format 99"):
        load_index(corpus, index)


def test_the_manifest_tells_what_the_index_was_built_from(corpus_folder, index_folder):
    manifest = read_manifest(corpus_folder, index_folder)
    assert manifest["model"]["name"] == DEFAULT_MODEL
    files = manifest["files_sha256"][LEG_PAIN]
    assert files["article.txt"] == "90e298193d6da70f59aafbf0284a2178844c0a280ea9ca524cb66060a00bb9ca"
    assert set(files) == {"article.txt", "article.toml", "questions.jsonl", "conversations.jsonl"}
    bound = manifest["shelves"][0]["out_of_fold"]["single questions"]["unanswerable: answered, upper bound"]
    assert 0 < bound < 0.17


def test_an_index_is_searched_with_the_whole_corpus_in_sight(bot):
    judgement = bot.index.search("how long does scar tissue grow")[0]
    best = bot.corpus.sentences[int(judgement.sentences.argmax())].span
    assert bot.corpus.text(best).startswith("Scar tissue only grows for 6-12 weeks")
    assert sum(judgement.outcomes.values()) == pytest.approx(1)


def test_clopper_pearson_bounds_a_rate_from_above():
    assert upper_bound(0, 59) == pytest.approx(0.0495, abs=1e-3)  # the rule of three
    assert upper_bound(5, 5) == 1.0
    assert upper_bound(0, 0) == 1.0


# The command line


def test_build_show_and_check_run_from_the_command_line(corpus, tmp_path):
    where = ("--corpus", str(corpus), "--index", str(tmp_path / "i"))
    built = run("indexer", "build", *where)
    assert (built.returncode, "30 sentences" in built.stdout) == (0, True)
    assert run("indexer", "build", *where).stdout.startswith("Nothing to do")
    shown = json.loads(run("indexer", "show", *where, "--json").stdout)
    assert shown["articles"][0]["blocks"][0]["kind"] == "paragraph"
    checked = run("indexer", "check", *where)
    assert (checked.returncode, checked.stdout.strip()) == (0, "All spans and hashes are right.")


def test_check_fails_on_a_stale_index(corpus, tmp_path):
    build(corpus, tmp_path / "i")
    teach(corpus, {"question": "When can I drive?", "answers": [], "kind": "declined"})
    done = run("indexer", "check", "--corpus", str(corpus), "--index", str(tmp_path / "i"))
    assert done.returncode == 1
    assert "changed after the index was built" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("build", "--corpus", "nowhere"), ("show", "--index", "nowhere"), ("build", "--what")]
)
def test_wrong_use_is_one_line_and_exit_code_two(arguments):
    done = run("indexer", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_help_answers_at_once():
    started = time.perf_counter()
    assert run("indexer", "--help").returncode == 0
    assert time.perf_counter() - started < 2


def test_a_full_disk_leaves_the_old_index_and_says_so(corpus, tmp_path):
    index = tmp_path / "i"
    build(corpus, index)
    old = (index / CURRENT).read_text()
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); import signal; "
    limited += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.argv[0] = 'indexer'; "
    limited += "import runpy; runpy.run_module('indexer', run_name='__main__')"
    where = ["build", "--corpus", str(corpus), "--index", str(index), "--force"]
    done = subprocess.run([sys.executable, "-c", limited, *where], capture_output=True, text=True, timeout=120)
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert (index / CURRENT).read_text() == old
    load_index(corpus, index)

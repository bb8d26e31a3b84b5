"""Builds are repeatable to the byte, atomic, and do nothing twice."""

import shutil
import signal
import subprocess
import sys

import pytest
from indexing import LEG_PAIN, run, teach

from indexer.build import build, shelve
from indexer.corpus import load_corpus
from indexer.errors import IndexFormatError, UsageError
from indexer.storage import CURRENT, load_index, read_manifest

pytest_plugins = ("index_fixtures",)


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

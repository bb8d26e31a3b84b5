"""An index on disk: stale and damaged ones are refused; what it tells; its command line."""

import json
import shlex
import shutil
import time

import pytest
from indexing import LEG_PAIN, run, teach

from indexer.build import build, why_build
from indexer.encoder import DEFAULT_MODEL
from indexer.errors import IndexFormatError, StaleIndexError
from indexer.storage import CURRENT, load_index, read_manifest
from indexer.training import upper_bound

pytest_plugins = ("index_fixtures",)


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

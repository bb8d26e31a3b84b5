"""The command line of the bot: one answer, a small conversation, a file of questions, and clear refusals."""

import json
import subprocess
import sys

import pytest


def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, input=stdin)


def test_ask_prints_the_contract_as_json(bot, index_folder):
    done = run("ask", "is scar tissue common", "--json", "--index", str(index_folder))
    assert done.returncode == 0
    row = json.loads(done.stdout)
    assert list(row) == [
        "question",
        "looked_up",
        "outcome",
        "confidence",
        "quotes",
        "see_also",
        "attribution",
        "notice",
        "topics",
    ]
    assert set(row["quotes"][0]) == {
        "article",
        "article_sha256",
        "start",
        "end",
        "text",
        "heading",
        "highlights",
        "score",
    }


def test_a_conversation_on_the_terminal_shows_quotes_and_ends_with_an_empty_line(index_folder):
    done = run("ask", "--index", str(index_folder), stdin="is scar tissue common\n\n")
    assert done.returncode == 0
    assert "»A really rare cause of postoperative leg pain, if it ever happens, is scar tissue.«" in " ".join(
        done.stdout.split()
    )
    assert "Dr. Peter Ullrich" in done.stdout


def test_a_file_of_questions_becomes_a_file_of_answers_in_the_same_order(bot, index_folder, tmp_path):
    rows = [
        {"id": n, "question": q} for n, q in enumerate(["is scar tissue common", "when may i drive", "", "hi\nthere"])
    ]
    rows.append({"id": "x", "question": "and that?", "history": ["is scar tissue common"]})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run(
        "answer",
        "--questions",
        str(tmp_path / "in.jsonl"),
        "--output",
        str(tmp_path / "out.jsonl"),
        "--index",
        str(index_folder),
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [a["id"] for a in answers] == [0, 1, 2, 3, "x"]
    assert [a["question"] for a in answers] == [row["question"] for row in rows]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "in.jsonl:1: not valid JSON"),
        ('{"id": 1}', "in.jsonl:1: a row needs"),
        ('{"id": 1, "question": "q", "history": "x"}', "'history' must be a list"),
    ],
)
def test_a_broken_file_of_questions_is_named_by_line_and_nothing_is_written(tmp_path, line, message):
    (tmp_path / "in.jsonl").write_text(line)
    done = run("answer", "--questions", str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "out.jsonl"))
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("arguments", [("--index", "nowhere"), ("--corpus", "nowhere")])
def test_a_missing_index_or_corpus_is_one_clear_line(arguments):
    done = run("ask", "why", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere")
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_output_may_not_overwrite_the_questions(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": 1, "question": "why"}\n')
    done = run("answer", "--questions", str(path), "--output", str(path))
    assert done.returncode == 2
    assert path.read_text() == '{"id": 1, "question": "why"}\n'


def test_an_output_that_cannot_be_written_is_named(bot, index_folder, tmp_path):
    (tmp_path / "q.jsonl").write_text('{"id": 1, "question": "why"}\n')
    done = run(
        "answer",
        "--questions",
        str(tmp_path / "q.jsonl"),
        "--output",
        str(tmp_path / "no" / "out.jsonl"),
        "--index",
        str(index_folder),
    )
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True)

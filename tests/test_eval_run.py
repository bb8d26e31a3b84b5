"""A run from questions to a folder."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest

from bot.bot import Bot
from eval.judged import JudgedQuestion
from eval.records import Run, read_run
from eval.results_own import own_markdown
from eval.running import run_questions
from eval.settings import History
from indexer.errors import UsageError

pytest_plugins = ("bench_fixtures",)


def same(made: Run) -> dict[str, Any]:
    """What of a run must not depend on when it was made."""
    rows = [{**answer.to_json(), "milliseconds": 0} for answer in made.answers]
    kept = [figure for figure in made.figures if not figure.measure.startswith("latency")]
    return {"answers": rows, "figures": kept, "curves": made.curves, "sentences": made.sentences}


def test_a_run_is_read_back_as_it_was_written(
    small_bot: Bot, knee: tuple[JudgedQuestion, ...], knee_file: Path, tmp_path: Path
) -> None:
    written = run_questions(small_bot, knee, [knee_file], tmp_path / "run")
    read = read_run(tmp_path / "run")
    assert same(read) == same(written)
    assert read.about() == written.about()


def test_a_run_says_what_it_was_made_of(small_bot: Bot, knee_run: Path, knee_file: Path) -> None:
    made = read_run(knee_run)
    assert made.manifest == json.loads(json.dumps(small_bot.index.manifest))
    assert made.questions[0]["file"] == str(knee_file)
    assert {"python", "platform", "cpus", "versions", "code"} <= set(made.environment)
    for answer in made.answers:
        assert [made.sentences[n].text for n in answer.gold_sentences] or answer.kind == "declined"
        assert all(gold.text in small_bot.corpus.articles[gold.article].text for gold in answer.gold)
        assert len(answer.ranking) == len(made.sentences)
    assert {"knee", "wrist"} == {sentence.article for sentence in made.sentences}


def test_exported_rankings_give_the_same_figures_to_the_last_digit(
    knee_run: Path, real_run: Run, real_folder: Path
) -> None:
    for folder in (knee_run, real_folder):
        qrels = list(ir_measures.read_trec_qrels(str(folder / "qrels.trec")))  # type: ignore[no-untyped-call]
        ranking = list(ir_measures.read_trec_run(str(folder / "run.trec")))  # type: ignore[no-untyped-call]
        found = ir_measures.calc_aggregate([ir_measures.nDCG @ 10, ir_measures.RR], qrels, ranking)
        own = read_run(folder)
        assert own.figure("all", "ndcg@10").value == pytest.approx(found[ir_measures.nDCG @ 10], abs=1e-9)
        assert own.figure("all", "rr").value == pytest.approx(found[ir_measures.RR], abs=1e-9)


def test_an_interrupted_run_continues_where_it_stopped(
    small_bot: Bot, knee: tuple[JudgedQuestion, ...], knee_file: Path, knee_run: Path, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    asked: list[str] = []

    def stop_after_three(questions: Sequence[JudgedQuestion]) -> Iterable[JudgedQuestion]:
        for number, question in enumerate(questions):
            if number == 3:
                raise KeyboardInterrupt
            yield question

    def note(questions: Sequence[JudgedQuestion]) -> Sequence[JudgedQuestion]:
        asked.extend(question.id for question in questions)
        return questions

    with pytest.raises(KeyboardInterrupt):
        run_questions(small_bot, knee, [knee_file], output, progress=stop_after_three)
    with pytest.raises(UsageError, match="interrupted"):
        read_run(output)
    partial = output / "answers.partial.jsonl"
    # As a power cut leaves it: the last line ends in the middle of a letter.
    partial.write_bytes(partial.read_bytes() + b'{"id": "4", "question": "caf' + "é".encode()[:1])
    run_questions(small_bot, knee, [knee_file], output, progress=note)
    assert asked == ["4", "5", "6"]
    assert same(read_run(output)) == same(read_run(knee_run))
    assert not partial.exists()


def test_an_unfinished_run_of_something_else_is_not_continued(
    small_bot: Bot, knee: tuple[JudgedQuestion, ...], knee_file: Path, tmp_path: Path
) -> None:
    def stop(_: Sequence[JudgedQuestion]) -> Iterable[JudgedQuestion]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_questions(small_bot, knee, [knee_file], tmp_path, progress=stop)
    with pytest.raises(UsageError, match="unfinished run of other questions"):
        run_questions(small_bot, knee, [knee_file], tmp_path, history=History.LAST)
    run_questions(small_bot, knee, [knee_file], tmp_path, history=History.LAST, force=True)
    assert read_run(tmp_path).settings["history"] == "last"


def test_a_finished_run_is_not_overwritten_unasked(
    small_bot: Bot, knee: tuple[JudgedQuestion, ...], knee_file: Path, tmp_path: Path
) -> None:
    run_questions(small_bot, knee, [knee_file], tmp_path)
    with pytest.raises(UsageError, match="finished run is here"):
        run_questions(small_bot, knee, [knee_file], tmp_path)


def test_a_folder_that_cannot_be_written_is_told(
    small_bot: Bot, knee: tuple[JudgedQuestion, ...], knee_file: Path
) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        run_questions(small_bot, knee, [knee_file], knee_file / "run")


def test_a_damaged_run_is_told(knee_run: Path, tmp_path: Path) -> None:
    for name in ("run.json", "answers.jsonl"):
        (tmp_path / "run.json").write_bytes((knee_run / "run.json").read_bytes())
        (tmp_path / "answers.jsonl").write_bytes((knee_run / "answers.jsonl").read_bytes())
        (tmp_path / name).write_text('{"half": ', encoding="utf-8")
        with pytest.raises(UsageError, match="damaged"):
            read_run(tmp_path)
    with pytest.raises(UsageError, match="there is no such folder"):
        read_run(tmp_path / "nowhere")


def test_latency_is_told_with_its_interval(real_run: Run) -> None:
    p50, p95 = (real_run.figure("all", f"latency {name}") for name in ("p50", "p95"))
    assert p50.value is not None
    assert p95.value is not None
    assert 0 < p50.value <= p95.value
    assert p50.low is not None
    times = [answer.milliseconds for answer in real_run.answers]
    assert p50.value == pytest.approx(float(np.median(times)))


def test_the_worst_misses_are_of_the_open_split_alone(real_run: Run) -> None:
    none_found = replace(
        real_run, answers=tuple(replace(a, scores=dict.fromkeys(a.scores, 0.0)) for a in real_run.answers)
    )
    page = "\n".join(own_markdown((), None, none_found))
    by_split = {split: [a for a in real_run.answers if a.split == split] for split in ("dev", "test")}
    assert f"The 20 worst misses of {len(by_split['dev'])}" in page
    assert not [a.id for a in by_split["test"] if f" {a.question} |" in page]

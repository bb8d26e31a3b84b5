"""A run from questions to a folder, and what is done with folders: compare, gate."""

import json
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest

from bot.bot import Bot
from eval.__main__ import app
from eval.compare import Verdict, compare
from eval.gate import Check, check, junit_xml, load_thresholds
from eval.judged import JudgedQuestion, load_judged
from eval.measures import figures
from eval.records import Run, read_run
from eval.results_own import own_markdown
from eval.running import run_questions
from eval.scores import score_answers
from eval.settings import History
from indexer.build import build
from indexer.cli import run
from indexer.errors import UsageError

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


@pytest.fixture(scope="module")
def small_index(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small-index")
    build(small_corpus, folder)
    return folder


@pytest.fixture(scope="module")
def small_bot(small_corpus: Path, small_index: Path) -> Bot:
    return Bot.open(small_corpus, small_index)


@pytest.fixture(scope="module")
def knee_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("questions") / "knee.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in KNEE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def knee(small_bot: Bot, knee_file: Path) -> tuple[JudgedQuestion, ...]:
    return load_judged([knee_file], list(small_bot.corpus.articles.values()))


@pytest.fixture(scope="module")
def knee_run(
    small_bot: Bot, knee: tuple[JudgedQuestion, ...], knee_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    output = tmp_path_factory.mktemp("runs") / "knee"
    run_questions(small_bot, knee, [knee_file], output)
    return output


@pytest.fixture(scope="module")
def real_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "real"


@pytest.fixture(scope="module")
def real_run(bot: Bot, real_folder: Path) -> Run:
    """Every eighth of the project's judged questions."""
    files = sorted((ROOT / "eval" / "questions").glob("*.jsonl"))
    questions = load_judged(files, list(bot.corpus.articles.values()))[::8]
    return run_questions(bot, questions, files, real_folder)


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


def test_a_run_against_itself_is_a_tie_on_everything(real_run: Run) -> None:
    slices = ("all", "turn=later", "kind=overview", "tag=near")
    comparison = compare(real_run, replace(real_run), slices)
    tested = [each for each in comparison.differences if each.n]
    assert {each.verdict for each in tested} == {Verdict.TIE}
    assert {(each.difference, each.low, each.high, each.p) for each in tested} == {(0, 0, 0, 1)}
    assert not comparison.changes
    assert all(each.detectable is None or each.detectable > 0 for each in tested)


def test_shuffled_answers_are_worse(bot: Bot, real_run: Run) -> None:
    shuffled = list(real_run.answers)
    random.Random(5).shuffle(shuffled)
    mixed = [
        replace(own, answer=other.answer, ranking=other.ranking)
        for own, other in zip(real_run.answers, shuffled, strict=True)
    ]
    answers = score_answers(mixed, bot.corpus)
    second = replace(real_run, answers=answers, figures=figures(answers))
    verdicts = {each.measure: each.verdict for each in compare(real_run, second).differences}
    for measure in (
        "first quote right",
        "shown@3",
        "ndcg@10",
        "rr",
        "declined",
        "highlight precision",
        "auroc",
        "brier",
    ):
        assert verdicts[measure] == Verdict.WORSE, measure
    assert Verdict.BETTER not in verdicts.values()
    back = compare(second, real_run)
    assert {each.measure: each.verdict for each in back.differences}["ndcg@10"] == Verdict.BETTER
    lost = sum(not change.won for change in compare(real_run, second).changes)
    assert lost == sum(change.won for change in back.changes) > 0


def test_a_difference_lies_in_its_interval_and_matches_the_figures(bot: Bot, real_run: Run) -> None:
    worse = [
        replace(answer, ranking=answer.ranking[1:]) if number % 3 == 0 else answer
        for number, answer in enumerate(real_run.answers)
    ]
    answers = score_answers(worse, bot.corpus)
    second = replace(real_run, answers=answers, figures=figures(answers))
    for each in compare(real_run, second).differences:
        assert each.first == pytest.approx(real_run.figure("all", each.measure).value), each.measure
        assert each.second == pytest.approx(second.figure("all", each.measure).value), each.measure
        assert each.low is not None
        assert each.high is not None
        assert each.difference is not None
        assert each.low <= each.difference <= each.high


def test_an_empty_slice_has_no_verdict(real_run: Run) -> None:
    (difference,) = [d for d in compare(real_run, real_run, ["tag=nobody"]).differences if d.measure == "declined"]
    assert (difference.n, difference.verdict, difference.difference) == (0, None, None)


def test_runs_over_different_questions_are_refused_with_what_differs(real_run: Run) -> None:
    fewer = replace(real_run, answers=real_run.answers[2:])
    with pytest.raises(UsageError, match=r"2 only in the first run \(clinician"):
        compare(real_run, fewer)
    with pytest.raises(UsageError, match="2 only in the second run"):
        compare(fewer, real_run)
    first, *others = real_run.answers
    for change in ({"question": "another"}, {"kind": "overview"}, {"gold": ()}, {"history": ("before",)}):
        changed = replace(real_run, answers=(replace(first, **change), *others))
        with pytest.raises(UsageError, match=f"'{first.id}' has another {next(iter(change))}"):
            compare(real_run, changed)
    with pytest.raises(UsageError, match="one is over questions, the other over beir"):
        compare(real_run, replace(real_run, kind="beir"))


def checks_of(made: Run, tmp_path: Path, thresholds: str) -> tuple[Check, ...]:
    path = tmp_path / "thresholds.toml"
    path.write_text(thresholds, encoding="utf-8")
    return check(made, load_thresholds(path))


def test_the_gate_holds_figures_against_thresholds(knee_run: Path, tmp_path: Path) -> None:
    checks = checks_of(
        read_run(knee_run),
        tmp_path,
        """
        [[threshold]]
        slice = "all"
        measure = "verbatim"
        at_least = 1
        [[threshold]]
        slice = "all"
        measure = "ndcg@10"
        at_most = 0.1
        [[threshold]]
        slice = "tag=near"
        measure = "declined"
        at_least = 0.1
        """,
    )
    assert [each.passed for each in checks] == [True, False, False]
    suite = ET.fromstring(junit_xml(checks, "knee"))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    told = [case[0].get("message") if len(case) else None for case in suite]
    assert told[0] is None
    assert told[1] is not None
    assert told[1].startswith("it is ")
    assert told[2] == "n = 0: no question to measure 'declined' on"


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ("threshold = 3", "no threshold is in it"),
        ("[[threshold]\n", "not valid TOML"),
        ('[[threshold]]\nslice = "everything"\nmeasure = "rr"\nat_least = 1', "threshold 1: 'everything' is no slice"),
        ('[[threshold]]\nslice = "all"\nmeasure = "joy"\nat_least = 1', "'joy' is no measure"),
        ('[[threshold]]\nslice = "all"\nmeasure = "rr"', "give one number"),
        ('[[threshold]]\nslice = "all"\nmeasure = "rr"\nat_least = true', "give one number"),
        ('[[threshold]]\nslice = "all"\nmeasure = "rr"\nat_least = 0.1\nat_most = 0.2', "give one number"),
        ('[[threshold]]\nslice = "all"\nmeasure = "rr"\nminimum = 0.1', "and nothing else"),
    ],
)
def test_a_wrong_threshold_is_told(tmp_path: Path, thresholds: str, message: str) -> None:
    path = tmp_path / "t.toml"
    path.write_text(thresholds, encoding="utf-8")
    with pytest.raises(UsageError, match=message) as error:
        load_thresholds(path)
    assert str(path) in str(error.value)


def test_the_bot_passes_the_projects_gate(real_run: Run) -> None:
    failed = [str(each.threshold) for each in check(real_run, load_thresholds(ROOT / "eval" / "thresholds.toml"))
              if not each.passed]  # fmt: skip
    assert not failed


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command of the bench: its exit code, and what it writes to stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["eval", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app)
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return call


def test_a_run_and_its_comparison_can_be_read_by_programs(
    command: Command, small_corpus: Path, small_index: Path, knee_file: Path, knee_run: Path, tmp_path: Path
) -> None:
    where = ("--corpus", small_corpus, "--index", small_index)
    code, output, errors = command("run", "--questions", knee_file, *where, "--output", tmp_path / "run", "--json")
    assert (code, errors) == (0, "")
    verbatim = [each for each in json.loads(output)["figures"] if each["measure"] == "verbatim"]
    assert (verbatim[0]["slice"], verbatim[0]["value"], verbatim[0]["n"]) == ("all", 1.0, 6)
    code, output, _ = command("compare", knee_run, tmp_path / "run", "--json")
    assert code == 0
    assert {each["verdict"] for each in json.loads(output)["differences"]} == {"tie", None}


def test_a_part_of_the_questions_can_be_run(
    command: Command, small_corpus: Path, small_index: Path, knee_file: Path, tmp_path: Path
) -> None:
    where = ("--corpus", small_corpus, "--index", small_index, "--questions", knee_file)
    code, _, _ = command("run", *where, "--only", "split=dev", "--output", tmp_path / "dev")
    assert code == 0
    assert [answer.id for answer in read_run(tmp_path / "dev").answers] == ["4"]


def test_the_gate_ends_with_its_exit_code(
    command: Command, small_corpus: Path, small_index: Path, knee_file: Path, knee_run: Path, tmp_path: Path
) -> None:
    strict, mild = tmp_path / "strict.toml", tmp_path / "mild.toml"
    threshold = '[[threshold]]\nslice = "all"\nmeasure = "ndcg@10"\nat_least = '
    strict.write_text(threshold + "1.1\n", encoding="utf-8")
    mild.write_text(threshold + "0.1\n", encoding="utf-8")
    code, output, _ = command("gate", knee_run, "--thresholds", strict, "--junit", tmp_path / "gate.xml")
    assert code == 1
    assert "not reached" in output
    assert ET.parse(tmp_path / "gate.xml").getroot().tag == "testsuites"
    where = ("--corpus", small_corpus, "--index", small_index, "--questions", knee_file)
    code, output, _ = command("gate", "--thresholds", mild, *where, "--json")
    assert (code, json.loads(output)["passed"]) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("gate", "nowhere"),
        ("compare", "nowhere", "nowhere"),
        ("run", "--output", "x", "--system", "bm25"),
        ("run", "--output", "x", "--beir", "nowhere"),
        ("run", "--output", "x", "--beir", "nowhere", "--only", "split=dev"),
        ("results", "--data", "nowhere", "--runs", "nothing"),
    ],
)
def test_wrong_use_is_one_line_on_stderr(
    command: Command, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thresholds = ROOT / "eval" / "thresholds.toml"
    monkeypatch.chdir(tmp_path)
    code, output, errors = command(*arguments, *(("--thresholds", thresholds) if arguments[0] == "gate" else ()))
    assert (code, output) == (2, "")
    assert errors.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in errors


def test_tables_are_the_default(command: Command, knee_run: Path) -> None:
    code, output, _ = command("compare", knee_run, knee_run, "--slice", "turn=later")
    assert code == 0
    assert "would have shown" in output
    assert "tie" in output
    assert "n = 0" in output, "the measures of kinds that are not there"


def test_help_needs_no_heavy_library() -> None:
    code = "import sys; from eval.__main__ import app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    heavy = {"torch", "faiss", "sklearn", "scipy", "numpy", "matplotlib", "gradio", "ir_measures", "pandas"}
    assert not heavy & set(loaded.split())


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
